// Entries of the ladders' rungs.
#include "apps/bench/ladder/norm_rungs.cuh"
#include "apps/bench/ladder/rungs.h"
#include "apps/bench/ladder/temporal_rungs.cuh"
#include "kernels/attention/temporal_cuda.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/norm/norm_cuda.h"

#include <iterator>

namespace kine::bench {

namespace {

using Norm = NormArguments<BFloat16>;

__global__ void __launch_bounds__(kRowsPerBlock) thread_per_row(const Norm norm) { thread_per_row_block(norm); }
__global__ void __launch_bounds__(kThreadsPerRow) block_per_row(const Norm norm) {
    extern __shared__ float scratch[];
    block_per_row_block(norm, scratch);
}
__global__ void __launch_bounds__(kWarpsPerBlock* kWarp) warp_per_row(const Norm norm) { warp_per_row_block(norm); }

__global__ void __launch_bounds__(kQueriesPerBlock) thread_per_query(const TemporalArguments<BFloat16> all) {
    thread_per_query_block<kLadderHeadSize>(all);
}
__global__ void __launch_bounds__(kMostTemporalThreads) staged(const TemporalArguments<BFloat16> all) {
    extern __shared__ uint4 shared[];
    staged_block<kLadderHeadSize>(all, reinterpret_cast<BFloat16*>(shared));
}

}  // namespace

void launch_norm_rung(size_t rung, const Norm& norm, Stream stream) {
    Norm last = norm;
    last.by_words = rung + 1 == std::size(kNormRungs);
    switch (rung) {
        case 0:
            return start(thread_per_row, thread_per_row_launch(norm.rows), norm, stream);
        case 1:
            return start(block_per_row, block_per_row_launch(norm.rows), norm, stream);
        case 2:
            return start(warp_per_row, warp_per_row_launch(norm.rows), norm, stream);
        default:
            return launch_norm(last, stream);
    }
}

void launch_temporal_rung(size_t rung, const TemporalArguments<BFloat16>& all, Stream stream) {
    const int64_t sites = all.outer * all.inner;
    switch (rung) {
        case 0:
            return start(thread_per_query, thread_per_query_launch(sites * all.heads * all.queries), all, stream);
        case 1:
            return start(staged, temporal_launch(sites, all.heads, all.keys, kLadderHeadSize), all, stream);
        default:
            return launch_temporal(all, kLadderHeadSize, stream);
    }
}

}  // namespace kine::bench
