#include "kernels/attention/softmax.h"
#include "kernels/host/wide.h"

#include <algorithm>

KINE_WIDE_BEGIN

namespace kine::kernels {

namespace {

constexpr float kLog2E = 1.44269504f;

// Lanes of the vector that begins at `i`: all, or the 8 that may be left.
__mmask16 lanes_at(const ScoreRow& row, int64_t i) { return first_lanes(row.count - i); }

float largest_of(const ScoreRow& row) {
    Wide largest = wide(kLowest);
    int64_t i = 0;
    for (; i + kWideLanes <= row.count; i += kWideLanes) largest = max(largest, load_wide(row.scores + i));
    if (i < row.count)
        largest = _mm512_mask_max_ps(largest, lanes_at(row, i), largest, load_wide(row.scores + i, lanes_at(row, i)));
    return _mm512_reduce_max_ps(largest);
}

void add_terms(const ScoreRow& row) {
    for (int64_t i = 0; i < row.count; i += kWideLanes) {
        const __mmask16 lanes = lanes_at(row, i);
        Wide v = load_wide(row.scores + i, lanes) * row.scale;
        if (row.bias) v += load_wide(row.bias + i, lanes);
        if (row.mask) v += load_wide(row.mask + i, lanes);
        store(row.scores + i, v, lanes);
    }
}

// A query's row has one order of its sum, lane by lane.
template <class Share>
float exponentiate_row(const ScoreRow& row, float largest, Share* shares) {
    const Wide factor = wide(row.scale * kLog2E);
    // Finite even where no key counts: infinity would meet the minus infinity of their scores.
    const Wide shift = wide(std::min(-largest * kLog2E, -kLowest));
    Wide total = wide(0.0f);
    int64_t i = 0;
    for (; i + kWideLanes <= row.count; i += kWideLanes) {
        const Wide share = exp2_of(load_wide(row.scores + i) * factor + shift);
        store(shares + i, share);
        total += share;
    }
    if (i < row.count) {
        const __mmask16 lanes = lanes_at(row, i);
        const Wide share = exp2_of(load_wide(row.scores + i, lanes) * factor + shift);
        store(shares + i, share, lanes);
        total = _mm512_mask_add_ps(total, lanes, total, share);
    }
    return _mm512_reduce_add_ps(total);
}

}  // namespace

float prepare_scores_wide(ScoreRow& row) {
    if (!row.bias && !row.mask) return row.scale * largest_of(row);
    add_terms(row);
    row.scale = 1.0f;
    return largest_of(row);
}

float exponentiate_wide(const ScoreRow& row, float largest, float* shares) {
    return exponentiate_row(row, largest, shares);
}

float exponentiate_wide(const ScoreRow& row, float largest, BFloat16* shares) {
    return exponentiate_row(row, largest, shares);
}

}  // namespace kine::kernels

KINE_WIDE_END
