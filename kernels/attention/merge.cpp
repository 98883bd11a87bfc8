#include "kernels/attention/merge.h"

#include "kernels/attention/merge_cuda.h"
#include "kernels/check.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kine::kernels {

namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();
constexpr int64_t kGrainRows = 256;

Shape rows_of(const Shape& values) { return {values[0], values[1], values[2], values[3]}; }

Tensor as_float(const Context& context, const Tensor& x) {
    return x.dtype() == DType::Float32 ? x : cast(context, contiguous(context, x), DType::Float32);
}

/// One query and head. Two empty sides stay empty, where the usual formula would give 0 / 0.
void merge_row(float* sum, float& sum_log, const float* part, float part_log, int64_t size) {
    if (part_log == kNothing) return;
    const float largest = std::max(sum_log, part_log);
    const float own = std::exp(sum_log - largest);
    const float other = std::exp(part_log - largest);
    const float total = own + other;
    for (int64_t i = 0; i < size; ++i) sum[i] = (own * sum[i] + other * part[i]) / total;
    sum_log = largest + std::log(total);
}

}  // namespace

PartialAttention no_attention(const Context& context, const Shape& queries) {
    const Tensor zeros = Tensor::zeros(context, rows_of(queries), DType::Float32);
    return {Tensor::zeros(context, queries, DType::Float32), scale(context, zeros, 1.0f, kNothing)};
}

PartialAttention partial_attention(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v) {
    if (k.dim(2) == 0 || q.elements() == 0) return no_attention(context, q.shape());
    PartialAttention part{Tensor::empty(context, q.shape(), DType::Float32),
                          Tensor::empty(context, rows_of(q.shape()), DType::Float32)};
    attention_into(context, as_float(context, q), as_float(context, k), as_float(context, v), part.values,
                   {.log_sums = part.log_sums});
    return part;
}

void merge_into(const Context& context, PartialAttention& sum, const PartialAttention& part) {
    check_same_shape("merge_into", sum.values, part.values);
    check_same_shape("merge_into", sum.log_sums, part.log_sums);
    for (const PartialAttention* side : {static_cast<const PartialAttention*>(&sum), &part}) {
        check_contiguous("merge_into", "values", side->values);
        check_contiguous("merge_into", "log sums", side->log_sums);
    }
    const int64_t size = sum.values.dim(-1), rows = sum.log_sums.elements();
    const auto host = [&] {
        float* values = sum.values.data<float>();
        float* logs = sum.log_sums.data<float>();
        const auto* part_values = part.values.data<float>();
        const auto* part_logs = part.log_sums.data<float>();
        context.threads.parallel_for(rows, kGrainRows, [&](int64_t begin, int64_t end) {
            for (int64_t row = begin; row < end; ++row)
                merge_row(values + row * size, logs[row], part_values + row * size, part_logs[row], size);
        });
    };
    on_device(context, "merge_attention", host, [&] {
        cuda::launch_merge({sum.values.address<float>(), sum.log_sums.address<float>(),
                            part.values.address<const float>(), part.log_sums.address<const float>(), rows, size},
                           context.stream);
    });
}

}  // namespace kine::kernels
