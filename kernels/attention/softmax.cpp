#include "kernels/attention/softmax.h"

#include "kernels/host/simd.h"
#include "runtime/device/host/processor.h"

#include <algorithm>

namespace kine::kernels {

namespace {

void raise_largest_narrow(const RowTile<float>& scores, float scale, float* largest) {
    for (int64_t row = 0; row < scores.rows; ++row) {
        const float* from = scores.data + row * scores.stride;
        Float8 most = splat(kLowest);
        for (int64_t i = 0; i < scores.count; i += kLanes) most = max(most, load(from + i));
        largest[row] = std::max(largest[row], scale * max_of(most));
    }
}

template <class Share>
void exponentiate_narrow(const RowTile<float>& scores, float scale, const float* largest, const RowTile<Share>& shares,
                         float* totals) {
    for (int64_t row = 0; row < scores.rows; ++row) {
        const float* from = scores.data + row * scores.stride;
        Share* to = shares.data + row * shares.stride;
        Float8 total = {};
        for (int64_t i = 0; i < scores.count; i += kLanes) {
            const Float8 share = exp_of_negative(load(from + i) * scale - largest[row]);
            store(to + i, share);
            total += share;
        }
        totals[row] = sum_of(total);
    }
}

template <class T>
void divide_narrow(const RowTile<float>& sums, const float* totals, const RowTile<T>& out) {
    for (int64_t row = 0; row < sums.rows; ++row) {
        const float share = 1.0f / totals[row];
        map_lanes(
            sums.count, out.data + row * out.stride, [=](Float8 v) { return v * share; },
            static_cast<const float*>(sums.data + row * sums.stride));
    }
}

}  // namespace

void add_terms(float* scores, int64_t count, float scale, const float* bias, const float* mask) {
    for (int64_t i = 0; i < count; i += kLanes) {
        Float8 v = load(scores + i) * scale;
        if (bias) v += load(bias + i);
        if (mask) v += load(mask + i);
        store(scores + i, v);
    }
}

void raise_largest(const RowTile<float>& scores, float scale, float* largest) {
    return uses_avx512() ? raise_largest_wide(scores, scale, largest) : raise_largest_narrow(scores, scale, largest);
}

void exponentiate(const RowTile<float>& scores, float scale, const float* largest, const RowTile<float>& shares,
                  float* totals) {
    const auto run = uses_avx512() ? exponentiate_wide : exponentiate_narrow<float>;
    run(scores, scale, largest, shares, totals);
}

void exponentiate(const RowTile<float>& scores, float scale, const float* largest, const RowTile<BFloat16>& shares,
                  float* totals) {
    const bool can_round = instruction_set() == InstructionSet::Amx && scores.count % 32 == 0;
    const auto run = can_round ? exponentiate_amx : exponentiate_narrow<BFloat16>;
    run(scores, scale, largest, shares, totals);
}

void divide_rows(const RowTile<float>& sums, const float* totals, const RowTile<float>& out) {
    return uses_avx512() ? divide_rows_wide(sums, totals, out) : divide_narrow(sums, totals, out);
}

void divide_rows(const RowTile<float>& sums, const float* totals, const RowTile<BFloat16>& out) {
    return uses_avx512() ? divide_rows_wide(sums, totals, out) : divide_narrow(sums, totals, out);
}

}  // namespace kine::kernels
