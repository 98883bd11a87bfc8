#include "dit/modules/resident.h"

#include "parallel/partition.h"
#include "parallel/reshard.h"

namespace kine::dit {

namespace {

/// The whole tokens' shape with another last axis.
Shape whole_shape(const StepContext& step, int64_t last) {
    Shape shape = step.tokens;
    shape.set(3, last);
    return shape;
}

}  // namespace

Tensor to_resident(const StepContext& step, const Tensor& whole) {
    const auto& [communicator, strategy] = step.ranks;
    return parallel::reshard(step.context, communicator, whole, whole_shape(step, whole.dim(3)), {}, strategy.resident);
}

Tensor to_whole(const StepContext& step, const Tensor& resident) {
    const auto& [communicator, strategy] = step.ranks;
    const Shape whole = whole_shape(step, resident.dim(3));
    return parallel::reshard(step.context, communicator, resident, whole, strategy.resident, {});
}

Tensor resident_rows(const StepContext& step, const Tensor& table, parallel::Split axis) {
    const auto& [communicator, strategy] = step.ranks;
    if (strategy.resident.split != axis) return table;
    const parallel::Range rows = parallel::partition(table.dim(0), communicator.rank(), communicator.size());
    return table.slice(0, rows.begin, rows.end);
}

}  // namespace kine::dit
