// The product through oneDNN, for bf16 on processors where it keeps packed weights (AVX-512) and that have no matrix
// units. The library picks its loops by shape, so it only ever sees one shape per weight: a fixed tile of rows, the
// last one padded, times a fixed panel of columns. What is left is a row's place in the tile, and that is probed when
// packing.
#pragma once

#include "kernels/linear/epilogue.h"
#include "runtime/context.h"

#include <memory>

namespace kine::kernels {

/// Immutable; safe for several threads.
class OnednnMatrix {
  public:
    /// `weight` [N, K], contiguous.
    OnednnMatrix(const Context& context, const Tensor& weight);

    Tensor unpacked(const Context& context) const;
    void multiply(const Context& context, const Rows& rows, const Epilogue& epilogue) const;

    /// Whether a row gives the same bits at every place in the tile. Plain (not packed) products of the library do not.
    bool treats_rows_alike(const Context& context) const;

    /// Whether the library has an implementation at all, and whether it is one that keeps the weight packed.
    static bool can_run(int64_t depth, int64_t columns, DType dtype);
    static bool is_packed(int64_t depth, int64_t columns, DType dtype);

  private:
    struct State;
    std::shared_ptr<const State> state_;
};

}  // namespace kine::kernels
