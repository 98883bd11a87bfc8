#include "kernels/norm/norm_host.h"

#include "kernels/host/simd.h"
#include "kernels/host/strided_rows.h"
#include "kernels/host/visit.h"
#include "kernels/norm/norm_wide.h"
#include "runtime/device/host/processor.h"

#include <algorithm>
#include <cmath>

namespace kine::kernels {

namespace {

constexpr int64_t kGrainElements = 16384;  // below this a thread costs more than it saves

// Leaves x - mean in `centred` and returns 1 / sqrt(variance + eps). The second pass reads what the first one left, so
// that the padding of a last partial vector counts as zero.
template <class T>
float centre_row(const T* x, int64_t count, float eps, float* centred) {
    const auto size = static_cast<float>(count);
    const float mean = sum_lanes(
                           count, [](Float8 v) { return v; }, x) /
                       size;
    map_lanes(
        count, centred, [=](Float8 v) { return v - mean; }, x);
    const float variance = sum_lanes(
                               count, [](Float8 v) { return v * v; }, static_cast<const float*>(centred)) /
                           size;
    return 1.0f / std::sqrt(variance + eps);
}

template <class T>
void apply_affine(const float* row, float rstd, const float* factor, const float* offset, int64_t count, T* out) {
    if (offset) {
        map_lanes(
            count, out, [=](Float8 v, Float8 f, Float8 o) { return v * rstd * f + o; }, row, factor, offset);
    } else {
        map_lanes(
            count, out, [=](Float8 v, Float8 f) { return v * rstd * f; }, row, factor);
    }
}

template <class T>
void normalise_row(const T* x, int64_t width, float eps, const float* factor, const float* offset, float* centred,
                   T* out) {
    if (uses_avx512()) return normalise_row_wide(x, width, eps, factor, offset, out);
    const float rstd = centre_row(x, width, eps, centred);
    apply_affine(centred, rstd, factor, offset, width, out);
}

template <class T>
float squares_of_row(const T* x, int64_t width) {
    return sum_lanes(
        width, [](Float8 v) { return v * v; }, x);
}

/// `squares` is the sum over `channels`, of which x may have some only.
template <class T>
void rms_row(const T* x, const Tensor& factor, float eps, float squares, int64_t channels, T* out) {
    const float rstd = 1.0f / std::sqrt(squares / static_cast<float>(channels) + eps);
    map_lanes(
        factor.dim(-1), out, [=](Float8 v, Float8 f) { return v * rstd * f; }, x, factor.data<float>());
}

template <class T>
void rms_row(const T* x, const Tensor& factor, float eps, T* out) {
    const int64_t width = factor.dim(-1);
    rms_row(x, factor, eps, squares_of_row(x, width), width, out);
}

// Calls body(row, scratch of C floats) for every row of x.
template <class Body>
void for_rows(const Context& context, const Tensor& x, const Body& body) {
    const int64_t width = x.dim(-1);
    if (x.elements() == 0) return;
    const int64_t grain = std::max<int64_t>(1, kGrainElements / width);
    context.threads.parallel_for(x.elements() / width, grain, [&](int64_t begin, int64_t end) {
        Tensor scratch = Tensor::empty(context, {width}, DType::Float32);
        for (int64_t row = begin; row < end; ++row) body(row, scratch.data<float>());
    });
}

}  // namespace

Tensor normalise_rows_host(const Context& context, const Tensor& x, const RowAffine& affine, float eps) {
    Tensor out = Tensor::empty(context, x.shape(), x.dtype());
    const int64_t width = x.dim(-1);
    const int64_t rows_per_group = std::max<int64_t>(1, x.elements() / width / affine.factor.dim(0));
    const float* offsets = affine.offset ? affine.offset.data<float>() : nullptr;
    visit_floating(x.dtype(), [&]<class T>(T) {
        for_rows(context, x, [&](int64_t row, float* centred) {
            const int64_t group = row / rows_per_group * width;
            normalise_row(x.data<T>() + row * width, width, eps, affine.factor.data<float>() + group,
                          offsets ? offsets + group : nullptr, centred, out.data<T>() + row * width);
        });
    });
    return out;
}

/// One factor and one offset for all rows.
void normalise_rows_in_place_host(const Context& context, Tensor& x, const RowAffine& affine, float eps) {
    const int64_t width = x.dim(-1);
    visit_floating(x.dtype(), [&]<class T>(T) {
        T* values = x.data<T>();
        for_rows(context, x, [&](int64_t number, float* centred) {
            T* row = values + row_offset(x, number);
            normalise_row(static_cast<const T*>(row), width, eps, affine.factor.data<float>(),
                          affine.offset.data<float>(), centred, row);
        });
    });
}

Tensor rms_rows_host(const Context& context, const Tensor& x, const Tensor& factor, float eps) {
    Tensor out = Tensor::empty(context, x.shape(), x.dtype());
    const int64_t width = x.dim(-1);
    visit_floating(x.dtype(), [&]<class T>(T) {
        for_rows(context, x, [&](int64_t row, float*) {
            rms_row(x.data<T>() + row * width, factor, eps, out.data<T>() + row * width);
        });
    });
    return out;
}

void rms_rows_in_place_host(const Context& context, Tensor& x, const Tensor& factor, float eps) {
    visit_floating(x.dtype(), [&]<class T>(T) {
        T* values = x.data<T>();
        for_strided_rows(context, x, [&](int64_t, int64_t offset) {
            rms_row(static_cast<const T*>(values + offset), factor, eps, values + offset);
        });
    });
}

void rms_rows_in_place_host(const Context& context, Tensor& x, const Tensor& factor, float eps,
                            const WholeRows& whole) {
    const float* squares = whole.squares.data<float>();
    visit_floating(x.dtype(), [&]<class T>(T) {
        T* values = x.data<T>();
        for_strided_rows(context, x, [&](int64_t number, int64_t offset) {
            const float sum = squares[row_offset(whole.squares, number)];
            rms_row(static_cast<const T*>(values + offset), factor, eps, sum, whole.channels, values + offset);
        });
    });
}

Tensor sums_of_squares_host(const Context& context, const Tensor& x) {
    Shape rows = x.shape();
    rows.set(-1, 1);
    Tensor sums = Tensor::empty(context, rows, DType::Float32);
    float* out = sums.data<float>();
    visit_floating(x.dtype(), [&]<class T>(T) {
        const T* values = x.data<T>();
        for_strided_rows(context, x, [&](int64_t number, int64_t offset) {
            out[number] = squares_of_row(values + offset, x.dim(-1));
        });
    });
    return sums;
}

}  // namespace kine::kernels
