// The first predictions of a run whose ranks switch tokens in tiles of any size: models as small as the golden ones
// stay below the bound that runs have.
#pragma once

#include "dit/denoiser.h"
#include "dit/ranks.h"
#include "runtime/tensor/transfer.h"

#include <vector>

namespace kine::dit {

struct Predictions {
    std::vector<Tensor> all;
    parallel::Traffic traffic;  ///< of rank 0
};

/// `request` is resolved.
inline Predictions predict_in_tiles(const Context& context, const Model& model, const Request& request,
                                    int64_t least_tile_bytes) {
    const auto sampler = make_run_sampler(model, request);
    const auto noise = make_run_noise(model, request);
    const Conditioning conditioning = make_conditioning(context, model, request, *noise);
    const broadcast::Plan plan = make_run_plan(model, request, *sampler);
    const Tensor latents = noise->normal(context, model.latent_shape(request));
    Predictions made;
    on_ranks(
        context, {.ranks = static_cast<int>(request.ranks)},
        [&](const Context& own, parallel::Communicator& communicator) {
            communicator.set_timeout(60);
            communicator.set_least_tile_bytes(least_tile_bytes);
            parallel::Mesh mesh(own, communicator, mesh_shape(model, request));
            Denoiser denoiser(own, model, request, {conditioning, sampler->timesteps(), plan, latents.shape()}, mesh);
            for (int step = 0; step < request.steps; ++step) {
                const Tensor prediction = denoiser.predict(step, latents, {});
                if (communicator.rank() == 0) made.all.push_back(to_host(own, prediction));
            }
            if (communicator.rank() == 0) made.traffic = mesh.traffic();
        });
    return made;
}

}  // namespace kine::dit
