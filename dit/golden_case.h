// A golden case: a tiny model, a request, and what the reference implementation computed at every stage.
#pragma once

#include "broadcast/policies/pab.h"
#include "dit/request.h"
#include "runtime/io/json.h"
#include "runtime/io/safetensors.h"

#include <filesystem>
#include <string>
#include <vector>

namespace kine::dit {

class GoldenCase {
  public:
    /// `directory` holds case.json, tensors.safetensors and model/. Throws ErrorCode::BadInput.
    explicit GoldenCase(const std::filesystem::path& directory);

    std::filesystem::path model_directory() const { return directory_ / "model"; }
    std::string name() const { return directory_.filename().string(); }
    std::string family() const;
    Request request() const;
    /// Empty where the case has none.
    std::string long_prompt() const;
    bool has(const std::string& key) const { return tensors_.contains(key); }
    /// Latents, predictions and noise of a run as [.., C, T, Y, X], perhaps a view.
    Tensor tensor(const std::string& key) const;
    /// The case holds those as [.., T, C, Y, X].
    void set_frames_first(bool frames_first) { frames_first_ = frames_first; }
    /// The keys of one tensor for all guidance branches, or of one for each in our order: KEY_negative, KEY_positive.
    std::vector<std::string> branch_keys(const std::string& key) const;
    /// "denoise/step_003/latents"
    static std::string step_key(const std::string& run, int64_t step, const std::string& what);

    /// 8 times the reference's own float32 noise of `key` (of `noise_key` where a run has none of its own), and never
    /// less than 1e-6 of the tensor's largest magnitude.
    double allowed(const std::string& key, const std::string& noise_key) const;

    /// "pab_gated", "pab_ungated": the rules of that run, and what it reused.
    bool has_pab(const std::string& run) const { return description_.contains(run); }
    broadcast::PabOptions pab_rules(const std::string& run) const;
    const Json& pab(const std::string& run) const { return description_[run]; }

  private:
    std::filesystem::path directory_;
    Json description_;
    SafetensorsFile tensors_;
    bool frames_first_ = false;
};

}  // namespace kine::dit
