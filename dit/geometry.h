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
    int64_t pairs = 0;               ///< of a spatial and a temporal block
    int64_t joint_blocks = 0;        ///< instead: blocks that attend over all tokens
    int64_t text_tokens = 0;         ///< that go through joint blocks beside the video's
    bool cross_in_temporal = false;  ///< temporal blocks attend to the text too
    int64_t patch = 2;
    int64_t patch_frames = 1;  ///< latent frames of a patch; what is missing is added
    int64_t latent_channels = 4;
    int64_t output_channels = 8;
    int64_t spatial_factor = 8;   ///< of the VAE
    int64_t frames_in_chunk = 1;  ///< frames that the VAE turns into `latents_in_chunk` latent frames
    int64_t latents_in_chunk = 1;
    int64_t causal_frames = 0;  ///< instead: frames that a latent frame stands for, but for the first
    std::string dtype = "bf16";
    int64_t parameters = 0;
    int64_t width = 512;
    int64_t height = 512;
    int64_t num_frames = 16;
    int64_t steps = 50;
    bool guided = true;
    std::string schedule = "ddim";  ///< "trailing" or "shifted_flow"
    std::string pab;                ///< the published settings, as cache options

    template <class Visitor>
    void visit(Visitor& v) {
        v("name", name, "name");
        v("summary", summary, "what it is");
        v("channels", channels, "width of a token");
        v("heads", heads, "attention heads");
        v("pairs", pairs, "pairs of a spatial and a temporal block");
        v("joint_blocks", joint_blocks, "blocks that attend over all tokens, instead of pairs");
        v("text_tokens", text_tokens, "tokens of the text that go through joint blocks");
        v("cross_in_temporal", cross_in_temporal, "whether temporal blocks attend to the text");
        v("patch", patch, "side of a patch in latent pixels");
        v("patch_frames", patch_frames, "latent frames of a patch");
        v("latent_channels", latent_channels, "channels of the latents");
        v("output_channels", output_channels, "channels of the prediction");
        v("spatial_factor", spatial_factor, "pixels a latent pixel, each way");
        v("frames_in_chunk", frames_in_chunk, "frames of a chunk of the VAE");
        v("latents_in_chunk", latents_in_chunk, "latent frames of a chunk of the VAE");
        v("causal_frames", causal_frames, "frames of a latent frame but the first, instead of chunks");
        v("dtype", dtype, "type of tokens");
        v("parameters", parameters, "of the transformer");
        v("width", width, "pixels");
        v("height", height, "pixels");
        v("num_frames", num_frames, "frames");
        v("steps", steps, "denoising steps");
        v("guided", guided, "whether both guidance branches run");
        v("schedule", schedule, "ddim, trailing or shifted_flow");
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
