#include "kernels/elementwise/strided.h"

#include "kernels/elementwise/strided_cuda.h"

#include <array>
#include <bit>

namespace kine::kernels::cuda {

namespace {

constexpr int kOperands = 4;
static_assert(kStridedAxes == kMaxRank);

StridedOperand operand_of(const Tensor& x, const Shape& sizes) {
    StridedOperand operand;
    operand.data = x.address();
    operand.dtype = x.dtype();
    for (int axis = 0; axis < sizes.rank(); ++axis) {
        check(x.dim(axis) == sizes[axis] || x.dim(axis) == 1, ErrorCode::Bug,
              "strided: operand of shape {} for results of shape {}", to_string(x.shape()), to_string(sizes));
        operand.strides[axis] = x.dim(axis) == 1 ? 0 : x.stride(axis);
    }
    return operand;
}

using Operands = std::array<StridedOperand*, kOperands>;

/// Whether a step along `outer` is `size` steps along `inner` for all of them.
bool merge(const Operands& all, int outer, int inner, int64_t size) {
    for (const StridedOperand* operand : all) {
        if (operand->data && operand->strides[outer] != operand->strides[inner] * size) return false;
    }
    return true;
}

/// Drops axes of size 1 and merges neighbours, in place; returns how many are left, at least one.
int merge_axes(const Operands& all, int64_t* sizes, int axes) {
    int kept = 0;
    for (int axis = 0; axis < axes; ++axis) {
        if (sizes[axis] == 1) continue;
        const bool merges = kept > 0 && merge(all, kept - 1, axis, sizes[axis]);
        const int at = merges ? kept - 1 : kept++;
        sizes[at] = merges ? sizes[at] * sizes[axis] : sizes[axis];
        for (StridedOperand* operand : all) operand->strides[at] = operand->strides[axis];
    }
    if (kept > 0) return kept;
    sizes[0] = 1;
    for (StridedOperand* operand : all) operand->strides[0] = 0;
    return 1;
}

bool moves_by_words(const StridedOperand& operand, int axes) {
    if (!operand.data || operand.strides[axes - 1] != 1) return true;  // absent, or not moved eight at a time
    bool moves = is_arithmetic(operand.dtype) && std::bit_cast<uintptr_t>(operand.data) % 16 == 0;
    for (int axis = 0; axis + 1 < axes; ++axis) moves = moves && operand.strides[axis] % kChunk == 0;
    return moves;
}

}  // namespace

StridedArguments strided(StridedOp op, const Tensor& out, std::initializer_list<Tensor> operands, float p, float q) {
    StridedArguments made;
    made.op = op;
    made.p = p;
    made.q = q;
    const Operands all = {&made.out, &made.a, &made.b, &made.c};
    *all[0] = operand_of(out, out.shape());
    int number = 1;
    for (const Tensor& operand : operands) {
        if (operand) *all[static_cast<size_t>(number)] = operand_of(operand, out.shape());
        ++number;
    }
    for (int axis = 0; axis < out.rank(); ++axis) made.sizes[axis] = out.dim(axis);
    made.axes = merge_axes(all, made.sizes, out.rank());
    made.by_words = made.last() % kChunk == 0;
    for (const StridedOperand* operand : all) made.by_words = made.by_words && moves_by_words(*operand, made.axes);
    return made;
}

void run_strided(const Context& context, StridedOp op, const Tensor& out, std::initializer_list<Tensor> operands,
                 float p, float q) {
    if (out.elements() == 0) return;
    launch_strided(strided(op, out, operands, p, q), context.stream);
}

void run_copy(const Context& context, const Tensor& x, const Tensor& out) {
    if (out.elements() == 0) return;
    const bool may_round = is_arithmetic(x.dtype()) && is_arithmetic(out.dtype());
    check(may_round || x.dtype() == out.dtype(), ErrorCode::Bug, "copy: {} to {}", name_of(x.dtype()),
          name_of(out.dtype()));
    const StridedArguments work = strided(StridedOp::Copy, out, {x});
    if (x.dtype() == out.dtype() && !work.by_words) {
        launch_strided_copy(work, size_of(x.dtype()), context.stream);
    } else {
        launch_strided(work, context.stream);
    }
}

Tensor float_table(const Context& context, const Tensor& table) {
    if (table.dtype() == DType::Float32 && table.stride(-1) == 1) return table;
    Tensor wide = Tensor::empty(context, table.shape(), DType::Float32);
    run_copy(context, table, wide);
    return wide;
}

}  // namespace kine::kernels::cuda
