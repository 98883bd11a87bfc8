// A model without its weights: what plans and prices need of a published model, as JSON under assets/geometries.
#pragma once

#include "broadcast/plan.h"
#include "dit/families/family.h"
#include "parallel/planner/work.h"

#include <string>
#include <vector>

namespace kine::dit {

struct Geometry {
    std::string name;
    std::string summary;
    int64_t channels = 1;
    int64_t heads = 1;
    int64_t pairs = 1;               ///< of a spatial and a temporal block
    bool cross_in_temporal = false;  ///< temporal blocks attend to the text too
    int64_t patch = 2;
    int64_t latent_channels = 4;
    int64_t output_channels = 8;
    int64_t spatial_factor = 8;   ///< of the VAE
    int64_t frames_in_chunk = 1;  ///< frames that the VAE turns into `latents_in_chunk` latent frames
    int64_t latents_in_chunk = 1;
    std::string dtype = "bf16";
    int64_t parameters = 0;
    int64_t width = 512;
    int64_t height = 512;
    int64_t num_frames = 16;
    int64_t steps = 50;
    bool guided = true;
    std::string schedule = "ddim";  ///< or "shifted_flow"
    std::string pab;                ///< the published settings, as cache options

    template <class Visitor>
    void visit(Visitor& v) {
        v("name", name, "name");
        v("summary", summary, "what it is");
        v("channels", channels, "width of a token");
        v("heads", heads, "attention heads");
        v("pairs", pairs, "pairs of a spatial and a temporal block");
        v("cross_in_temporal", cross_in_temporal, "whether temporal blocks attend to the text");
        v("patch", patch, "side of a patch in latent pixels");
        v("latent_channels", latent_channels, "channels of the latents");
        v("output_channels", output_channels, "channels of the prediction");
        v("spatial_factor", spatial_factor, "pixels a latent pixel, each way");
        v("frames_in_chunk", frames_in_chunk, "frames of a chunk of the VAE");
        v("latents_in_chunk", latents_in_chunk, "latent frames of a chunk of the VAE");
        v("dtype", dtype, "type of tokens");
        v("parameters", parameters, "of the transformer");
        v("width", width, "pixels");
        v("height", height, "pixels");
        v("num_frames", num_frames, "frames");
        v("steps", steps, "denoising steps");
        v("guided", guided, "whether both guidance branches run");
        v("schedule", schedule, "ddim or shifted_flow");
        v("pab", pab, "published settings of the policy pab");
    }

    /// The request with this model's sizes filled in. Throws ErrorCode::Usage.
    Request resolve(const Request& request) const;
    Shape tokens(const Request& resolved) const;  ///< [B, T, S, C]
    broadcast::Schedule timesteps(const Request& resolved) const;
    TransformerCost cost(const Request& resolved) const;
    broadcast::Plan plan(const Request& resolved) const;
    /// With cfg_parallel, of one guidance branch.
    parallel::Work work(const Request& resolved, const broadcast::Plan& plan) const;
};

std::vector<Geometry> geometry_presets();
/// A preset by name, or the file "....json". An unknown name is ErrorCode::Usage and lists the known ones.
Geometry find_geometry(const std::string& name);

}  // namespace kine::dit
