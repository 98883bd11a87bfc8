#include "kernels/linear/quantize.h"

#include "kernels/host/visit.h"
#include "runtime/device/host/processor.h"

#include <cmath>

namespace kine::kernels {

namespace {

constexpr float kLargest = 127.0f;   // -128 has no counterpart
constexpr float kSmallest = 1e-30f;  // below, 127 / max overflows, and no sum of products notices the row

template <class T>
uint32_t largest_of(const T* values, int64_t count) {
    uint32_t largest = 0;
    for (int64_t i = 0; i < count; ++i)
        largest = std::max(largest, std::bit_cast<uint32_t>(float(values[i])) & 0x7fffffffu);
    return largest;
}

template <class T>
void quantize_each(const T* values, int64_t count, float inverse, int8_t* to) {
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<int8_t>(std::rint(float(values[i]) * inverse));
}

/// Calls use(values, count, place) for every run of a row; `values` null: zeros.
template <class T, class Use>
void for_runs(const Rows& rows, int64_t row, int64_t depth, const Use& use) {
    for (int64_t k = 0; k < depth;) {
        const Run run = rows.run(row, k);
        const int64_t count = std::min(run.count, depth - k);
        use(reinterpret_cast<const T*>(run.values), count, k);
        k += count;
    }
}

/// What a row's values are divided by, and multiplied with to do so; zeros stand for a row without values.
struct Scale {
    float scale = 0.0f;
    float inverse = 0.0f;
};

Scale scale_for(uint32_t largest) {
    const auto most = std::bit_cast<float>(largest);
    if (!std::isfinite(most)) return {std::numeric_limits<float>::quiet_NaN(), 0.0f};
    if (most < kSmallest) return {};
    return {most / kLargest, kLargest / most};
}

template <class T>
float quantize_row(const Rows& rows, int64_t row, int64_t depth, int8_t* to) {
    uint32_t largest = 0;
    for_runs<T>(rows, row, depth, [&](const T* values, int64_t count, int64_t) {
        if (values != nullptr) largest = std::max(largest, largest_bits(values, count));
    });
    const auto [scale, inverse] = scale_for(largest);
    for_runs<T>(rows, row, depth, [&](const T* values, int64_t count, int64_t k) {
        if (values == nullptr || inverse == 0.0f) {
            std::fill_n(to + k, count, int8_t{0});
        } else {
            quantize(values, count, inverse, to + k);
        }
    });
    return scale;
}

}  // namespace

uint32_t largest_bits(const float* values, int64_t count) {
    return uses_avx512() ? largest_bits_wide(values, count) : largest_of(values, count);
}
uint32_t largest_bits(const BFloat16* values, int64_t count) {
    return uses_avx512() ? largest_bits_wide(values, count) : largest_of(values, count);
}
void quantize(const float* values, int64_t count, float inverse, int8_t* to) {
    return uses_avx512() ? quantize_wide(values, count, inverse, to) : quantize_each(values, count, inverse, to);
}
void quantize(const BFloat16* values, int64_t count, float inverse, int8_t* to) {
    return uses_avx512() ? quantize_wide(values, count, inverse, to) : quantize_each(values, count, inverse, to);
}

void quantize_rows(const Rows& rows, Range which, int64_t depth, const QuantizedRows& to) {
    visit_floating(rows.dtype, [&]<class T>(T) {
        for (int64_t row = which.begin; row < which.end; ++row) {
            int8_t* const place = to.values + (row - which.begin) * to.stride;
            to.scales[row - which.begin] = quantize_row<T>(rows, row, depth, place);
            std::fill(place + depth, place + to.stride, int8_t{0});
        }
    });
}

}  // namespace kine::kernels
