// What a request becomes before its first step: defaults filled in, sampler, noise, plan, conditioning.
#pragma once

#include "broadcast/plan.h"
#include "dit/families/family.h"
#include "dit/sampling/sampler.h"
#include "parallel/mesh.h"

#include <memory>

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

/// How a resolved request lays its ranks out.
parallel::MeshShape mesh_shape(const Model& model, const Request& request);

/// How many guidance branches go through the transformer together where ranks do not part them.
int64_t branches_of_pass(const Model& model, const Request& request);

}  // namespace kine::dit
