#include "dit/modules/resident.h"

#include "kernels/move/move.h"
#include "parallel/partition.h"
#include "parallel/parts.h"
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
    return parallel::reshard(step.context, step.ranks.communicator, whole, whole_shape(step, whole.dim(3)), {},
                             step.ranks.strategy.resident);
}

Tensor to_whole(const StepContext& step, const Tensor& resident) {
    const Shape whole = whole_shape(step, resident.dim(3));
    return parallel::reshard(step.context, step.ranks.communicator, resident, whole, step.ranks.strategy.resident, {});
}

Tensor resident_rows(const StepContext& step, const Tensor& table, parallel::Split axis) {
    const parallel::Communicator& communicator = step.ranks.communicator;
    if (step.ranks.strategy.resident.split != axis) return table;
    const parallel::Range rows = parallel::partition(table.dim(0), communicator.rank(), communicator.size());
    return table.slice(0, rows.begin, rows.end);
}

Tensor resident_grid(const StepContext& step, const Tensor& table) {
    const Tensor of_frames = resident_rows(step, table, parallel::Split::Frames);
    const Tensor of_patches = resident_rows(step, of_frames.transpose(0, 1), parallel::Split::Patches);
    return kernels::contiguous(step.context, of_patches.transpose(0, 1));
}

Tensor projected_grid(const StepContext& step, const Tensor& table) {
    return sums_heads(step.ranks, parallel::Attended::All) ? kernels::contiguous(step.context, table)
                                                           : resident_grid(step, table);
}

Tensor sum_to_resident(const StepContext& step, const Tensor& part) {
    parallel::Communicator& communicator = step.ranks.communicator;
    const int axis = parallel::axis_of(step.ranks.strategy.resident.split);
    std::vector<Tensor> parts;
    for (int rank = 0; rank < communicator.size(); ++rank) {
        const parallel::Range rows = parallel::partition(part.dim(axis), rank, communicator.size());
        parts.push_back(parallel::packed(step.context, part.slice(axis, rows.begin, rows.end)));
    }
    return communicator.reduce_scatter(step.context, parts);
}

}  // namespace kine::dit
