#include "parallel/parts.h"

#include "kernels/move/move.h"

#include <algorithm>

namespace kine::parallel {

Tensor packed(const Context& context, const Tensor& x) {
    return x.elements() == 0 ? Tensor::empty(context, x.shape(), x.dtype()) : kernels::contiguous(context, x);
}

Tensor join(const Context& context, const std::vector<Tensor>& parts, int axis) {
    std::vector<Tensor> filled;
    std::copy_if(parts.begin(), parts.end(), std::back_inserter(filled),
                 [](const Tensor& part) { return part.elements() > 0; });
    if (filled.size() > 1) return kernels::concat(context, filled, axis);
    if (filled.size() == 1) return filled[0];
    Shape shape = parts[0].shape();
    shape.set(axis, 0);
    for (const Tensor& part : parts) shape.set(axis, shape[axis] + part.dim(axis));
    return Tensor::empty(context, shape, parts[0].dtype());
}

}  // namespace kine::parallel
