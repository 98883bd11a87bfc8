// Pictures as encoders want them, slowly and in double.
#pragma once

#include "tests/support/random.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace kine {

/// One picture of a clip [F, Y, X, 3], clamped.
class YuvTwin {
  public:
    using Triple = std::array<double, 3>;

    YuvTwin(const Tensor& clip, int64_t frame)
        : height_(static_cast<int>(clip.dim(1))),
          width_(static_cast<int>(clip.dim(2))),
          values_(to_doubles(clip.select(0, frame))) {}

    static Triple to_yuv(const Triple& rgb) {
        const double luma = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
        return {16 + 219 * luma, 128 + 224 * (rgb[2] - luma) / 1.8556, 128 + 224 * (rgb[0] - luma) / 1.5748};
    }

    /// All of Y, of U, of V: levels before they are rounded, as far as a byte goes.
    std::vector<double> planes() const {
        std::vector<double> levels, blue, red;
        for (int y = 0; y < height_; ++y) {
            for (int x = 0; x < width_; ++x) levels.push_back(to_yuv(at(y, x))[0]);
        }
        for (int y = 0; y < height_; y += 2) {
            for (int x = 0; x < width_; x += 2) {
                const Triple chroma = chroma_at(y + 0.5, x);
                blue.push_back(std::clamp(chroma[1], 0.0, 255.0));
                red.push_back(std::clamp(chroma[2], 0.0, 255.0));
            }
        }
        levels.insert(levels.end(), blue.begin(), blue.end());
        levels.insert(levels.end(), red.begin(), red.end());
        return levels;
    }

  private:
    /// Of Keys, with a = -0.6; of the distance in samples.
    static double cubic(double d) {
        constexpr double a = -0.6;
        d = std::abs(d);
        if (d >= 2) return 0;
        return d < 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1 : a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a;
    }

    Triple at(int y, int x) const {
        y = std::clamp(y, 0, height_ - 1);
        x = std::clamp(x, 0, width_ - 1);
        Triple rgb;
        for (size_t c = 0; c < 3; ++c)
            rgb[c] = std::clamp(values_[static_cast<size_t>(y * width_ + x) * 3 + c], 0.0, 1.0);
        return rgb;
    }

    /// The colour around a place between pixels, by every pixel that may have a weight.
    Triple chroma_at(double y, double x) const {
        Triple sum = {};
        double weights = 0;
        for (int row = static_cast<int>(y) - 6; row <= y + 6; ++row) {
            for (int column = static_cast<int>(x) - 6; column <= x + 6; ++column) {
                const double weight = cubic((row - y) / 2) * cubic((column - x) / 2);
                const Triple pixel = at(row, column);
                for (size_t c = 0; c < 3; ++c) sum[c] += weight * pixel[c];
                weights += weight;
            }
        }
        for (double& value : sum) value /= weights;
        return to_yuv(sum);
    }

    int height_, width_;
    std::vector<double> values_;
};

/// Half a level for the rounding itself, and what f32 may err by next to a tie.
inline constexpr double kYuvTolerance = 0.5002;

}  // namespace kine
