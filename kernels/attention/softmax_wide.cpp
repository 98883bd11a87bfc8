#include "kernels/attention/softmax.h"
#include "kernels/host/wide.h"

#include <algorithm>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {

namespace {

constexpr float kLog2E = 1.44269504f;

float largest_of(const float* scores, int64_t count) {
    Wide even = wide(kLowest), odd = even;
    int64_t i = 0;
    for (; i + 2 * kWideLanes <= count; i += 2 * kWideLanes) {
        even = max(even, load_wide(scores + i));
        odd = max(odd, load_wide(scores + i + kWideLanes));
    }
    for (; i < count; i += kWideLanes) {
        const __mmask16 lanes = first_lanes(count - i);
        even = _mm512_mask_max_ps(even, lanes, even, load_wide(scores + i, lanes));
    }
    return _mm512_reduce_max_ps(max(even, odd));
}

// shares = 2^(score * factor + shift)
struct Exponents {
    Wide factor, shift;

    Exponents(float scale, float largest)
        : factor(wide(scale * kLog2E)),
          // Finite even where no key counts: infinity would meet the minus infinity of their scores.
          shift(wide(std::min(-largest * kLog2E, -kLowest))) {}
    Wide of(Wide scores) const { return scores * factor + shift; }
};

template <class T>
void divide(const RowTile<float>& sums, const float* totals, const RowTile<T>& out) {
    for (int64_t row = 0; row < sums.rows; ++row) {
        const float share = 1.0f / totals[row];
        for (int64_t i = 0; i < sums.count; i += kWideLanes) {
            const __mmask16 lanes = first_lanes(sums.count - i);
            store(out.data + row * out.stride + i, load_wide(sums.data + row * sums.stride + i, lanes) * share, lanes);
        }
    }
}

}  // namespace

void divide_rows_wide(const RowTile<float>& sums, const float* totals, const RowTile<float>& out) {
    divide(sums, totals, out);
}

void divide_rows_wide(const RowTile<float>& sums, const float* totals, const RowTile<BFloat16>& out) {
    divide(sums, totals, out);
}

void raise_largest_wide(const RowTile<float>& scores, float scale, float* largest) {
    for (int64_t row = 0; row < scores.rows; ++row)
        largest[row] = std::max(largest[row], scale * largest_of(scores.data + row * scores.stride, scores.count));
}

// A row has one order of its sum, lane by lane.
void exponentiate_wide(const RowTile<float>& scores, float scale, const float* largest, const RowTile<float>& shares,
                       float* totals) {
    for (int64_t row = 0; row < scores.rows; ++row) {
        const Exponents exponents(scale, largest[row]);
        const float* from = scores.data + row * scores.stride;
        float* to = shares.data + row * shares.stride;
        Wide total = wide(0.0f);
        for (int64_t i = 0; i < scores.count; i += kWideLanes) {
            const __mmask16 lanes = first_lanes(scores.count - i);
            const Wide share = exp2_of(exponents.of(load_wide(from + i, lanes)));
            store(to + i, share, lanes);
            total = _mm512_mask_add_ps(total, lanes, total, share);
        }
        totals[row] = _mm512_reduce_add_ps(total);
    }
}

void exponentiate_amx(const RowTile<float>& scores, float scale, const float* largest, const RowTile<BFloat16>& shares,
                      float* totals) {
    for (int64_t row = 0; row < scores.rows; ++row) {
        const Exponents exponents(scale, largest[row]);
        const float* from = scores.data + row * scores.stride;
        BFloat16* to = shares.data + row * shares.stride;
        Wide low_total = wide(0.0f), high_total = wide(0.0f);
        for (int64_t i = 0; i < scores.count; i += 2 * kWideLanes) {
            const Wide low = rough_exp2_of(exponents.of(load_wide(from + i)));
            const Wide high = rough_exp2_of(exponents.of(load_wide(from + i + kWideLanes)));
            low_total += low;
            high_total += high;
            const __m512bh halves = _mm512_cvtne2ps_pbh(high, low);
            std::memcpy(static_cast<void*>(to + i), &halves, sizeof halves);
        }
        totals[row] = _mm512_reduce_add_ps(low_total + high_total);
    }
}

}  // namespace kine::kernels

#pragma GCC pop_options
