#include "kernels/norm/norm_wide.h"

#include "kernels/host/wide.h"

#include <cmath>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {

namespace {

template <class T>
float mean_of(const T* x, int64_t width) {
    Wide sum = wide(0.0f);
    for (int64_t i = 0; i < width; i += kWideLanes) sum += load_wide(x + i, first_lanes(width - i));
    return _mm512_reduce_add_ps(sum) / static_cast<float>(width);
}

// Of distances from the mean, so that a large mean costs no digits.
template <class T>
float variance_of(const T* x, int64_t width, float mean) {
    Wide sum = wide(0.0f);
    for (int64_t i = 0; i < width; i += kWideLanes) {
        const __mmask16 lanes = first_lanes(width - i);
        const Wide distance = _mm512_maskz_sub_ps(lanes, load_wide(x + i, lanes), wide(mean));
        sum += distance * distance;
    }
    return _mm512_reduce_add_ps(sum) / static_cast<float>(width);
}

template <class T>
void normalise(const T* x, int64_t width, float eps, const float* factor, const float* offset, T* out) {
    const float mean = mean_of(x, width);
    const float rstd = 1.0f / std::sqrt(variance_of(x, width, mean) + eps);
    for (int64_t i = 0; i < width; i += kWideLanes) {
        const __mmask16 lanes = first_lanes(width - i);
        const Wide scaled = (load_wide(x + i, lanes) - mean) * rstd * load_wide(factor + i, lanes);
        store(out + i, offset ? scaled + load_wide(offset + i, lanes) : scaled, lanes);
    }
}

}  // namespace

void normalise_row_wide(const float* x, int64_t width, float eps, const float* factor, const float* offset,
                        float* out) {
    normalise(x, width, eps, factor, offset, out);
}
void normalise_row_wide(const BFloat16* x, int64_t width, float eps, const float* factor, const float* offset,
                        BFloat16* out) {
    normalise(x, width, eps, factor, offset, out);
}

}  // namespace kine::kernels

#pragma GCC pop_options
