#include "kernels/norm/group_norm_wide.h"

#include "kernels/linear/activation_wide.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {

namespace {

// Channels are taken sixteen at a time through all positions, their sums in registers.
template <class T>
void moments(const T* x, int64_t positions, int64_t channels, float* result) {
    for (int64_t channel = 0; channel < channels; channel += kWideLanes) {
        const __mmask16 lanes = first_lanes(channels - channel);
        Wide sum = wide(0.0f);
        for (int64_t row = 0; row < positions; ++row) sum += load_wide(x + row * channels + channel, lanes);
        const Wide mean = sum * (1.0f / static_cast<float>(positions));
        Wide deviation = wide(0.0f);
        for (int64_t row = 0; row < positions; ++row) {
            const Wide distance = load_wide(x + row * channels + channel, lanes) - mean;
            deviation += distance * distance;
        }
        store(result + channel, mean, lanes);
        store(result + channels + channel, deviation, lanes);
    }
}

template <class Function, class T>
void write(const T* x, int64_t positions, int64_t channels, const float* folded, T* out) {
    const Function function;
    for (int64_t row = 0; row < positions; ++row, x += channels, out += channels) {
        for (int64_t channel = 0; channel < channels; channel += kWideLanes) {
            const __mmask16 lanes = first_lanes(channels - channel);
            const Wide factor = load_wide(folded + channel, lanes);
            const Wide offset = load_wide(folded + channels + channel, lanes);
            store(out + channel, function(load_wide(x + channel, lanes) * factor + offset), lanes);
        }
    }
}

template <class T>
void write(const T* x, int64_t positions, int64_t channels, const float* folded, Activation activation, T* out) {
    switch (activation) {
        case Activation::None:
            return write<WideSame>(x, positions, channels, folded, out);
        case Activation::GeluTanh:
            return write<WideGeluTanh>(x, positions, channels, folded, out);
        case Activation::Silu:
            return write<WideSilu>(x, positions, channels, folded, out);
    }
}

}  // namespace

void block_moments_wide(const float* x, int64_t positions, int64_t channels, float* result) {
    moments(x, positions, channels, result);
}
void block_moments_wide(const BFloat16* x, int64_t positions, int64_t channels, float* result) {
    moments(x, positions, channels, result);
}

void write_block_wide(const float* x, int64_t positions, int64_t channels, const float* folded, Activation activation,
                      float* out) {
    write(x, positions, channels, folded, activation, out);
}
void write_block_wide(const BFloat16* x, int64_t positions, int64_t channels, const float* folded,
                      Activation activation, BFloat16* out) {
    write(x, positions, channels, folded, activation, out);
}

}  // namespace kine::kernels

#pragma GCC pop_options
