#include "dit/families/wan/text.h"

#include "dit/text/clean_text.h"
#include "kernels/move/move.h"

namespace kine::dit::wan {

namespace {

constexpr int64_t kTextLength = 512;

/// No mask reaches the transformer: it attends to the empty rows too, and they must be zero.
Tensor without_padding(const Context& context, const Tensor& states, int64_t length) {
    Tensor result = Tensor::zeros(context, states.shape(), states.dtype());
    Tensor own = result.slice(0, 0, length);
    kernels::copy_into(context, states.slice(0, 0, length), own);
    return result.unsqueeze(0);  // [1, L, D]
}

}  // namespace

Tokens WanText::tokens_of(const std::string& text) const { return tokenizer_->encode(clean_text(text), kTextLength); }

Tensor WanText::states(const Context& context, const Tokens& tokens) const {
    const Tensor ids = Tensor::of<int64_t>(context, {kTextLength}, tokens.ids);
    const Tensor mask = Tensor::of<uint8_t>(context, {kTextLength}, tokens.mask);
    return encoder_(context, ids, mask);
}

Conditioning WanText::encode(const Context& context, const Request& request) const {
    Conditioning result;
    result.guided = *request.guidance_scale > 1.0;
    result.prompt = tokens_of(request.prompt);
    result.prompt_states = states(context, result.prompt);
    const Tensor prompt = without_padding(context, result.prompt_states, result.prompt.length);
    if (!result.guided) {
        result.states = prompt;
        return result;
    }
    result.negative = tokens_of(request.negative_prompt);
    result.negative_states = states(context, result.negative);
    const Tensor branches[] = {without_padding(context, result.negative_states, result.negative.length), prompt};
    result.states = kernels::concat(context, branches, 0);  // [2, L, D]
    return result;
}

}  // namespace kine::dit::wan
