#include "dit/modules/linear.h"

#include "kernels/move/move.h"

namespace kine::dit {

Linear::Linear(const Scope& scope, int64_t in, int64_t out, bool has_bias) : Linear({scope}, in, out, has_bias) {}

namespace {

/// Where ops on it work: weights may still be the host's.
const Context& place_of(const Context& context, const Tensor& weight) {
    return weight.device().kind == DeviceKind::Cpu ? context.host() : context;
}

}  // namespace

Linear::Linear(std::initializer_list<Scope> scopes, int64_t in, int64_t out_each, bool has_bias) {
    std::vector<Tensor> weights;
    std::vector<Tensor> biases;
    for (const Scope& scope : scopes) {
        weights.push_back(scope.bind_matrix("weight", {out_each, in}));
        if (has_bias) biases.push_back(scope.bind("bias", {out_each}));
    }
    const Scope& first = *scopes.begin();
    const Context& context = first.context();
    const auto joined = [&](const std::vector<Tensor>& parts) {
        return parts.size() == 1 ? parts.front() : kernels::concat(place_of(context, parts.front()), parts, 0);
    };
    weight_ = kernels::LinearWeight(context, joined(weights), has_bias ? joined(biases) : Tensor(),
                                    first.quantization(), first.offload());
}

namespace {

/// The given ranges of an axis, one after the other, contiguous.
Tensor ranges_of(const Context& context, const Tensor& x, int axis, const std::vector<parallel::Range>& ranges) {
    std::vector<Tensor> parts;
    for (const parallel::Range& range : ranges) parts.push_back(x.slice(axis, range.begin, range.end));
    return parts.size() == 1 ? kernels::contiguous(context, parts.front()) : kernels::concat(context, parts, axis);
}

}  // namespace

Linear Linear::part(const Context& context, const Part& part) const {
    const Tensor whole = weight_.unpacked_weight(context);
    const Context& place = place_of(context, whole);
    const Tensor weight = ranges_of(place, ranges_of(place, whole, 0, part.outputs), 1, part.inputs);
    const Tensor bias = part.has_bias ? ranges_of(context, weight_.unpacked_bias(), 0, part.outputs) : Tensor();
    Linear layer;
    layer.weight_ = kernels::LinearWeight(context, weight, bias, weight_.quantization(), weight_.offload());
    return layer;
}

Linear Linear::over_patches(const Scope& scope, int64_t in, int64_t out, int64_t patch) {
    return over_kernel(scope, {out, in, patch, patch});
}

Linear Linear::over_frame_patches(const Scope& scope, int64_t in, int64_t out, int64_t patch) {
    return over_kernel(scope, {out, in, 1, patch, patch});
}

Linear Linear::over_kernel(const Scope& scope, const Shape& kernel) {
    const Tensor weight = scope.bind("weight", kernel);
    const int64_t out = kernel[0];
    Linear layer;
    layer.weight_ = kernels::LinearWeight(scope.context(), weight.reshape({out, kernel.elements() / out}),
                                          scope.bind("bias", {out}));
    return layer;
}

}  // namespace kine::dit
