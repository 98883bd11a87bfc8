// A linear layer bound to its weights.
#pragma once

#include "kernels/linear/linear.h"
#include "parallel/partition.h"
#include "runtime/weights.h"

#include <vector>

namespace kine::dit {

class Linear {
  public:
    Linear() = default;
    /// Binds scope.weight [out, in] and, if `has_bias`, scope.bias [out]; held as the scope says.
    Linear(const Scope& scope, int64_t in, int64_t out, bool has_bias = true);
    /// One layer from several of the same input: outputs side by side, one pass over the input (packed QKV).
    Linear(std::initializer_list<Scope> scopes, int64_t in, int64_t out_each, bool has_bias = true);

    /// From a weight [out, in] and a bias [out] that were bound elsewhere.
    Linear(const Context& context, const Tensor& weight, const Tensor& bias) : weight_(context, weight, bias) {}

    /// Which of a layer's outputs and inputs another has, each a list of ranges one after the other.
    struct Part {
        std::vector<parallel::Range> outputs;
        std::vector<parallel::Range> inputs;
        bool has_bias = true;
    };
    /// Of a quantised layer, quantised anew: the same whole numbers, or finer ones for some of the inputs.
    Linear part(const Context& context, const Part& part) const;

    /// A convolution with kernel = stride = patch, weight [out, in, p, p], as a linear layer over patch vectors.
    static Linear over_patches(const Scope& scope, int64_t in, int64_t out, int64_t patch);
    /// The same where the weight is stored for clips, [out, in, 1, p, p].
    static Linear over_frame_patches(const Scope& scope, int64_t in, int64_t out, int64_t patch);

    int64_t in_features() const { return weight_.in_features(); }
    int64_t out_features() const { return weight_.out_features(); }
    DType dtype() const { return weight_.dtype(); }

    Tensor operator()(const Context& context, const Tensor& x,
                      kernels::Activation activation = kernels::Activation::None) const {
        return kernels::linear(context, x, weight_, activation);
    }

  private:
    static Linear over_kernel(const Scope& scope, const Shape& kernel);

    kernels::LinearWeight weight_;
};

}  // namespace kine::dit
