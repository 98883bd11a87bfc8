#include "dit/modules/residual.h"

#include "kernels/elementwise/elementwise.h"

#include <utility>

namespace kine::dit {

void Residual::add(const Context& context, Contribution given) {
    sum(context);
    if (tokens_.elements() > 0) waiting_ = std::move(given);
}

Tensor Residual::sum(const Context& context) {
    const Contribution given = std::exchange(waiting_, {});
    if (given.value) tokens_ = kernels::gate_residual(context, std::move(tokens_), given.gate, given.value);
    return tokens_;
}

Tensor Residual::release(const Context& context) && {
    sum(context);
    return std::move(tokens_);
}

Tensor Residual::normed(const Context& context, const kernels::RowNorm& norm) {
    const Contribution given = std::exchange(waiting_, {});
    if (!given.value) return kernels::row_norm(context, tokens_, norm);
    auto [sum, normed] = kernels::gate_residual_norm(context, std::move(tokens_), given.gate, given.value, norm);
    tokens_ = std::move(sum);
    return std::move(normed);
}

}  // namespace kine::dit
