// A grid of CUDA threads on the host, for kernels that are compiled as C++. The threads of a block are fibers that take
// turns on one processor; blocks follow one another, every other one with its threads in reverse order, so that a
// missing barrier shows. Stricter than a GPU: barriers want every thread, exchanges all 32 lanes, and a block that
// cannot go on is an error. Shared memory is as large as asked for and begins as NaNs.
#pragma once

#include "kernels/cuda/rows.h"

#include <any>
#include <functional>
#include <span>

namespace kine::emulation {

/// Runs `body` in every thread of every block. One grid at a time for each thread of the host.
void run_grid(const kernels::cuda::Launch& launch, const std::function<void(std::byte* shared)>& body);

/// The same for kernels whose threads neither wait nor exchange, and take no shared memory: much faster, since they
/// need no stacks of their own. One that waits all the same is an error.
void run_lone_threads(const kernels::cuda::Launch& launch, const std::function<void()>& body);

struct Place {
    int thread = 0;
    int64_t block_x = 0;
    int64_t block_y = 0;
    kernels::cuda::Launch launch;
};

/// Of the running thread.
const Place& place();

void sync_block();
void sync_warp();

/// Of the running block; begins at a multiple of kSharedAlignment.
std::span<std::byte> shared_memory();
inline constexpr size_t kSharedAlignment = 1024;

/// What else is known of the running block: nothing when it begins.
std::any& notes_on_block();

/// Other threads take turns until `is_over`. Whoever does what another may wait for says that it has moved.
void wait_until(const std::function<bool()>& is_over);
void has_moved();

/// What all 32 lanes of the running thread's warp gave to this call, by lane. Valid until the warp's next exchange.
std::span<const uint64_t> exchange(uint64_t own);

}  // namespace kine::emulation
