#include "dit/modules/resident.h"

#include "kernels/move/move.h"
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

Tensor resident_grid(const StepContext& step, const Tensor& table) {
    const Tensor of_frames = resident_rows(step, table, parallel::Split::Frames);
    const Tensor of_patches = resident_rows(step, of_frames.transpose(0, 1), parallel::Split::Patches);
    return kernels::contiguous(step.context, of_patches.transpose(0, 1));
}

Tensor everybodys_columns(const StepContext& step, const Tensor& part, int64_t begin, int64_t end) {
    const auto in_one_row = [](const Tensor& x) { return x.reshape({x.dim(0), 1, x.dim(1) * x.dim(2), x.dim(3)}); };
    const parallel::Split split = step.ranks.strategy.resident.split;
    const bool is_cut = split == parallel::Split::Frames || split == parallel::Split::Patches;
    if (!is_cut || step.ranks.communicator.size() == 1) return in_one_row(part).slice(-1, begin, end);
    return in_one_row(to_whole(step, part.slice(-1, begin, end)));
}

}  // namespace kine::dit
