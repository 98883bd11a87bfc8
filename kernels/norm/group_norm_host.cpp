// Group norm in two sweeps: one that reads the picture in blocks small enough to stay in cache and takes each channel's
// mean and squared deviation per block, one that writes. Blocks are merged in double (Chan, Golub and LeVeque, 1979),
// so neither a large mean nor a large picture costs digits, and their size depends on nothing but C.
#include "kernels/host/simd.h"
#include "kernels/host/visit.h"
#include "kernels/linear/epilogue.h"
#include "kernels/norm/group_norm_wide.h"
#include "kernels/norm/norm_host.h"
#include "runtime/device/host/processor.h"

#include <algorithm>
#include <cmath>

namespace kine::kernels {

namespace {

constexpr int64_t kBlockElements = 32768;

struct Geometry {
    int64_t pictures;
    int64_t positions;
    int64_t channels;
    int64_t block;   // positions in a block
    int64_t blocks;  // in a picture

    explicit Geometry(const Tensor& x)
        : pictures(x.dim(0)),
          positions(x.elements() / std::max<int64_t>(1, x.dim(0) * x.dim(-1))),
          channels(x.dim(-1)),
          block(std::max<int64_t>(1, kBlockElements / channels)),
          blocks((positions + block - 1) / block) {}

    int64_t begin_of(int64_t index) const { return index * block; }
    int64_t size_of_block(int64_t index) const { return std::min(block, positions - index * block); }
};

struct Moments {
    double count = 0.0;
    double mean = 0.0;
    double deviation = 0.0;  // sum of squared distances from the mean

    void merge(double more, double other_mean, double other_deviation) {
        const double total = count + more;
        const double distance = other_mean - mean;
        deviation += other_deviation + distance * distance * count * more / total;
        mean += distance * more / total;
        count = total;
    }
};

// Per channel: mean to result[0, C), squared deviation to result[C, 2C).
template <class T>
void block_moments(const T* x, int64_t positions, int64_t channels, float* result) {
    float* means = result;
    float* deviations = result + channels;
    std::fill_n(result, 2 * channels, 0.0f);
    for (int64_t row = 0; row < positions; ++row) {
        map_lanes(
            channels, means, [](Float8 v, Float8 sum) { return sum + v; }, x + row * channels,
            static_cast<const float*>(means));
    }
    const float share = 1.0f / static_cast<float>(positions);
    map_lanes(
        channels, means, [=](Float8 sum) { return sum * share; }, static_cast<const float*>(means));
    const auto deviate = [](Float8 v, Float8 mean, Float8 sum) { return sum + (v - mean) * (v - mean); };
    for (int64_t row = 0; row < positions; ++row) {
        map_lanes(channels, deviations, deviate, x + row * channels, static_cast<const float*>(means),
                  static_cast<const float*>(deviations));
    }
}

Moments group_moments(const Geometry& geometry, const float* blocks, int64_t first_channel, int64_t count) {
    Moments moments;
    for (int64_t block = 0; block < geometry.blocks; ++block) {
        const float* means = blocks + block * 2 * geometry.channels;
        for (int64_t channel = first_channel; channel < first_channel + count; ++channel)
            moments.merge(static_cast<double>(geometry.size_of_block(block)), means[channel],
                          means[geometry.channels + channel]);
    }
    return moments;
}

// y = x * factor + offset, per picture and channel; f32 [pictures, 2, C].
Tensor fold(const Context& context, const Geometry& geometry, const Tensor& moments,
            const GroupNormArguments& arguments) {
    Tensor folded = Tensor::empty(context, {geometry.pictures, 2, geometry.channels}, DType::Float32);
    const int64_t width = geometry.channels / arguments.groups;
    context.threads.parallel_for(geometry.pictures * arguments.groups, 1, [&](int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) {
            const int64_t picture = task / arguments.groups;
            const int64_t first = task % arguments.groups * width;
            const float* blocks = moments.data<float>() + picture * geometry.blocks * 2 * geometry.channels;
            const Moments group = group_moments(geometry, blocks, first, width);
            const double rstd = 1.0 / std::sqrt(group.deviation / group.count + static_cast<double>(arguments.eps));
            float* factors = folded.data<float>() + picture * 2 * geometry.channels;
            for (int64_t channel = first; channel < first + width; ++channel) {
                const double factor = rstd * static_cast<double>(arguments.weight.data<float>()[channel]);
                const double bias = static_cast<double>(arguments.bias.data<float>()[channel]);
                factors[channel] = static_cast<float>(factor);
                factors[geometry.channels + channel] = static_cast<float>(bias - group.mean * factor);
            }
        }
    });
    return folded;
}

// Calls body(picture, index of the block in it) for all blocks of all pictures.
template <class Body>
void for_blocks(const Context& context, const Geometry& geometry, const Body& body) {
    context.threads.parallel_for(geometry.pictures * geometry.blocks, 1, [&](int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) body(task / geometry.blocks, task % geometry.blocks);
    });
}

template <class T, class Function>
void write_block(const T* x, int64_t positions, int64_t channels, const float* folded, Function function, T* out) {
    const auto apply = [=](Float8 v, Float8 factor, Float8 offset) { return function(v * factor + offset); };
    for (int64_t row = 0; row < positions; ++row)
        map_lanes(channels, out + row * channels, apply, x + row * channels, folded, folded + channels);
}

}  // namespace

Tensor group_norm_host(const Context& context, const Tensor& x, const GroupNormArguments& arguments) {
    const Geometry geometry(x);
    const int64_t channels = geometry.channels;
    Tensor out = Tensor::empty(context, x.shape(), x.dtype());
    Tensor moments = Tensor::empty(context, {geometry.pictures, geometry.blocks, 2 * channels}, DType::Float32);
    const bool is_wide = uses_avx512();
    visit_floating(x.dtype(), [&]<class T>(T) {
        using TakeMoments = void(const T*, int64_t, int64_t, float*);
        TakeMoments* const take_moments = is_wide ? static_cast<TakeMoments*>(block_moments_wide) : block_moments<T>;
        const auto start_of = [&](int64_t picture, int64_t block) {
            return (picture * geometry.positions + geometry.begin_of(block)) * channels;
        };
        for_blocks(context, geometry, [&](int64_t picture, int64_t block) {
            take_moments(x.data<T>() + start_of(picture, block), geometry.size_of_block(block), channels,
                         moments.data<float>() + (picture * geometry.blocks + block) * 2 * channels);
        });
        const Tensor folded = fold(context, geometry, moments, arguments);
        if (is_wide) {
            for_blocks(context, geometry, [&](int64_t picture, int64_t block) {
                write_block_wide(x.data<T>() + start_of(picture, block), geometry.size_of_block(block), channels,
                                 folded.data<float>() + picture * 2 * channels, arguments.activation,
                                 out.data<T>() + start_of(picture, block));
            });
            return;
        }
        with_activation(arguments.activation, [&](auto function) {
            for_blocks(context, geometry, [&](int64_t picture, int64_t block) {
                write_block(x.data<T>() + start_of(picture, block), geometry.size_of_block(block), channels,
                            folded.data<float>() + picture * 2 * channels, function,
                            out.data<T>() + start_of(picture, block));
            });
        });
    });
    return out;
}

}  // namespace kine::kernels
