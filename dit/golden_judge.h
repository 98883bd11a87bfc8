// Holds results against a golden case's tensors and tells how far they are off.
#pragma once

#include "dit/golden_case.h"
#include "dit/verification.h"

#include <functional>
#include <string>
#include <vector>

namespace kine::dit {

/// As f32, also where a case holds whole numbers.
Tensor as_float(const Context& context, const Tensor& x);

/// Float32 results are held to the case's own float32 noise, those of sixteen bits to a relative RMS.
class GoldenJudge {
  public:
    GoldenJudge(const Context& context, const GoldenCase& golden, DType dtype,
                const std::function<void(const StageResult&)>& report)
        : context_(context), golden_(golden), dtype_(dtype), report_(report) {}

    bool is_float32() const { return dtype_ == DType::Float32; }
    bool all_ok() const { return all_ok_; }

    void equal(const std::string& stage, bool is_equal, const std::string& note);
    /// Against the tensor `key`; `noise_key` names the tensor whose noise counts.
    void close(const std::string& stage, const Tensor& ours, const std::string& key, const std::string& noise_key);
    /// A tensor of all guidance branches [B, ...], which a case may hold branch by branch.
    void branches(const std::string& stage, const Tensor& ours, const std::string& key);
    /// Text states [..., L, D]. In sixteen bits rows of padding are noise that no model reads, so only the first
    /// `tokens` count, if any are named.
    void text(const std::string& stage, const Tensor& ours, const std::string& key, int64_t tokens);
    /// Sampler arithmetic and schedules are float32 whatever the model's dtype.
    void within_noise(const std::string& stage, const Tensor& ours, const std::string& key,
                      const std::string& noise_key);
    /// Frames [F, Y, X, 3] in 0..1 against stored 8-bit ones: at most one level apart.
    void levels(const std::string& stage, const Tensor& frames, const std::string& key);

  private:
    void tell(StageResult result);
    /// Tells of a failure if they differ in it: one wrong shape must not hide the other rows.
    bool has_shape(const std::string& stage, const Tensor& ours, const Tensor& reference);
    void relative(const std::string& stage, const Tensor& ours, const Tensor& reference, const std::string& key);

    const Context& context_;
    const GoldenCase& golden_;
    DType dtype_;
    const std::function<void(const StageResult&)>& report_;
    bool all_ok_ = true;
};

}  // namespace kine::dit
