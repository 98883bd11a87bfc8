#include "kernels/elementwise/rows_wide.h"

#include "kernels/host/wide.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {

namespace {

template <class T>
void add(const T* x, const T* y, int64_t count, T* out) {
    for (int64_t i = 0; i < count; i += kWideLanes) {
        const __mmask16 lanes = first_lanes(count - i);
        store(out + i, load_wide(x + i, lanes) + load_wide(y + i, lanes), lanes);
    }
}

template <class T>
void add_gated(const T* x, const float* gate, const T* y, int64_t count, T* out) {
    for (int64_t i = 0; i < count; i += kWideLanes) {
        const __mmask16 lanes = first_lanes(count - i);
        store(out + i, load_wide(x + i, lanes) + load_wide(gate + i, lanes) * load_wide(y + i, lanes), lanes);
    }
}

}  // namespace

void add_wide(const float* x, const float* y, int64_t count, float* out) { add(x, y, count, out); }
void add_wide(const BFloat16* x, const BFloat16* y, int64_t count, BFloat16* out) { add(x, y, count, out); }
void add_gated_wide(const float* x, const float* gate, const float* y, int64_t count, float* out) {
    add_gated(x, gate, y, count, out);
}
void add_gated_wide(const BFloat16* x, const float* gate, const BFloat16* y, int64_t count, BFloat16* out) {
    add_gated(x, gate, y, count, out);
}

}  // namespace kine::kernels

#pragma GCC pop_options
