#include "dit/sampling/guidance.h"

#include "kernels/elementwise/elementwise.h"

namespace kine::dit {

Tensor classifier_free_guidance(const Context& context, const Tensor& prediction, double scale) {
    const Tensor negative = prediction.select(0, 0);
    const Tensor positive = prediction.select(0, 1);
    const Tensor direction = kernels::combine(context, 1.0f, positive, -1.0f, negative);
    return kernels::combine(context, 1.0f, negative, static_cast<float>(scale), direction);
}

}  // namespace kine::dit
