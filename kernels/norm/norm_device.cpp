#include "kernels/norm/norm_device.h"

#include "kernels/cuda/tensor_rows.h"
#include "kernels/elementwise/strided.h"
#include "kernels/host/visit.h"
#include "kernels/norm/group_norm_cuda.h"
#include "kernels/norm/norm_cuda.h"
#include "kernels/norm/squares_cuda.h"

namespace kine::kernels {

namespace {

using cuda::moves_by_words;
using cuda::row_table;

Tensor float_rows(const Context& context, const Tensor& table) {
    return table ? cuda::float_table(context, table) : table;
}

/// What is added to rows before they are normalised, and where the sum goes.
struct Addition {
    Tensor gate, y, sum;
};

/// Rows of x that lie at `places`, normalised to where they lie in `out`.
void norm_rows(const Context& context, const Tensor& x, Tensor& out, const cuda::RowPlaces& places,
               const DeviceNorm& by, const Addition& added = {}) {
    check(x.dim(-1) <= cuda::kNormWidest, ErrorCode::Unsupported,
          "norm: rows of {} channels on {}, expected at most {}", x.dim(-1), to_string(context.device),
          cuda::kNormWidest);
    const Tensor weight = float_rows(context, by.row.weight), bias = float_rows(context, by.row.bias);
    const Tensor shift = float_rows(context, by.row.shift), scale = float_rows(context, by.row.scale);
    const Tensor gate = float_rows(context, added.gate);
    visit_on_device(x.dtype(), [&]<class T>(T) {
        cuda::NormArguments<T> norm;
        norm.x = x.address<const T>();
        if (added.y) norm.y = added.y.address<const T>();
        if (added.y) norm.sum = added.sum.address<T>();
        norm.out = out.address<T>();
        norm.width = static_cast<int>(x.dim(-1));
        norm.rows = x.elements() / norm.width;
        norm.places = places;
        norm.gate = row_table(gate, norm.rows);
        norm.weight = row_table(weight, norm.rows);
        norm.bias = row_table(bias, norm.rows);
        norm.shift = row_table(shift, norm.rows);
        norm.scale = row_table(scale, norm.rows);
        norm.eps = by.row.eps;
        norm.subtracts_mean = by.subtracts_mean;
        norm.by_words = moves_by_words({&x, &out, &weight, &bias, &shift, &scale, &gate, &added.y, &added.sum});
        cuda::launch_norm(norm, context.stream);
    });
}

/// Work on rows in place: where they lie, if their places can be told in one breath, else on a contiguous copy.
template <class Work>
void on_rows_in_place(const Context& context, Tensor& x, const Work& work) {
    if (x.elements() == 0) return;
    if (const auto places = cuda::row_places(x)) return work(x, *places);
    Tensor packed = Tensor::empty(context, x.shape(), x.dtype());
    cuda::run_copy(context, x, packed);
    work(packed, {x.dim(-1)});
    cuda::run_copy(context, packed, x);
}

}  // namespace

Tensor norm_rows_device(const Context& context, const Tensor& x, const DeviceNorm& norm) {
    Tensor out = Tensor::empty(context, x.shape(), x.dtype());
    if (x.elements() > 0) norm_rows(context, x, out, {x.dim(-1)}, norm);
    return out;
}

SumAndNorm gate_residual_norm_device(const Context& context, Tensor x, const Tensor& gate, const Tensor& y,
                                     const RowNorm& norm) {
    const Tensor sum = x.is_unique() ? x : Tensor::empty(context, x.shape(), x.dtype());
    Tensor out = Tensor::empty(context, x.shape(), x.dtype());
    if (x.elements() > 0) norm_rows(context, x, out, {x.dim(-1)}, {norm}, {gate, y, sum});
    return {sum, out};
}

void norm_rows_in_place_device(const Context& context, Tensor& x, const DeviceNorm& norm) {
    on_rows_in_place(
        context, x, [&](Tensor& rows, const cuda::RowPlaces& places) { norm_rows(context, rows, rows, places, norm); });
}

void rms_rows_in_place_device(const Context& context, Tensor& x, const Tensor& weight, float eps,
                              const WholeRows& whole) {
    Tensor row = weight;
    while (row.rank() < x.rank()) row = row.unsqueeze(0);
    cuda::run_strided(context, cuda::StridedOp::RmsScale, x, {x, whole.squares, row},
                      1.0f / static_cast<float>(whole.channels), eps);
}

Tensor sums_of_squares_device(const Context& context, const Tensor& x) {
    Shape shape = x.shape();
    shape.set(-1, 1);
    Tensor sums = Tensor::empty(context, shape, DType::Float32);
    Tensor rows = x;
    on_rows_in_place(context, rows, [&](const Tensor& packed, const cuda::RowPlaces& places) {
        cuda::launch_squares({packed.address(), packed.dtype(), sums.address<float>(), sums.elements(), places,
                              static_cast<int>(x.dim(-1))},
                             context.stream);
    });
    return sums;
}

Tensor group_norm_device(const Context& context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                         int64_t groups, float eps, Activation activation) {
    check(x.dim(-1) <= cuda::kGroupNormWidest && activation != Activation::GeluTanh, ErrorCode::Unsupported,
          "group_norm: {} channels on {}, expected at most {}, and SiLU or nothing behind", x.dim(-1),
          to_string(context.device), cuda::kGroupNormWidest);
    Tensor out = Tensor::empty(context, x.shape(), x.dtype());
    if (x.elements() == 0) return out;
    const Tensor weights = float_rows(context, weight), offsets = float_rows(context, bias);
    visit_on_device(x.dtype(), [&]<class T>(T) {
        cuda::GroupNormArguments<T> norm;
        norm.x = x.address<const T>();
        norm.out = out.address<T>();
        norm.weight = weights.address<const float>();
        norm.bias = offsets.address<const float>();
        norm.pictures = x.dim(0);
        norm.positions = x.elements() / (x.dim(0) * x.dim(-1));
        norm.channels = static_cast<int>(x.dim(-1));
        norm.groups = static_cast<int>(groups);
        norm.eps = eps;
        norm.has_silu = activation == Activation::Silu;
        norm.by_words = moves_by_words({&x, &out, &weights, &offsets});
        const int64_t runs = cuda::runs_of(norm.positions, norm.channels);
        const Tensor parts = Tensor::empty(context, {norm.pictures * runs * groups, 2}, DType::Float32);
        const Tensor moments = Tensor::empty(context, {norm.pictures * groups, 2}, DType::Float32);
        norm.parts = reinterpret_cast<cuda::GroupMoments*>(parts.address());
        norm.moments = reinterpret_cast<cuda::GroupMoments*>(moments.address());
        cuda::launch_group_norm(norm, context.stream);
    });
    return out;
}

}  // namespace kine::kernels
