// The host's double of kernels/cuda/hopper.cuh: barriers, the copy engine and products of four warps over an emulated
// grid.
#pragma once

#include "kernels/cuda/tile_map.h"
#include "tests/support/cuda/hopper.h"

#include <bit>

namespace kine::kernels::cuda {

using SharedBarrier = uint64_t;

inline void make_barrier(SharedBarrier* barrier, int arrivals) { emulation::make_barrier(barrier, arrivals); }
inline void show_barriers() { emulation::show_barriers(); }
inline void arrive(SharedBarrier* barrier) { emulation::arrive(barrier, 0); }
inline void arrive_for(SharedBarrier* barrier, int bytes) { emulation::arrive(barrier, bytes); }
inline void await_phase(SharedBarrier* barrier, int phase) { emulation::await_phase(barrier, phase); }

inline void fetch_box(void* shared, const TileMap& map, const int (&at)[kTileAxes], SharedBarrier* barrier) {
    emulation::fetch_box(shared, std::bit_cast<emulation::EmulatedMap>(map).source, at, barrier);
}

inline uint64_t factor_at(const void* shared, int leading_bytes, int stride_bytes) {
    return tile_factor(emulation::shared_address(shared), leading_bytes, stride_bytes);
}

inline void begin_products() { emulation::begin_products(); }
template <int kSteps>
void begin_products(uint32_t (&)[kSteps][4]) {
    begin_products();
}
template <int kTiles>
void await_products(float (&sums)[kTiles][4]) {
    emulation::await_products(std::span(sums));
}

template <int kRegisters>
void shrink_registers() {}
template <int kRegisters>
void grow_registers() {}

inline void put_product(float (&sums)[16][4], uint64_t a, uint64_t b, bool adds) {
    emulation::put_product(sums, a, b, adds);
}
template <int kTiles>
void add_product(float (&sums)[kTiles][4], const uint32_t (&a)[4], uint64_t b) {
    emulation::add_product(std::span(sums), a, b);
}

}  // namespace kine::kernels::cuda
