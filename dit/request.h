// What a user may ask of a run. Zero or empty means: as the family says.
#pragma once

#include "runtime/frame/frame.h"
#include "runtime/tensor/tensor.h"

#include <cstdint>
#include <optional>
#include <string>

namespace kine::dit {

struct Request {
    std::string prompt;
    std::string negative_prompt;
    std::string prompt_options;  ///< what a family says besides the prompt: "motion_score=4,camera_motion=pan left"
    int64_t width = 0;           ///< pixels
    int64_t height = 0;
    int64_t num_frames = 0;
    std::string fps;  ///< exact rate, e.g. 24000/1001
    int64_t steps = 0;
    std::optional<double> guidance_scale;
    std::optional<double> guidance_scale_2;  ///< of a second expert; as guidance_scale if not given
    bool sequential_guidance = false;        ///< branches one after the other: half of the activations at once
    bool dynamic_guidance = false;           ///< guidance that changes from step to step (CogVideoX)
    uint64_t seed = 0;
    std::string rng = "philox";   ///< philox or torch
    std::string sampler;          ///< empty: the model's scheduler
    std::string sampler_options;  ///< "eta=1,timestep_spacing=trailing,...": keys of the scheduler file
    std::string cache;            ///< reuse policy; empty: none, or what cache_quality says
    std::string cache_options;    ///< "spatial_range=2,..."
    std::string cache_quality;    ///< settings by what they cost in quality: "high", ...
    int64_t cache_budget = 0;     ///< bytes that kept outputs may hold, 0: no limit
    int64_t decode_chunk = 0;     ///< latent frames decoded at a time
    int64_t vae_tile = 0;         ///< latent pixels a side, 0: whole frames
    double vae_tile_overlap = 0.25;
    int64_t ranks = 1;               ///< that share the tokens of a run
    double rank_timeout = 300;       ///< seconds that a rank may stay silent, 0: for ever
    std::string parallel = "auto";   ///< how they share them: a strategy by name
    int64_t group_size = 0;          ///< ranks of a group, for strategies that know groups; 0: as many as fit
    std::string cluster = "cpu";     ///< whose rates auto goes by: a preset or a .json file
    int64_t decode_ranks = 0;        ///< of those, how many decode; 0: as many as the VAE can share the video out to
    bool cfg_parallel = false;       ///< half of the ranks for each guidance branch
    bool cfg_parallel_auto = false;  ///< or not: whatever is faster
    Tensor latents;                  ///< initial noise [C, T, Y, X] f32 instead of the seed's
    Tensor image;                    ///< the first frame, u8 [Y, X, 3], of the video's size

    template <class Visitor>
    void visit(Visitor& v) {
        v("prompt", prompt, "what the video shows");
        v("negative_prompt", negative_prompt, "what it should not show");
        v("prompt_options", prompt_options, "what the family says besides the prompt, key=value,...");
        v("width", width, "pixels; the model\'s own if not given");
        v("height", height, "pixels; the model\'s own if not given");
        v("num_frames", num_frames, "frames of the video; the model\'s own if not given");
        v("fps", fps, "frames per second, exact: 24, 24000/1001, 12.5");
        v("steps", steps, "denoising steps; the model\'s own if not given");
        v("guidance_scale", guidance_scale, "classifier-free guidance, 1 or less for none");
        v("guidance_scale_2", guidance_scale_2, "guidance of a second expert, for little noise; not given: the same");
        v("sequential_guidance", sequential_guidance, "guidance branches one after the other instead of in one batch");
        v("dynamic_guidance", dynamic_guidance, "guidance that changes from step to step, where the family has it");
        v("seed", seed, "same seed, same video");
        v("rng", rng, "noise generator: philox, or torch for the noise of PyTorch's CPU generator");
        v("sampler", sampler, "sampler by name, empty for the model's scheduler");
        v("sampler_options", sampler_options, "settings of the scheduler, key=value,...");
        v("cache", cache, "reuse policy: none, pab, ...");
        v("cache_options", cache_options, "settings of the policy, key=value,...");
        v("cache_quality", cache_quality, "how much to reuse: lossless, high, balanced or fast; settings come on top");
        v("cache_budget", cache_budget, "most bytes that kept outputs may hold, 0 for no limit");
        v("decode_chunk", decode_chunk, "latent frames decoded at a time, 0 for the model's own");
        v("vae_tile", vae_tile, "decode in tiles of this many latent pixels, 0 for whole frames");
        v("ranks", ranks, "ranks that share one video: threads of this process");
        v("parallel", parallel, "how ranks share the tokens: a strategy by name, or auto for the fastest");
        v("group_size", group_size,
          "neighbours that switch heads (usp) or form an inner ring (double_ring), 0 for as many as fit");
        v("rank_timeout", rank_timeout, "seconds after which a silent rank fails the run, 0 for never");
        v("cluster", cluster, "whose rates the choice goes by: a preset by name, or a .json file");
        v("decode_ranks", decode_ranks, "ranks that decode, 0 for as many as the VAE has work for");
        v("cfg_parallel", cfg_parallel, "give each guidance branch half of the ranks");
        v("cfg_parallel_auto", cfg_parallel_auto, "do that where it is faster");
        v("vae_tile_overlap", vae_tile_overlap, "share of a tile blended with its neighbour");
    }
};

}  // namespace kine::dit
