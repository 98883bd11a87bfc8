// The residual stream of a model's tokens. What a site gave waits until the tokens are looked at: most often by a norm,
// which then adds it in the same pass.
#pragma once

#include "kernels/norm/norm.h"

namespace kine::dit {

/// What a site adds to the stream: `value`, times `gate` [B, C] where there is still one.
struct Contribution {
    Tensor value = {};  // [B, T, S, C]
    Tensor gate = {};
};

class Residual {
  public:
    explicit Residual(Tensor tokens) : tokens_(std::move(tokens)) {}

    /// Nothing, where a rank has no tokens.
    void add(const Context& context, Contribution given);
    /// The tokens [B, T, S, C], all that was given added.
    Tensor sum(const Context& context);
    /// The same; the stream is over, so an op in place may write over them.
    Tensor release(const Context& context) &&;
    /// Their norm.
    Tensor normed(const Context& context, const kernels::RowNorm& norm);

  private:
    Tensor tokens_;
    Contribution waiting_;
};

}  // namespace kine::dit
