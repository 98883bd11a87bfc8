#include "dit/families/wan/text.h"

#include "dit/text/clean_text.h"
#include "kernels/move/move.h"

namespace kine::dit::wan {

namespace {

/// No mask reaches the transformer: it attends to the empty rows too, and they must be zero. -> [1, L, D]
Tensor without_padding(const Context& context, const EncodedText& text) {
    Tensor result = Tensor::zeros(context, text.states.shape(), text.states.dtype());
    Tensor own = result.slice(0, 0, text.tokens.length);
    kernels::copy_into(context, text.states.slice(0, 0, text.tokens.length), own);
    return result.unsqueeze(0);
}

}  // namespace

Conditioning WanText::encode(const Context& context, const Request& request, bool guided) const {
    Conditioning result;
    result.prompt = encode_(context, clean_text(request.prompt));
    const Tensor prompt = without_padding(context, result.prompt);
    if (!guided) {
        result.states = prompt;
        return result;
    }
    result.negative = encode_(context, clean_text(request.negative_prompt));
    const Tensor branches[] = {without_padding(context, result.negative), prompt};
    result.states = kernels::concat(context, branches, 0);  // [2, L, D]
    return result;
}

}  // namespace kine::dit::wan
