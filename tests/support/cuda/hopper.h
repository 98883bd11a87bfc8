// What Hopper adds to the emulated grid, by the PTX manual: barriers that count bytes, boxes of a tensor, products of
// factors in shared memory. What is asked for is done as late as may be: boxes are NaNs until their barrier is awaited,
// sums until their products are. What a GPU would do anything about is an error.
#pragma once

#include "kernels/cuda/tile_map.h"

#include <array>
#include <cstdint>
#include <span>

namespace kine::emulation {

/// What an emulated TileMap holds.
struct alignas(128) EmulatedMap {
    kernels::cuda::TileSource source;
};
static_assert(sizeof(EmulatedMap) == sizeof(kernels::cuda::TileMap));

/// From the beginning of the block's shared memory.
uint32_t shared_address(const void* shared);

void make_barrier(uint64_t* barrier, int arrivals);
void show_barriers();
void arrive(uint64_t* barrier, int bytes);
void await_phase(uint64_t* barrier, int phase);

/// Swizzled by 32 bytes, zeros for what lies outside.
void fetch_box(void* shared, const kernels::cuda::TileSource& source, const int (&at)[kernels::cuda::kTileAxes],
               uint64_t* barrier);

/// What cuTensorMapEncodeTiled refuses.
void check_source(const kernels::cuda::TileSource& source);

void begin_products();
void await_products(std::span<float[4]> sums);
/// wgmma.m64nNk16 of bf16: a and b in shared memory by their descriptors, channels together, into (or onto) sums.
void put_product(std::span<float[4]> sums, uint64_t a, uint64_t b, bool adds);
/// The same, a in registers, which stay as they are until the sums are awaited; b with columns together.
void add_product(std::span<float[4]> sums, const uint32_t (&a)[4], uint64_t b);

}  // namespace kine::emulation
