// One run's steps as the generator and the verification share them: sampler, plan, prediction with guidance.
#pragma once

#include "broadcast/cache.h"
#include "broadcast/plan.h"
#include "dit/families/family.h"
#include "dit/sampling/sampler.h"
#include "parallel/mesh.h"
#include "parallel/partition.h"

#include <memory>
#include <stop_token>

namespace kine::dit {

/// The request with the model's defaults filled in, checked. Throws ErrorCode::Usage.
Request resolve_request(const Model& model, const Request& request);
/// Text and image of a resolved request; an image may draw from the run's noise.
Conditioning make_conditioning(const Context& context, const Model& model, const Request& request, Noise& noise);
/// Draws latents [C, T, Y, X] in the order of axes in which the model's reference draws them.
std::unique_ptr<Noise> in_order_of(const Model& model, std::unique_ptr<Noise> noise);
/// The noise of a resolved request's seed.
std::unique_ptr<Noise> make_run_noise(const Model& model, const Request& request);
/// The sampler of a resolved request: the model's scheduler with the request's options on top.
std::unique_ptr<Sampler> make_run_sampler(const Model& model, const Request& request);
broadcast::Plan make_run_plan(const Model& model, const Request& request, const Sampler& sampler);

DecodeOptions decode_options(const Request& request);

/// What is denoised: the prompt, when, and of what shape [C, T, Y, X].
struct Subject {
    const Conditioning& conditioning;
    const std::vector<double>& timesteps;
    Shape latents;
};

/// How a resolved request lays its ranks out.
parallel::MeshShape mesh_shape(const Model& model, const Request& request);

/// What stays the same over the steps of a run, on one rank. Refers to its arguments; they must outlive it.
class Denoiser {
  public:
    Denoiser(const Context& context, const Model& model, const Request& request, const Subject& subject,
             parallel::Mesh& mesh);

    /// Raw prediction [B, C', T, Y, X] for the latents [C, T, Y, X] of step `index`, whole and with the same bits on
    /// every rank. ErrorCode::NotFinite names the
    /// step and the first block whose output is not finite.
    Tensor predict(broadcast::Cache& cache, int index, const Tensor& model_input, std::stop_token stop) const;

  private:
    [[noreturn]] void report_not_finite(int index, const Tensor& branches) const;
    StepContext step_context(broadcast::Cache& cache, int index, std::stop_token stop, bool find_not_finite) const;

    Tensor gather_branches(const Tensor& prediction) const;

    const Context& context_;
    const Model& model_;
    parallel::Mesh& mesh_;
    const parallel::Strategy& strategy_;
    int64_t branches_;         // of guidance
    parallel::Range present_;  // those on this rank
    Shape tokens_;             // of those
    std::unique_ptr<WeightParts> weights_ = std::make_unique<WeightParts>();
    std::unique_ptr<Prepared> prepared_;
};

}  // namespace kine::dit
