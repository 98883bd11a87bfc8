#include "kernels/attention/linear_attention_host.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kine::kernels {

namespace {

/// One head of one batch: rows of L tokens, and its state [D, V + 1].
struct Head {
    const float* rows(const Tensor& x, int64_t token) const {
        const int64_t width = x.dim(4);
        return x.data<float>() + ((batch * x.dim(2) + token) * x.dim(3) + head) * width;
    }
    float* rows(Tensor& x, int64_t token) const {
        const int64_t width = x.dim(4);
        return x.data<float>() + ((batch * x.dim(2) + token) * x.dim(3) + head) * width;
    }

    int64_t batch;
    int64_t head;
    float* state;
    float kept;  // of the state, with every token
};

void take_key(const Head& head, const LinearAttention& attention, int64_t token) {
    const int64_t size = attention.k.dim(4), width = attention.v.dim(4);
    const float* k = head.rows(attention.k, token);
    const float* v = head.rows(attention.v, token);
    const float* plain = attention.is_divided() ? head.rows(attention.plain_k, token) : nullptr;
    for (int64_t d = 0; d < size; ++d) {
        float* row = head.state + d * (width + 1);
        for (int64_t i = 0; i < width; ++i) row[i] = head.kept * row[i] + k[d] * v[i];
        row[width] = head.kept * row[width] + (plain ? plain[d] : 0.0f);
    }
}

void look(const Head& head, const LinearAttention& attention, int64_t token, float* out) {
    const int64_t size = attention.q.dim(4), width = attention.v.dim(4);
    const float* q = head.rows(attention.q, token);
    std::fill_n(out, width, 0.0f);
    for (int64_t d = 0; d < size; ++d) {
        const float* row = head.state + d * (width + 1);
        for (int64_t i = 0; i < width; ++i) out[i] += q[d] * row[i];
    }
    if (!attention.is_divided()) return;
    const float* plain = head.rows(attention.plain_q, token);
    float sum = attention.eps;
    for (int64_t d = 0; d < size; ++d) sum += plain[d] * head.state[d * (width + 1) + width];
    for (int64_t i = 0; i < width; ++i) out[i] /= sum;
}

}  // namespace

void linear_attention_host(const Context& context, const LinearAttention& attention, Pass pass, Tensor& state,
                           Tensor& out) {
    const int64_t heads = attention.k.dim(3), batches = attention.k.dim(0) * attention.k.dim(1);
    const int64_t tokens = attention.k.dim(2), state_size = state.dim(3) * state.dim(4);
    float* states = state.data<float>();
    context.threads.parallel_for(batches * heads, 1, [&](int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) {
            Head head{task / heads, task % heads, states + task * state_size, 1.0f};
            if (attention.decay) head.kept = std::exp(-attention.decay.data<float>()[head.head]);
            for (int64_t token = 0; token < tokens; ++token) {
                if (pass != Pass::Queries) take_key(head, attention, token);
                if (pass != Pass::Keys) look(head, attention, token, head.rows(out, token));
            }
        }
    });
}

}  // namespace kine::kernels
