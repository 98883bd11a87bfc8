// The softmax of a row of scores, as blocks of keys and short rows of them need it.
#pragma once

#include "runtime/tensor/dtype.h"

#include <cstdint>
#include <limits>

namespace kine::kernels {

inline constexpr float kLowest = std::numeric_limits<float>::lowest();  // not -infinity: lowest - lowest is 0

/// Scores of one query with some keys, a multiple of 8 of them. Bias and mask are added after scaling; either may be
/// null for nothing.
struct ScoreRow {
    float* scores;
    int64_t count;
    float scale;  ///< positive; still to be applied
    const float* bias;
    const float* mask;
};

/// The largest of the scaled scores with bias and mask, which are in the scores from then on.
float prepare_scores(ScoreRow& row);

/// shares = e^(scale * score - largest), which may take the scores' place; returns their sum.
float exponentiate(const ScoreRow& row, float largest, float* shares);
float exponentiate(const ScoreRow& row, float largest, BFloat16* shares);

/// The same with AVX-512.
float prepare_scores_wide(ScoreRow& row);
float exponentiate_wide(const ScoreRow& row, float largest, float* shares);
float exponentiate_wide(const ScoreRow& row, float largest, BFloat16* shares);

}  // namespace kine::kernels
