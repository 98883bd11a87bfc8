// Keys and values of one block as the register loops want them: f32, in panels.
#pragma once

#include "kernels/host/micro_kernel.h"
#include "kernels/host/transpose.h"

#include <algorithm>

namespace kine::kernels {

template <class T>
Float8 load_up_to(const T* from, int64_t count) {
    return count >= kLanes ? load(from) : load_first(from, count);
}

/// 8 keys x 8 values -> `to` [8][16]. Apart from the general case, since registers want counts known beforehand.
template <class T>
void pack_whole_block(const T* keys, int64_t stride, float* to) {
    Float8 block[kLanes];
    unrolled<kLanes>([&](auto row) { block[row] = load(keys + row * stride); });
    transpose(block);
    unrolled<kLanes>([&](auto row) { store(to + row * kPanel, block[row]); });
}

template <class T>
void pack_part_of_block(const T* keys, int64_t stride, int64_t count, int64_t size, float* to) {
    Float8 block[kLanes] = {};
    for (int64_t row = 0; row < std::min(kLanes, count); ++row) block[row] = load_up_to(keys + row * stride, size);
    transpose(block);
    for (int64_t row = 0; row < std::min(kLanes, size); ++row) store(to + row * kPanel, block[row]);
}

/// Keys [count, size] with `stride` elements from key to key -> panels [ceil(count / 16)][size][16], zeros beyond
/// count.
template <class T>
void pack_keys(const T* keys, int64_t stride, int64_t count, int64_t size, float* panels) {
    for (int64_t key = 0; key < (count + kPanel - 1) / kPanel * kPanel; key += kLanes) {
        float* to = panels + key / kPanel * kPanel * size + key % kPanel;
        for (int64_t d = 0; d < size; d += kLanes) {
            const T* from = keys + key * stride + d;
            if (count - key >= kLanes && size - d >= kLanes) {
                pack_whole_block(from, stride, to + d * kPanel);
            } else {
                pack_part_of_block(from, stride, count - key, size - d, to + d * kPanel);
            }
        }
    }
}

/// Values [count, size] -> panels of 16 columns [count][16] and, where 8 columns or fewer remain, one [count][8].
template <class T>
void pack_values(const T* values, int64_t stride, int64_t count, int64_t size, float* panels) {
    for (int64_t d = 0; d < size; d += kPanel, panels += count * kPanel) {
        const int64_t width = size - d > kLanes ? kPanel : kLanes;
        for (int64_t key = 0; key < count; ++key) {
            const T* from = values + key * stride + d;
            store(panels + key * width, load_up_to(from, size - d));
            if (width == kPanel) store(panels + key * width + kLanes, load_up_to(from + kLanes, size - d - kLanes));
        }
    }
}

}  // namespace kine::kernels
