// The softmax of scores, a tile of queries at a time: rows do not wait for each other, so that a processor overlaps
// them.
#pragma once

#include "runtime/tensor/dtype.h"

#include <cstdint>
#include <limits>

namespace kine::kernels {

inline constexpr float kLowest = std::numeric_limits<float>::lowest();  // not -infinity: lowest - lowest is 0

/// Values of some queries; with keys, of which there are a multiple of 8, or of a head.
template <class T>
struct RowTile {
    T* data;
    int64_t stride;  ///< in elements, from query to query
    int64_t rows, count;
};

/// scores = scale * scores + bias + mask; either may be null for nothing.
void add_terms(float* scores, int64_t count, float scale, const float* bias, const float* mask);

/// largest[row] = the larger of itself and scale times the row's largest score. `scale` is positive.
void raise_largest(const RowTile<float>& scores, float scale, float* largest);

/// shares = e^(scale * score - largest of its row), which may take the scores' place; totals[row] = their sum.
void exponentiate(const RowTile<float>& scores, float scale, const float* largest, const RowTile<float>& shares,
                  float* totals);
void exponentiate(const RowTile<float>& scores, float scale, const float* largest, const RowTile<BFloat16>& shares,
                  float* totals);

/// out = sums / totals of each row.
void divide_rows(const RowTile<float>& sums, const float* totals, const RowTile<float>& out);
void divide_rows(const RowTile<float>& sums, const float* totals, const RowTile<BFloat16>& out);

/// The same with AVX-512.
void divide_rows_wide(const RowTile<float>& sums, const float* totals, const RowTile<float>& out);
void divide_rows_wide(const RowTile<float>& sums, const float* totals, const RowTile<BFloat16>& out);
void raise_largest_wide(const RowTile<float>& scores, float scale, float* largest);
void exponentiate_wide(const RowTile<float>& scores, float scale, const float* largest, const RowTile<float>& shares,
                       float* totals);
/// With AMX, whose processors also round to bf16; a multiple of 32 scores. Shares are right to 3e-6 before they are
/// rounded to 2e-3.
void exponentiate_amx(const RowTile<float>& scores, float scale, const float* largest, const RowTile<BFloat16>& shares,
                      float* totals);

}  // namespace kine::kernels
