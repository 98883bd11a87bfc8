#include "kernels/color/color_host.h"

#include "kernels/color/yuv420_launch.h"
#include "kernels/host/simd.h"
#include "kernels/host/visit.h"

#include <algorithm>
#include <cmath>

namespace kine::kernels {

namespace {

using cuda::half_up;

constexpr int kMargin = 3;  // pixels that chroma looks at beyond either end of a row

/// Not a number becomes 0.
Float8 within_unit(Float8 values) {
    const Float8 positive = values > 0.0f ? values : splat(0.0f);
    return positive < 1.0f ? positive : splat(1.0f);
}

/// Chroma beside a hard edge goes beyond what a byte holds.
uint8_t byte_of(float level) { return static_cast<uint8_t>(std::rint(std::clamp(level, 0.0f, 255.0f))); }

float luma_of(const float* rgb) {
    return cuda::kRedWeight * rgb[0] + cuda::kGreenWeight * rgb[1] + cuda::kBlueWeight * rgb[2];
}

/// One picture of a clip and its planes.
template <class T>
struct Picture {
    const T* rgb;
    int height, width;
    uint8_t* luma;

    const T* row(int y) const { return rgb + int64_t{std::clamp(y, 0, height - 1)} * width * 3; }
    uint8_t* chroma(int plane) const {
        return luma + int64_t{height} * width + int64_t{plane} * half_up(height) * half_up(width);
    }
};

/// `row` has room for the row's values.
template <class T>
void write_luma(const Picture<T>& picture, int y, float* row) {
    map_lanes(
        picture.width * 3, row, [](Float8 values) { return within_unit(values); }, picture.row(y));
    uint8_t* to = picture.luma + int64_t{y} * picture.width;
    for (int x = 0; x < picture.width; ++x)
        to[x] = static_cast<uint8_t>(std::rint(16.0f + 219.0f * luma_of(row + x * 3)));
}

/// The rows around pair `pair` weighted into one, whose ends are repeated.
template <class T>
void blend_rows(const Picture<T>& picture, int pair, float* blended) {
    const int count = picture.width * 3;
    float* const row = blended + kMargin * 3;
    std::fill_n(row, count, 0.0f);
    for (int down = cuda::kFirstRow; down <= cuda::kLastRow; ++down) {
        const float weight = cuda::chroma_weight(static_cast<float>(down) - 0.5f);
        const auto add = [weight](Float8 sums, Float8 values) { return sums + weight * within_unit(values); };
        map_lanes(count, row, add, static_cast<const float*>(row), picture.row(2 * pair + down));
    }
    for (int i = 0; i < kMargin * 3; ++i) {
        blended[i] = row[i % 3];
        row[count + i] = row[count - 3 + i % 3];
    }
}

template <class T>
void write_chroma(const Picture<T>& picture, int pair, const float* blended) {
    const int columns = half_up(picture.width);
    uint8_t *blue = picture.chroma(0) + int64_t{pair} * columns, *red = picture.chroma(1) + int64_t{pair} * columns;
    for (int column = 0; column < columns; ++column) {
        const float* at = blended + int64_t{2 * column + kMargin} * 3;
        float rgb[3] = {};
        for (int i = 0; i < cuda::kChromaColumns; ++i) {
            const int across = cuda::chroma_column(i);
            for (int c = 0; c < 3; ++c) rgb[c] += cuda::chroma_weight(static_cast<float>(across)) * at[across * 3 + c];
        }
        const float grey = luma_of(rgb);
        blue[column] = byte_of(128.0f + cuda::kBlueLevels * (rgb[2] - grey));
        red[column] = byte_of(128.0f + cuda::kRedLevels * (rgb[0] - grey));
    }
}

template <class T>
void convert_pair(const Picture<T>& picture, int pair, float* blended) {
    for (int y = 2 * pair; y < std::min(2 * pair + 2, picture.height); ++y) write_luma(picture, y, blended);
    blend_rows(picture, pair, blended);
    write_chroma(picture, pair, blended);
}

}  // namespace

void to_yuv420_host(const Context& context, const Tensor& pictures, Tensor& frames) {
    if (pictures.elements() == 0) return;
    const auto height = static_cast<int>(pictures.dim(1)), width = static_cast<int>(pictures.dim(2));
    const int64_t pairs = half_up(height);
    visit_floating(pictures.dtype(), [&]<class T>(T) {
        context.threads.parallel_for(pictures.dim(0) * pairs, 4, [&](int64_t begin, int64_t end) {
            Tensor blended = Tensor::empty(context, {(width + 2 * kMargin) * 3}, DType::Float32);
            for (int64_t i = begin; i < end; ++i) {
                const int64_t frame = i / pairs;
                const Picture<T> picture = {pictures.data<T>() + frame * height * width * 3, height, width,
                                            frames.data<uint8_t>() + frame * frames.dim(1)};
                convert_pair(picture, static_cast<int>(i % pairs), blended.data<float>());
            }
        });
    });
}

}  // namespace kine::kernels
