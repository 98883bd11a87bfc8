// What kernels on matrix units are asked, from tensors.
#pragma once

#include "kernels/attention/matrix_launch.h"
#include "runtime/tensor/tensor.h"

#include <cmath>

namespace kine::kernels::cuda {

inline HeadStrides strides_of(const Tensor& x) {
    return {x.dim(0) == 1 ? 0 : x.stride(0), x.dim(1) == 1 ? 0 : x.stride(1), x.stride(2), x.stride(3)};
}

/// q, k, v of [B1, B2, L, H, D]; scores are divided by the root of D.
struct Heads {
    Tensor q, k, v;
};

template <class T>
void describe(const Heads& heads, Tensor& out, Tensor& log_sums, MatrixArguments<T>& all) {
    all.q = heads.q.data<T>();
    all.k = heads.k.data<T>();
    all.v = heads.v.data<T>();
    all.out = out.data<T>();
    all.log_sums = log_sums.data<float>();
    all.q_strides = strides_of(heads.q);
    all.k_strides = strides_of(heads.k);
    all.v_strides = strides_of(heads.v);
    all.out_strides = strides_of(out);
    all.outer = heads.q.dim(0);
    all.inner = heads.q.dim(1);
    all.queries = static_cast<int>(heads.q.dim(2));
    all.keys = static_cast<int>(heads.k.dim(2));
    all.heads = static_cast<int>(heads.q.dim(3));
    all.scale = 1.0f / std::sqrt(static_cast<float>(heads.q.dim(4)));
}

}  // namespace kine::kernels::cuda
