#include "dit/families/cogvideox/text.h"

#include "kernels/move/move.h"

namespace kine::dit::cogvideox {

Conditioning CogVideoXText::encode(const Context& context, const Request& request, bool guided) const {
    Conditioning result;
    result.prompt = encode_(context, request.prompt);
    const Tensor prompt = result.prompt.states.unsqueeze(0);  // [1, L, D]
    if (!guided) {
        result.states = prompt;
        return result;
    }
    result.negative = encode_(context, request.negative_prompt);
    const Tensor branches[] = {result.negative.states.unsqueeze(0), prompt};
    result.states = kernels::concat(context, branches, 0);  // [2, L, D]
    return result;
}

}  // namespace kine::dit::cogvideox
