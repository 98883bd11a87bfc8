#include "dit/verification.h"

#include "dit/denoiser.h"
#include "dit/families/families.h"
#include "dit/golden_judge.h"
#include "dit/model_places.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/resample/resample.h"
#include "runtime/tensor/transfer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace kine::dit {

namespace {

/// Hands out the noise that the reference drew, step by step.
class GoldenNoise final : public Noise {
  public:
    explicit GoldenNoise(const GoldenCase& golden) : golden_(golden) {}
    void at_step(int64_t step) { step_ = step; }

    Tensor normal(const Context& context, const Shape&) override {
        const Tensor drawn = to_device(context, golden_.tensor(GoldenCase::step_key("denoise", step_, "noise")));
        return kernels::cast(context, kernels::contiguous(context, drawn), DType::Float32);
    }

  private:
    const GoldenCase& golden_;
    int64_t step_ = 0;
};

/// Hands out what the reference drew for an image.
class GoldenImageNoise final : public Noise {
  public:
    explicit GoldenImageNoise(const GoldenCase& golden) : golden_(golden) {}

    Tensor normal(const Context& context, const Shape&) override {
        return to_device(context, golden_.tensor("image/noise"));
    }

  private:
    const GoldenCase& golden_;
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

/// A site as we call it, from a name of ours or a module's.
std::string site_named(const std::string& name) {
    return name.find(".attn") == std::string::npos ? without_expert(name) : site_of_module(name);
}

class Verification {
  public:
    Verification(Context& context, const GoldenCase& golden, const Model& model,
                 const std::function<void(const StageResult&)>& report)
        : context_(context),
          golden_(golden),
          model_(model),
          judge_(context, golden, model.dtype, report),
          request_(resolve_request(model, golden.request())) {}

    bool operator()() {
        verify_text();
        verify_schedule();
        verify_steps();
        verify_decoder();
        if (judge_.is_float32()) verify_whole_run();
        for (const char* run : {"pab_ungated", "pab_gated"}) {
            if (golden_.has_pab(run)) verify_pab(run);
        }
        return judge_.all_ok();
    }

  private:
    Tensor golden(const std::string& key) const {
        return to_device(context_, kernels::contiguous(context_.host(), golden_.tensor(key)));
    }

    void verify_text() {
        const Conditioning ours = model_.text->encode(context_, request_, model_.is_guided(request_));
        verify_branch("prompt", ours.prompt);
        if (ours.negative.states) verify_branch("negative", ours.negative);
        verify_long_prompt();
        if (ours.mask) {
            judge_.text("text context", ours.states, "denoise/context", ours.prompt.tokens.length);
        } else {
            judge_.branches("text context", ours.states, "denoise/context");
        }
        if (golden_.has("denoise/condition")) {
            GoldenImageNoise noise(golden_);
            judge_.close("image latents", model_.encode_image(context_, request_, noise), "denoise/condition",
                         "denoise/condition");
        }
    }

    /// The reference's tensor of all guidance branches [B, ...].
    Tensor golden_branches(const std::string& key) const {
        if (golden_.has(key)) return golden(key);
        std::vector<Tensor> branches;
        for (const std::string& stored : golden_.branch_keys(key)) branches.push_back(golden(stored).unsqueeze(0));
        return kernels::concat(context_, branches, 0);
    }

    void verify_branch(const std::string& branch, const EncodedText& text) {
        const auto& [tokens, states] = text;
        const std::string key = "text/" + branch + "/";
        if (!golden_.has(key + "input_ids")) return;
        const Tensor ids = golden_.tensor(key + "input_ids");
        const bool equal = ids.elements() == static_cast<int64_t>(tokens.ids.size()) &&
                           std::equal(tokens.ids.begin(), tokens.ids.end(), ids.data<int64_t>());
        judge_.equal("text " + branch + " token ids", equal, "token ids differ");
        if (golden_.has(key + "states"))
            judge_.text("text " + branch + " states", states, key + "states", tokens.length);
    }

    /// A prompt of more tokens than the model takes, where a case has one.
    void verify_long_prompt() {
        if (golden_.long_prompt().empty()) return;
        Request request = request_;
        request.prompt = golden_.long_prompt();
        verify_branch("long", model_.text->encode(context_, request, false).prompt);
    }

    void verify_schedule() {
        const auto sampler = make_run_sampler(model_, request_);
        const auto check_list = [&](const char* name, const std::string& key, const std::vector<double>& ours) {
            if (!golden_.has(key)) return;
            const std::vector<float> values(ours.begin(), ours.end());
            const Tensor list = Tensor::of<float>(context_, {static_cast<int64_t>(values.size())}, values);
            judge_.within_noise(name, list, key, key);
        };
        check_list("schedule timesteps", "denoise/timesteps", sampler->timesteps());
        check_list("schedule sigmas", "denoise/sigmas", sampler->sigmas());
    }

    Conditioning golden_conditioning() const {
        Conditioning conditioning;
        conditioning.states = kernels::cast(context_, golden_branches("denoise/context"), model_.dtype);
        if (golden_.has("denoise/condition")) conditioning.first_latents = golden("denoise/condition");
        if (golden_.has("image/noise")) conditioning.first_latents = golden_image_latents();
        if (golden_.has("denoise/context_mask")) conditioning.mask = as_mask(golden_.tensor("denoise/context_mask"));
        return conditioning;
    }

    /// The first frame of what the reference made of the image; ours from its noise where the case does not tell.
    Tensor golden_image_latents() const {
        if (golden_.has("image/latents")) return golden("image/latents").slice(0, 0, 1).transpose(0, 1);
        GoldenImageNoise noise(golden_);
        return model_.encode_image(context_, request_, noise);
    }

