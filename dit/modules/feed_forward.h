// The MLP of a transformer block: linear, GELU (tanh form), linear.
#pragma once

#include "dit/modules/linear.h"

#include <utility>

namespace kine::dit {

class FeedForward {
  public:
    /// Binds net.0.proj and net.2 under `scope`.
    FeedForward(const Scope& scope, int64_t channels, int64_t inner)
        : in_(scope / "net.0.proj", channels, inner), out_(scope / "net.2", inner, channels) {}

    FeedForward(Linear in, Linear out) : in_(std::move(in)), out_(std::move(out)) {}

    Tensor operator()(const Context& context, const Tensor& x) const {
        return out_(context, in_(context, x, kernels::Activation::GeluTanh));
    }

  private:
    Linear in_;
    Linear out_;
};

}  // namespace kine::dit
