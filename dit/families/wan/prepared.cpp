#include "dit/families/wan/prepared.h"

#include "dit/modules/resident.h"
#include "kernels/move/move.h"

namespace kine::dit::wan {

namespace {

/// Which row of the step's time each branch, or each branch and frame of this rank, takes.
Tensor time_rows(const StepContext& step, const WanPrepared& prepared) {
    std::vector<int64_t> of_branch = {0};
    if (prepared.condition) {
        const int64_t frames = step.tokens[1];
        std::vector<int64_t> of_frames(static_cast<size_t>(frames), 0);
        of_frames[0] = 1;
        const Tensor all = Tensor::of<int64_t>(step.context.host(), {frames}, of_frames);
        const Tensor mine = resident_rows(step, all, parallel::Split::Frames);
        of_branch.assign(mine.data<int64_t>(), mine.data<int64_t>() + mine.elements());
    }
    std::vector<int64_t> ids;
    for (int64_t branch = 0; branch < prepared.states.dim(0); ++branch)
        ids.insert(ids.end(), of_branch.begin(), of_branch.end());
    return Tensor::of<int64_t>(step.context.host(), {static_cast<int64_t>(ids.size())}, ids);
}

}  // namespace

Moment moment_of(const StepContext& step, const WanPrepared& prepared, const TimeRows& time) {
    const Tensor ids = time_rows(step, prepared);
    const int64_t channels = time.embedded.dim(1);
    const Tensor packed = time.modulation.reshape({time.embedded.dim(0), 6 * channels});
    const Tensor modulation = kernels::gather_rows(step.context, packed, ids);
    return {.modulation = modulation.reshape({ids.dim(0), 6, channels}),
            .embedded = kernels::gather_rows(step.context, time.embedded, ids)};
}

Tensor with_first_frame(const Context& context, const Tensor& latents, const Tensor& first) {
    Tensor result = Tensor::empty(context, latents.shape(), latents.dtype());
    kernels::copy_into(context, latents, result);
    for (int64_t branch = 0; branch < latents.dim(0); ++branch) {
        Tensor place = result.select(0, branch).slice(1, 0, 1);
        kernels::copy_into(context, first, place);
    }
    return result;
}

}  // namespace kine::dit::wan
