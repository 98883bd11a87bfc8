// A weight in eight bits and the product with it, by matrix units where the processor has them for whole numbers, in
// vector registers elsewhere: with the same bits, since all sums are exact.
#pragma once

#include "kernels/linear/epilogue.h"
#include "kernels/linear/int8_product.h"
#include "runtime/context.h"

namespace kine::kernels {

/// Immutable; safe for several threads.
class Int8Matrix {
  public:
    /// `weight` [N, K], contiguous, f32 or bf16.
    Int8Matrix(const Context& context, const Tensor& weight);

    /// What the quantised weight stands for, rounded to the given one's dtype. Quantised again, it has the same whole
    /// numbers: 127 of them are less than half a step off after a rounding to bf16 of the value and one of the largest.
    Tensor unpacked(const Context& context) const;
    void multiply(const Context& context, const Rows& rows, const Epilogue& epilogue) const;

    Int8Panels panels() const;

  private:
    int64_t depth_;
    int64_t columns_;
    DType dtype_;
    Tensor values_;  // packed, u8 that stands for i8
    Tensor scales_;  // [N]
};

}  // namespace kine::kernels
