// Our own product for all processors: the weight lies in panels of 16 columns, depth first, in its own dtype; blocks of
// rows and depth are sized for the caches (Goto and van de Geijn, 2008).
#pragma once

#include "kernels/linear/epilogue.h"
#include "runtime/context.h"

namespace kine::kernels {

/// Immutable; safe for several threads.
class PanelMatrix {
  public:
    /// `weight` [N, K], contiguous, f32 or bf16.
    PanelMatrix(const Context& context, const Tensor& weight);

    Tensor unpacked(const Context& context) const;
    void multiply(const Context& context, const Rows& rows, const Epilogue& epilogue) const;

  private:
    int64_t depth_;
    int64_t columns_;
    Tensor panels_;  // [ceil(N / 16), K, 16], zeros beyond N
};

}  // namespace kine::kernels
