// Norm of a head and rotary embedding in double, for tests.
#pragma once

#include "kernels/rope/query_key_launch.h"

#include <cmath>
#include <span>
#include <vector>

namespace kine::kernels::cuda {

inline constexpr float kHeadEps = 1e-5f;

/// As HeadSteps; an empty vector is an absent part.
struct HeadTwin {
    HeadNorm norm = HeadNorm::None;
    std::vector<double> weight, bias, turns;

    void apply(std::span<double> head) const {
        if (norm != HeadNorm::None) normalise(head);
        for (size_t k = 0; k < turns.size(); k += 2) {
            const double a = head[k], b = head[k + 1];
            head[k] = a * turns[k] - b * turns[k + 1];
            head[k + 1] = b * turns[k] + a * turns[k + 1];
        }
    }

    void normalise(std::span<double> head) const {
        const auto size = static_cast<double>(head.size());
        double mean = 0.0, squares = 0.0;
        for (const double value : head) mean += norm == HeadNorm::Layer ? value / size : 0.0;
        for (const double value : head) squares += (value - mean) * (value - mean) / size;
        for (size_t i = 0; i < head.size(); ++i) {
            head[i] = (head[i] - mean) / std::sqrt(squares + static_cast<double>(kHeadEps));
            if (!weight.empty()) head[i] *= weight[i];
            if (!bias.empty()) head[i] += bias[i];
        }
    }
};

}  // namespace kine::kernels::cuda
