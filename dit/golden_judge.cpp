#include "dit/golden_judge.h"

#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/resample/resample.h"
#include "runtime/tensor/convert.h"
#include "runtime/tensor/transfer.h"

#include <algorithm>
#include <cmath>

namespace kine::dit {

namespace {

// Relative RMS against float32 (the reference's own bfloat16 text is off by up to 0.034 on the cases that we know). A
// text encoder rounds its residual stream to bfloat16 after every layer, in the reference too, and its states are
// normalised by the transformer's projection before they matter.
constexpr double kBFloat16RelativeRms = 0.02;
constexpr double kBFloat16TextRelativeRms = 0.06;

constexpr double kFloat16Share = 0.125;  // three more bits of mantissa

double allowed_relative_rms(DType dtype, const std::string& key) {
    const bool is_text = key.starts_with("text/") || key.starts_with("denoise/context");
    const double allowed = is_text ? kBFloat16TextRelativeRms : kBFloat16RelativeRms;
    return dtype == DType::Float16 ? kFloat16Share * allowed : allowed;
}

struct Difference {
    double largest = 0;
    double relative_rms = 0;
};

/// Of tensors of the same shape.
Difference difference(const Context& context, const Tensor& ours, const Tensor& reference) {
    const Tensor a = as_float(context, ours);
    const Tensor b = as_float(context, reference);
    Difference result;
    double squares = 0, reference_squares = 0;
    for (int64_t i = 0; i < a.elements(); ++i) {
        const double expected = b.data<float>()[i];
        const double error = a.data<float>()[i] - expected;
        result.largest = std::isnan(error) ? HUGE_VAL : std::max(result.largest, std::abs(error));
        squares += error * error;
        reference_squares += expected * expected;
    }
    result.relative_rms = reference_squares > 0 ? std::sqrt(squares / reference_squares) : std::sqrt(squares);
    return result;
}

}  // namespace

Tensor as_float(const Context& context, const Tensor& x) {
    const Tensor packed = x.device() == context.device ? to_host(context, kernels::contiguous(context, x))
                                                       : kernels::contiguous(context.host(), x);
    if (x.dtype() != DType::Int64) return convert(context.host(), packed, DType::Float32);
    const std::vector<float> values(packed.data<int64_t>(), packed.data<int64_t>() + packed.elements());
    return Tensor::of<float>(context.host(), x.shape(), values);
}

void GoldenJudge::tell(StageResult result) {
    all_ok_ = all_ok_ && (result.ok || result.skipped);
    report_(result);
}

bool GoldenJudge::has_shape(const std::string& stage, const Tensor& ours, const Tensor& reference) {
    if (ours.shape() == reference.shape()) return true;
    equal(stage, false,
          fmt::format("shape {}, the reference's {}", to_string(ours.shape()), to_string(reference.shape())));
    return false;
}

void GoldenJudge::equal(const std::string& stage, bool is_equal, const std::string& note) {
    tell({.stage = stage, .error = is_equal ? 0.0 : 1.0, .allowed = 0.0, .ok = is_equal, .note = is_equal ? "" : note});
}

void GoldenJudge::within_noise(const std::string& stage, const Tensor& ours, const std::string& key,
                               const std::string& noise_key) {
    const Tensor reference = golden_.tensor(key);
    if (!has_shape(stage, ours, reference)) return;
    const double error = difference(context_, ours, reference).largest;
    const double allowed = golden_.allowed(key, noise_key);
    tell({.stage = stage, .error = error, .allowed = allowed, .ok = error <= allowed});
}

void GoldenJudge::relative(const std::string& stage, const Tensor& ours, const Tensor& reference,
                           const std::string& key) {
    if (!has_shape(stage, ours, reference)) return;
    const double error = difference(context_, ours, reference).relative_rms;
    const double allowed = allowed_relative_rms(dtype_, key);
    tell({.stage = stage, .error = error, .allowed = allowed, .ok = error <= allowed, .note = "relative RMS"});
}

void GoldenJudge::close(const std::string& stage, const Tensor& ours, const std::string& key,
                        const std::string& noise_key) {
    if (is_float32()) return within_noise(stage, ours, key, noise_key);
    relative(stage, ours, golden_.tensor(key), key);
}

void GoldenJudge::branches(const std::string& stage, const Tensor& ours, const std::string& key) {
    const std::vector<std::string> keys = golden_.branch_keys(key);
    if (keys.size() == 1 && golden_.has(key)) return close(stage, ours, key, key);
    for (size_t branch = 0; branch < keys.size(); ++branch) {
        const std::string name = keys[branch].substr(key.size() + 1);
        close(stage + " " + name, ours.select(0, static_cast<int64_t>(branch)), keys[branch], keys[branch]);
    }
}

void GoldenJudge::text(const std::string& stage, const Tensor& ours, const std::string& key, int64_t tokens) {
    if (is_float32() || tokens == 0) return close(stage, ours, key, "denoise/context");
    const auto read = [&](const Tensor& states) { return states.slice(-2, 0, tokens); };
    relative(stage, read(ours), read(golden_.tensor(key)), key);
}

void GoldenJudge::levels(const std::string& stage, const Tensor& frames, const std::string& key) {
    const Tensor ours = to_host(context_, kernels::quantize_rgb(context_, frames));
    const Tensor reference = golden_.tensor(key);
    if (!has_shape(stage, ours, reference)) return;
    int largest = 0;
    for (int64_t i = 0; i < ours.elements(); ++i) {
        largest = std::max(largest, std::abs(int{ours.data<uint8_t>()[i]} - int{reference.data<uint8_t>()[i]}));
    }
    tell({.stage = stage,
          .error = static_cast<double>(largest),
          .allowed = 1.0,
          .ok = largest <= 1,
          .note = "levels of 255"});
}

}  // namespace kine::dit
