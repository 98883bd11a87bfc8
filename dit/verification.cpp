#include "dit/verification.h"

#include "dit/families/families.h"
#include "dit/golden_case.h"
#include "dit/run.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/resample/resample.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace kine::dit {

namespace {

// Relative RMS against float32 (the reference's own bfloat16 text is off by up to 0.034 on the cases that we know). A
// text encoder rounds its residual stream to bfloat16 after every layer, in the reference too, and its states are
// normalised by the transformer's projection before they matter.
constexpr double kBFloat16RelativeRms = 0.02;
constexpr double kBFloat16TextRelativeRms = 0.06;

struct Difference {
    double largest = 0;
    double relative_rms = 0;
};

Difference difference(const Context& context, const Tensor& ours, const Tensor& reference) {
    check(ours.shape() == reference.shape(), ErrorCode::Other, "result has the shape {}, the reference {}",
          to_string(ours.shape()), to_string(reference.shape()));
    const Tensor a = kernels::cast(context, kernels::contiguous(context, ours), DType::Float32);
    const Tensor b = kernels::cast(context, kernels::contiguous(context, reference), DType::Float32);
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

/// Hands out the noise that the reference drew, step by step.
class GoldenNoise final : public Noise {
  public:
    explicit GoldenNoise(const GoldenCase& golden) : golden_(golden) {}
    void at_step(int64_t step) { step_ = step; }

    Tensor normal(const Context& context, const Shape&) override {
        return kernels::cast(context, golden_.tensor(GoldenCase::step_key("denoise", step_, "noise")), DType::Float32);
    }

  private:
    const GoldenCase& golden_;
    int64_t step_ = 0;
};

/// "temporal_transformer_blocks.3.attn1" -> "temporal.3": the names that the diffusers runs count by.
std::string site_of_module(const std::string& module) {
    const bool temporal = module.starts_with("temporal");
    const bool cross = module.ends_with("attn2");
    const size_t first = module.find('.') + 1;
    return fmt::format("{}.{}",
                       cross      ? "cross"
                       : temporal ? "temporal"
                                  : "spatial",
                       module.substr(first, module.find('.', first) - first));
}

/// "transformer_2.spatial.0" -> "spatial.0": experts take turns, so that a site's steps are those of both.
std::string without_expert(const std::string& site) {
    const std::string second = "transformer_2.";
    return site.starts_with(second) ? site.substr(second.size()) : site;
}

class Verification {
  public:
    Verification(Context& context, const GoldenCase& golden, const Model& model,
                 const std::function<void(const StageResult&)>& report)
        : context_(context),
          golden_(golden),
          model_(model),
          report_(report),
          request_(resolve_request(model, golden.request())) {}

    bool operator()() {
        verify_text();
        verify_schedule();
        verify_steps();
        verify_decoder();
        if (is_float32()) verify_whole_run();
        for (const char* run : {"pab_ungated", "pab_gated"}) {
            if (golden_.has_pab(run)) verify_pab(run);
        }
        return all_ok_;
    }

  private:
    bool is_float32() const { return model_.dtype == DType::Float32; }

    void tell(StageResult result) {
        all_ok_ = all_ok_ && (result.ok || result.skipped);
        report_(result);
    }

    void tell_equal(const std::string& stage, bool equal, const std::string& note) {
        tell({.stage = stage, .error = equal ? 0.0 : 1.0, .allowed = 0.0, .ok = equal, .note = equal ? "" : note});
    }

    /// Float32 against the noise of `key`; bfloat16 by relative RMS.
    void tell_close(const std::string& stage, const Tensor& ours, const std::string& key,
                    const std::string& noise_key) {
        const Difference found = difference(context_, ours, golden_.tensor(key));
        const double error = is_float32() ? found.largest : found.relative_rms;
        const double allowed = is_float32() ? golden_.allowed(key, noise_key) : allowed_relative_rms(key);
        tell({.stage = stage,
              .error = error,
              .allowed = allowed,
              .ok = error <= allowed,
              .note = is_float32() ? "" : "relative RMS"});
    }

    static double allowed_relative_rms(const std::string& key) {
        const bool is_text = key.starts_with("text/") || key.starts_with("denoise/context");
        return is_text ? kBFloat16TextRelativeRms : kBFloat16RelativeRms;
    }

    void verify_text() {
        const Conditioning ours = model_.text->encode(context_, request_);
        verify_branch("prompt", ours.prompt, ours.prompt_states);
        if (ours.guided) verify_branch("negative", ours.negative, ours.negative_states);
        if (ours.mask) {
            tell_text("text context", ours.states, "denoise/context", ours.prompt.length);
        } else {
            tell_branches("text context", ours.states, "denoise/context");
        }
        if (golden_.has("denoise/condition")) {
            tell_close("image latents", model_.encode_image(context_, request_), "denoise/condition",
                       "denoise/condition");
        }
    }

    /// A tensor of all guidance branches [B, ...], which a case may hold branch by branch.
    void tell_branches(const std::string& stage, const Tensor& ours, const std::string& key) {
        const std::vector<std::string> keys = golden_.branch_keys(key);
        if (keys.size() == 1 && golden_.has(key)) return tell_close(stage, ours, key, key);
        for (size_t branch = 0; branch < keys.size(); ++branch) {
            const std::string name = keys[branch].substr(key.size() + 1);
            tell_close(stage + " " + name, ours.select(0, static_cast<int64_t>(branch)), keys[branch], keys[branch]);
        }
    }

    /// The reference's tensor of all guidance branches [B, ...].
    Tensor golden_branches(const std::string& key) const {
        if (golden_.has(key)) return golden_.tensor(key);
        std::vector<Tensor> branches;
        for (const std::string& stored : golden_.branch_keys(key))
            branches.push_back(golden_.tensor(stored).unsqueeze(0));
        return kernels::concat(context_, branches, 0);
    }

    /// In bfloat16 rows of padding are noise that no model reads, so only the first `tokens` count, if any are named.
    void tell_text(const std::string& stage, const Tensor& ours, const std::string& key, int64_t tokens) {
        if (is_float32() || tokens == 0) return tell_close(stage, ours, key, "denoise/context");
        const auto read = [&](const Tensor& states) { return states.slice(-2, 0, tokens); };
        const double error = difference(context_, read(ours), read(golden_.tensor(key))).relative_rms;
        const double allowed = allowed_relative_rms(key);
        tell({.stage = stage, .error = error, .allowed = allowed, .ok = error <= allowed, .note = "relative RMS"});
    }

    void verify_branch(const std::string& branch, const Tokens& tokens, const Tensor& states) {
        const std::string key = "text/" + branch + "/";
        if (!golden_.has(key + "input_ids")) return;
        const Tensor ids = golden_.tensor(key + "input_ids");
        const bool equal = ids.elements() == static_cast<int64_t>(tokens.ids.size()) &&
                           std::equal(tokens.ids.begin(), tokens.ids.end(), ids.data<int64_t>());
        tell_equal("text " + branch + " token ids", equal, "token ids differ");
        if (golden_.has(key + "states")) tell_text("text " + branch + " states", states, key + "states", tokens.length);
    }

    void verify_schedule() {
        const auto sampler = make_run_sampler(model_, request_);
        const auto check_list = [&](const char* name, const std::string& key, const std::vector<double>& ours) {
            if (!golden_.has(key)) return;
            const std::vector<float> values(ours.begin(), ours.end());
            const Tensor list = Tensor::of<float>(context_, {static_cast<int64_t>(values.size())}, values);
            const Difference found = difference(context_, list, as_float(golden_.tensor(key)));
            const double allowed = golden_.allowed(key, key);
            tell({.stage = name, .error = found.largest, .allowed = allowed, .ok = found.largest <= allowed});
        };
        check_list("schedule timesteps", "denoise/timesteps", sampler->timesteps());
        check_list("schedule sigmas", "denoise/sigmas", sampler->sigmas());
    }

    Tensor as_float(const Tensor& x) const {
        if (x.dtype() != DType::Int64) return x;
        std::vector<float> values(x.data<int64_t>(), x.data<int64_t>() + x.elements());
        return Tensor::of<float>(context_, x.shape(), values);
    }

    Conditioning golden_conditioning() const {
        Conditioning conditioning;
        conditioning.states = kernels::cast(context_, golden_branches("denoise/context"), model_.dtype);
        if (golden_.has("denoise/condition")) conditioning.first_latents = golden_.tensor("denoise/condition");
        if (golden_.has("denoise/context_mask")) conditioning.mask = as_mask(golden_.tensor("denoise/context_mask"));
        conditioning.guided = model_.is_guided(request_);
        return conditioning;
    }

    Tensor as_mask(const Tensor& numbers) const {
        const Tensor floats = as_float(numbers);
        std::vector<uint8_t> kept;
        for (int64_t i = 0; i < floats.elements(); ++i) kept.push_back(floats.data<float>()[i] != 0.0f ? 1 : 0);
        return Tensor::of<uint8_t>(context_, numbers.shape(), kept);
    }

    Tensor initial_latents(const Sampler& sampler) const {
        return kernels::scale(context_, golden_.tensor("denoise/initial_latents"),
                              static_cast<float>(sampler.initial_scale()));
    }

    /// Every step on the reference's latents of the step before.
    void verify_steps() {
        const auto sampler = make_run_sampler(model_, request_);
        const broadcast::Plan plan = make_run_plan(model_, request_, *sampler);
        broadcast::Cache cache(plan);
        Tensor latents = initial_latents(*sampler);
        const Conditioning conditioning = golden_conditioning();
        const Denoiser denoiser(context_, model_, request_, {conditioning, sampler->timesteps(), latents.shape()},
                                alone_);
        GoldenNoise noise(golden_);
        for (int64_t step = 0; step < request_.steps; ++step) {
            const int index = static_cast<int>(step);
            const std::string prediction_key = GoldenCase::step_key("denoise", step, "prediction");
            const std::string latents_key = GoldenCase::step_key("denoise", step, "latents");
            const Tensor seen = sampler->model_input(context_, index, latents);
            tell_branches(fmt::format("step {:03} prediction", step), denoiser.predict(cache, index, seen, {}),
                          prediction_key);
            noise.at_step(step);
            const double timestep = sampler->timesteps()[static_cast<size_t>(step)];
            const Tensor guided = model_.guide(context_, golden_branches(prediction_key), request_, timestep);
            tell_latents(fmt::format("step {:03} latents", step),
                         sampler->step(context_, index, guided, latents, noise), latents_key, latents_key);
            latents = golden_.tensor(latents_key);
        }
    }

    /// Sampler arithmetic is float32 whatever the model's dtype.
    void tell_latents(const std::string& stage, const Tensor& ours, const std::string& key,
                      const std::string& noise_key) {
        const Difference found = difference(context_, ours, golden_.tensor(key));
        const double allowed = golden_.allowed(key, noise_key);
        tell({.stage = stage, .error = found.largest, .allowed = allowed, .ok = found.largest <= allowed});
    }

    Tensor decode(const Tensor& latents) const {
        std::vector<Tensor> chunks;
        const DecodeOptions options = {.frames = request_.num_frames};
        model_.decoder->decode(context_, latents, options, {}, [&](const Tensor& frames) { chunks.push_back(frames); });
        return kernels::concat(context_, chunks, 0);  // [F, Y, X, 3]
    }

    void verify_decoder() {
        const std::string last = GoldenCase::step_key("denoise", request_.steps - 1, "latents");
        // Cases may also hold decode/latents, which are on the VAE's own scale; our decoders undo the scaling
        // themselves.
        const Tensor frames = decode(model_.to_decode(context_, golden_conditioning(), golden_.tensor(last)));
        tell_close("decode video", kernels::to_channels_first(context_, frames), "decode/video", "decode/video");
        if (is_float32() && golden_.has("decode/frames")) tell_frames("decode frames", frames, "decode/frames");
    }

    void tell_frames(const std::string& stage, const Tensor& frames, const std::string& key) {
        const Tensor ours = kernels::quantize_rgb(context_, frames);
        const Tensor reference = golden_.tensor(key);
        check(ours.shape() == reference.shape(), ErrorCode::Other, "{}: {} against {}", key, to_string(ours.shape()),
              to_string(reference.shape()));
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

    /// From the initial noise and our own text to the last frame; `run` names the golden tensors.
    std::map<broadcast::Site, std::vector<int>> run_all(const broadcast::Plan& plan, const std::string& run,
                                                        const std::string& video_key) {
        const auto sampler = make_run_sampler(model_, request_);
        broadcast::Cache cache(plan);
        Tensor latents = initial_latents(*sampler);
        const Conditioning conditioning = make_conditioning(context_, model_, request_);
        const Denoiser denoiser(context_, model_, request_, {conditioning, sampler->timesteps(), latents.shape()},
                                alone_);
        GoldenNoise noise(golden_);
        for (int64_t step = 0; step < request_.steps; ++step) {
            const int index = static_cast<int>(step);
            noise.at_step(step);
            const Tensor prediction =
                denoiser.predict(cache, index, sampler->model_input(context_, index, latents), {});
            const double timestep = sampler->timesteps()[static_cast<size_t>(step)];
            const Tensor guided = model_.guide(context_, prediction, request_, timestep);
            latents = sampler->step(context_, index, guided, latents, noise);
            const std::string key = GoldenCase::step_key(run, step, "latents");
            if (!is_float32() || !golden_.has(key)) continue;
            tell_latents(fmt::format("{} step {:03} latents", label_of(run), step), latents, key,
                         GoldenCase::step_key("denoise", step, "latents"));
        }
        if (is_float32() && golden_.has(video_key)) {
            const Tensor frames = decode(model_.to_decode(context_, conditioning, latents));
            tell_close(label_of(run) + " video", kernels::to_channels_first(context_, frames), video_key,
                       "decode/video");
        }
        return cache.reused();
    }

    static std::string label_of(const std::string& run) { return run == "denoise" ? "whole run" : run; }

    void verify_whole_run() {
        const broadcast::Plan plan = make_run_plan(model_, request_, *make_run_sampler(model_, request_));
        run_all(plan, "denoise", "decode/video");
    }

    void verify_pab(const std::string& run) {
        const auto sampler = make_run_sampler(model_, request_);
        const broadcast::Schedule schedule = model_.reuse_schedule(sampler->timesteps());
        const auto policy = broadcast::make_pab(golden_.pab_rules(run), schedule);
        const TransformerCost cost =
            model_.transformer->cost(model_.latent_shape(request_), model_.is_guided(request_) ? 2 : 1);
        const broadcast::Plan plan(*policy, schedule, cost.sites, cost.other_multiply_adds);
        const auto reused = run_all(plan, run, run + "/video");
        verify_reused(run, reused);
    }

    void verify_reused(const std::string& run, const std::map<broadcast::Site, std::vector<int>>& reused) {
        std::map<std::string, std::vector<int>> ours;
        for (const auto& [site, steps] : reused) ours[broadcast::to_string(site)] = steps;
        const Json& stored = golden_.pab(run);
        if (stored.contains("reused_steps")) {
            std::map<std::string, std::vector<int>> expected;
            for (const auto& [site, steps] : stored["reused_steps"].items()) {
                for (const Json& step : steps) expected[without_expert(site)].push_back(step.get<int>());
            }
            std::erase_if(expected, [](const auto& row) { return row.second.empty(); });
            std::erase_if(ours, [](const auto& row) { return row.second.empty(); });
            tell_equal(run + " reused steps", ours == expected, "the reused steps differ from the case's");
        }
        if (!stored.contains("computed_calls")) return;
        bool equal = true;
        for (const auto& [module, calls] : stored["computed_calls"].items()) {
            const auto computed = request_.steps - static_cast<int64_t>(ours[site_of_module(module)].size());
            equal = equal && computed == calls.get<int64_t>();
        }
        tell_equal(run + " computed calls", equal, "the number of computed calls differs from the case's");
    }

    Context& context_;
    const GoldenCase& golden_;
    const Model& model_;
    const std::function<void(const StageResult&)>& report_;
    Request request_;
    std::unique_ptr<parallel::Communicator> communicator_ = parallel::make_single_communicator();
    parallel::Mesh alone_{*communicator_};
    bool all_ok_ = true;
};

}  // namespace

bool verify_case(Context& context, const std::filesystem::path& directory, DType dtype,
                 const std::function<void(const StageResult&)>& report) {
    const GoldenCase golden(directory);
    const std::string family = golden.family();
    const bool known = std::ranges::any_of(families(), [&](const Family& row) { return row.name == family; });
    if (!known) {
        report({.stage = "family", .skipped = true, .note = fmt::format("family '{}' is not there yet", family)});
        return true;
    }
    const std::unique_ptr<Model> model = load_model(context, golden.model_directory(), dtype);
    return Verification(context, golden, *model, report)();
}

}  // namespace kine::dit