    Tensor as_mask(const Tensor& numbers) const {
        const Tensor floats = as_float(context_, numbers);
        std::vector<uint8_t> kept;
        for (int64_t i = 0; i < floats.elements(); ++i) kept.push_back(floats.data<float>()[i] != 0.0f ? 1 : 0);
        return Tensor::of<uint8_t>(context_, numbers.shape(), kept);
    }

    Tensor initial_latents(const Sampler& sampler) const {
        return kernels::scale(context_, golden("denoise/initial_latents"), static_cast<float>(sampler.initial_scale()));
    }

    /// Every step on the reference's latents of the step before.
    void verify_steps() {
        const auto sampler = make_run_sampler(model_, request_);
        const broadcast::Plan plan = make_run_plan(model_, request_, *sampler);
        Tensor latents = initial_latents(*sampler);
        const Conditioning conditioning = golden_conditioning();
        Denoiser denoiser(context_, model_, request_, {conditioning, sampler->timesteps(), plan, latents.shape()},
                          alone_);
        GoldenNoise noise(golden_);
        for (int64_t step = 0; step < request_.steps; ++step) {
            const int index = static_cast<int>(step);
            const std::string prediction_key = GoldenCase::step_key("denoise", step, "prediction");
            const std::string latents_key = GoldenCase::step_key("denoise", step, "latents");
            const Tensor seen = sampler->model_input(context_, index, latents);
            judge_.branches(fmt::format("step {:03} prediction", step), denoiser.predict(index, seen, {}),
                            prediction_key);
            noise.at_step(step);
            const double timestep = sampler->timesteps()[static_cast<size_t>(step)];
            const Tensor guided = model_.guide(context_, golden_branches(prediction_key), request_, timestep);
            judge_.within_noise(fmt::format("step {:03} latents", step),
                                sampler->step(context_, index, guided, latents, noise), latents_key, latents_key);
            latents = golden(latents_key);
        }
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
        const Tensor frames = decode(model_.to_decode(context_, request_, golden_conditioning(), golden(last)));
        judge_.close("decode video", kernels::to_channels_first(context_, frames), "decode/video", "decode/video");
        if (judge_.is_float32() && golden_.has("decode/frames"))
            judge_.levels("decode frames", frames, "decode/frames");
    }

    /// From the initial noise and our own text to the last frame; `run` names the golden tensors.
    std::map<broadcast::Site, std::vector<int>> run_all(const broadcast::Plan& plan, const std::string& run,
                                                        const std::string& video_key) {
        const auto sampler = make_run_sampler(model_, request_);
        Tensor latents = initial_latents(*sampler);
        GoldenImageNoise image_noise(golden_);
        const Conditioning conditioning = make_conditioning(context_, model_, request_, image_noise);
        Denoiser denoiser(context_, model_, request_, {conditioning, sampler->timesteps(), plan, latents.shape()},
                          alone_);
        GoldenNoise noise(golden_);
        for (int64_t step = 0; step < request_.steps; ++step) {
            const int index = static_cast<int>(step);
            noise.at_step(step);
            const Tensor prediction = denoiser.predict(index, sampler->model_input(context_, index, latents), {});
            const double timestep = sampler->timesteps()[static_cast<size_t>(step)];
            const Tensor guided = model_.guide(context_, prediction, request_, timestep);
            latents = sampler->step(context_, index, guided, latents, noise);
            const std::string key = GoldenCase::step_key(run, step, "latents");
            if (!judge_.is_float32() || !golden_.has(key)) continue;
            judge_.within_noise(fmt::format("{} step {:03} latents", label_of(run), step), latents, key,
                                GoldenCase::step_key("denoise", step, "latents"));
        }
        if (judge_.is_float32() && golden_.has(video_key)) {
            const Tensor frames = decode(model_.to_decode(context_, request_, conditioning, latents));
            judge_.close(label_of(run) + " video", kernels::to_channels_first(context_, frames), video_key,
                         "decode/video");
        }
        return denoiser.reused();
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
                for (const Json& step : steps) expected[site_named(site)].push_back(step.get<int>());
            }
            std::erase_if(expected, [](const auto& row) { return row.second.empty(); });
            std::erase_if(ours, [](const auto& row) { return row.second.empty(); });
            judge_.equal(run + " reused steps", ours == expected, "the reused steps differ from the case's");
        }
        if (!stored.contains("computed_calls")) return;
        bool equal = true;
        for (const auto& [module, calls] : stored["computed_calls"].items()) {
            const auto computed = request_.steps - static_cast<int64_t>(ours[site_of_module(module)].size());
            equal = equal && computed == calls.get<int64_t>();
        }
        judge_.equal(run + " computed calls", equal, "the number of computed calls differs from the case's");
    }

    Context& context_;
    const GoldenCase& golden_;
    const Model& model_;
    GoldenJudge judge_;
    Request request_;
    std::unique_ptr<parallel::Communicator> communicator_ = parallel::make_single_communicator();
    parallel::Mesh alone_{*communicator_};
};

}  // namespace

bool verify_case(Context& context, const std::filesystem::path& directory, DType dtype,
                 const std::function<void(const StageResult&)>& report) {
    check(context.devices() == 1, ErrorCode::Usage, "verify: expected one device, came {}", context.devices());
    GoldenCase golden(directory);
    const std::string family = golden.family();
    const bool known = std::ranges::any_of(families(), [&](const Family& row) { return row.name == family; });
    if (!known) {
        report({.stage = "family", .skipped = true, .note = fmt::format("family '{}' is not there yet", family)});
        return true;
    }
    const std::unique_ptr<Model> model = load_model(context, find_model(golden.model_directory().string()), dtype);
    golden.set_frames_first(model->frames_first);
    return Verification(context, golden, *model, report)();
}

}  // namespace kine::dit
