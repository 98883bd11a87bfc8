#include "apps/cli/option_rows.h"

#include <algorithm>
#include <array>

namespace kinescope::cli {

namespace {

constexpr std::string_view kWhat = "What to make";
constexpr std::string_view kModel = "Model";
constexpr std::string_view kSampling = "Sampling";
constexpr std::string_view kReuse = "Reuse";
constexpr std::string_view kRanks = "Ranks";
constexpr std::string_view kDecoding = "Decoding";
constexpr std::string_view kOutput = "Output";
constexpr std::string_view kTalk = "Talk";
constexpr unsigned kSessions = kRuns | kInspect | kVerify;
constexpr unsigned kReports = kPlan | kInspect | kVerify | kCompare | kBench | kList;

using enum Target;

constexpr std::array kRows = {
    OptionRow{"prompt", "-p,--prompt", "TEXT", Request, kRuns, kWhat,
              "what the video shows; '-' reads standard input; generate takes several, a video each", true},
    OptionRow{"prompt_file", "--prompt-file", "FILE", Program, kRuns, kWhat, "read the prompt from a file"},
    OptionRow{"prompts", "--prompts", "FILE", Program, kGenerate, kWhat,
              "a video for every line of a file, '-' for standard input; blank lines and those with '#' first do not "
              "count; the n-th has the seed of the first plus n - 1"},
    OptionRow{"negative_prompt", "-n,--negative-prompt,--neg-prompt", "TEXT", Request, kRuns, kWhat,
              "what it should not show"},
    OptionRow{"prompt_options", "--prompt-option,--prompt-options", "K=V,...", Request, kRuns, kWhat,
              "what the family says besides the prompt, e.g. motion_score=4"},
    OptionRow{"image", "-i,--image,--image-path", "FILE", Request, kRuns, kWhat,
              "the first frame, for models that take one; its middle, scaled to the video's size"},
    OptionRow{"width", "-W,--width", "PIXELS", Request, kRuns, kWhat, "width"},
    OptionRow{"height", "-H,--height", "PIXELS", Request, kRuns, kWhat, "height"},
    OptionRow{"size", "--size,--video-size", "WxH", Program, kRuns, kWhat, "both, e.g. 96x96 or 96*96"},
    OptionRow{"num_frames", "-f,--num-frames,--frames,--video-frames,--frame-num,--video-length", "N", Request, kRuns,
              kWhat, "frames"},
    OptionRow{"fps", "-r,--fps", "RATE", Request, kRuns, kWhat, "frames per second, exact: 24, 24000/1001, 12.5"},

    OptionRow{"model", "-m,--model,--model-path,--ckpt-dir", "DIR", Session, kRuns, kModel,
              "model directory, single file, or ORG/NAME in the Hugging Face cache; else the embedded demo model"},
    OptionRow{"vae", "--vae", "FILE", Session, kRuns | kInspect, kModel,
              "weight file of the VAE, in place of the one that lies with the model"},
    OptionRow{"text_encoder", "--text-encoder,--t5xxl", "FILE", Session, kRuns | kInspect, kModel,
              "weight file of the text encoder, in place of the one that lies with the model"},
    OptionRow{"device", "--device,--devices", "NAME", Session, kSessions, kModel,
              "where to run: cpu, cuda, cuda:N, or several GPUs, a rank each: cuda:0,1"},
    OptionRow{"dtype", "--dtype,--precision", "f32|bf16|f16", Session, kSessions, kModel,
              "type of weights and activations; f16 on GPUs only (f32)"},
    OptionRow{"quantize", "--quantize,--quantization", "none|int8|fp8|tf32", Session, kRuns, kModel,
              "linear layers of transformer blocks in eight bits, faster and smaller but less exact: int8 on CPUs, fp8 "
              "on GPUs "
              "with --dtype bf16; or tf32 on GPUs with f32, products of ten bits of mantissa (none)"},
    OptionRow{"threads", "-t,--threads", "N", Session, kSessions, kModel, "threads, 0 for every processor"},
    OptionRow{
        "residency", "--residency", "auto|all|stage|layer", Session, kSessions, kModel,
        "whose weights are in memory: all stages', the running one's, of that the layers' at work while the others "
        "wait in host memory (GPUs), or as many as --max-ram or --max-vram allows, in this order (auto)"},
    OptionRow{"max_ram", "--max-ram", "BYTES", Session, kSessions, kModel,
              "memory budget, suffixes K, M, G; a run that would not fit is refused before it starts"},
    OptionRow{"max_vram", "--max-vram", "BYTES", Session, kSessions, kModel,
              "the same of a GPU's memory; else what is free of it"},

    OptionRow{"steps", "--steps,--num-inference-steps,--sample-steps,--infer-steps,--num-steps", "N", Request, kRuns,
              kSampling, "denoising steps"},
    OptionRow{"guidance_scale", "-g,--guidance-scale,--cfg-scale,--sample-guide-scale,--guidance", "X", Request, kRuns,
              kSampling, "classifier-free guidance, 1 or less for none"},
    OptionRow{"guidance_scale_2", "--guidance-scale-2,--sample-guide-scale-2", "X", Request, kRuns, kSampling,
              "guidance of a model's second expert, which serves the steps with little noise; the same if not given"},
    OptionRow{"dynamic_guidance", "--dynamic-guidance,--use-dynamic-cfg", "", Program, kRuns, kSampling,
              "guidance that changes from step to step, where the family has it (CogVideoX with cogvideox_dpm)"},
    OptionRow{"sequential_guidance", "--sequential-guidance,--sequential-cfg", "", Program, kRuns, kSampling,
              "guidance branches one after the other instead of in one batch: half of the activations, same frames"},
    OptionRow{"seed", "-s,--seed,--base-seed", "N", Request, kRuns, kSampling,
              "same seed, same video; -1 for a random one"},
    OptionRow{"rng", "--rng", "philox|torch", Request, kRuns, kSampling,
              "noise generator; torch draws what PyTorch's CPU generator draws"},
    OptionRow{"sampler", "--sampler,--scheduler,--sampling-method,--sample-solver", "NAME", Request, kRuns, kSampling,
              "see `kinescope list samplers`; the model's own if not given"},
    OptionRow{"sampler_options", "--sampler-option,--sampler-options", "K=V,...", Request, kRuns, kSampling,
              "settings of the scheduler, e.g. eta=1"},
    OptionRow{"latents", "--latents", "FILE[:NAME]", Request, kRuns, kSampling,
              "start from the noise in a safetensors file"},
    OptionRow{"save_latents", "--save-latents", "FILE", Request, kGenerate, kSampling,
              "keep the last latents before decoding; {n} is the prompt's number"},

    OptionRow{"cache", "--cache,--cache-mode", "NAME", Request, kRuns, kReuse,
              "reuse policy, see `kinescope list policies` (none)"},
    OptionRow{"cache_options", "--cache-option,--cache-options", "K=V,...", Request, kRuns, kReuse,
              "settings of the policy, e.g. spatial_range=2,temporal_range=3"},
    OptionRow{
        "cache_quality", "--cache-quality", "NAME", Request, kRuns, kReuse,
        "how much to reuse: lossless, high, balanced or fast, see `kinescope list qualities`; options come on top"},
    OptionRow{"cache_budget", "--cache-budget", "BYTES", Request, kRuns, kReuse,
              "most bytes that kept outputs may hold, suffixes K, M, G"},

    OptionRow{
        "ranks", "--ranks,--nproc,--sp-size,--sequence-parallel-size", "N", Request, kRuns, kRanks,
        "ranks that share one video, or part into groups: threads of this process, or its GPUs (as many as --devices "
        "names)"},
    OptionRow{
        "parallel", "--parallel,--parallel-mode", "NAME", Request, kRuns, kRanks,
        "how ranks share the tokens, see `kinescope list strategies` (auto: the fastest; plan also knows all); rings, "
        "usp and megatron agree with one rank to float32 noise, those that only move tokens to the bit"},
    OptionRow{"cluster", "--cluster", "NAME|FILE", Request, kRuns, kRanks,
              "whose rates auto and plan go by: a preset, see `kinescope list clusters`, or a .json file (cpu)"},
    OptionRow{"model_preset", "--preset,--model-preset", "NAME|FILE", Session, kPlan, kModel,
              "plan a published model without its files, see `kinescope list presets`"},
    OptionRow{"scaling", "--scaling", "[RANKS]", Session, kPlan, kRanks,
              "plan for 1, 2, 4, ... ranks too, and say where scaling ends (1024)"},
    OptionRow{"cfg_parallel", "--cfg-parallel,--use-cfg-parallel,--enable-cfg-parallel", "[auto]", Program, kRuns,
              kRanks, "give each guidance branch half of the ranks; auto: where that is faster"},
    OptionRow{"group_size", "--group-size,--ulysses-degree,--ulysses-size", "N", Request, kRuns, kRanks,
              "neighbours that switch heads (usp) or form an inner ring (double_ring), 0 for as many as fit"},
    OptionRow{"request_parallel", "--request-parallel", "R", Session, kGenerate | kPlan, kRanks,
              "part the ranks into R groups, each of which makes every R-th prompt (1)"},
    OptionRow{"rank_timeout", "--rank-timeout", "SECONDS", Request, kRuns, kRanks,
              "a rank that stays silent for so long fails the run, 0 for never (300)"},

    OptionRow{"vae_tiling", "--vae-tiling,--enable-tiling", "", Program, kRuns, kDecoding,
              "decode in tiles (of 32 latent pixels if no size is given)"},
    OptionRow{"vae_tile", "--vae-tile-size,--vae-tile", "N", Request, kRuns, kDecoding,
              "side of a tile in latent pixels"},
    OptionRow{"vae_tile_overlap", "--vae-tile-overlap", "SHARE", Request, kRuns, kDecoding,
              "share of a tile that is blended with its neighbour"},
    OptionRow{"decode_chunk", "--decode-chunk", "N", Request, kRuns, kDecoding, "latent frames decoded at a time"},
    OptionRow{"decode_ranks", "--decode-ranks,--vae-ranks", "N", Request, kRuns, kDecoding,
              "ranks that decode, each some of the frames, tiles or rows (as many as the VAE has work for)"},

    OptionRow{"output", "-o,--output,--output-path,--save-file,--save-path", "FILE", Program, kGenerate | kBench,
              kOutput,
              "a video, DIR/%04d.png, or '-' for standard output; {n} is the prompt's number; may be repeated "
              "(kinescope.mp4, of several prompts kinescope-{n}.mp4)",
              true},
    OptionRow{"overwrite", "-y,--overwrite", "", Program, kGenerate | kCompare | kBench, kOutput,
              "replace existing files"},
    OptionRow{"video_codec", "--video-codec,--vcodec,-c", "NAME", Output, kGenerate, kOutput,
              "encoder, e.g. libx264, libx265, libvpx-vp9, h264_nvenc; auto: the GPU's where it has one for this size"},
    OptionRow{"crf", "--crf", "N", Output, kGenerate, kOutput, "constant rate factor of the encoder, lower is better"},
    OptionRow{"preset", "--preset", "NAME", Output, kGenerate, kOutput, "encoder preset, e.g. veryfast"},
    OptionRow{"pixel_format", "--pixel-format,--pix-fmt", "NAME", Output, kGenerate, kOutput, "yuv420p, yuv444p, ..."},
    OptionRow{"container", "--container,--format", "NAME", Output, kGenerate, kOutput,
              "container, by file ending if not given"},
    OptionRow{"encoder_threads", "--encoder-threads", "N", Output, kGenerate, kOutput, "threads of the encoder"},
    OptionRow{"no_metadata", "--no-metadata,--disable-metadata", "", Program, kGenerate, kOutput,
              "do not write prompt and settings into the video"},
    OptionRow{"sheet", "--sheet", "PNG", Program, kCompare, kOutput, "write a contact sheet of both videos"},

    OptionRow{"runs", "--runs", "N", Program, kBench, kWhat, "measured runs (5)"},
    OptionRow{"warmup", "--warmup", "N", Program, kBench, kWhat, "runs before those (1)"},
    OptionRow{"calibrate", "--calibrate", "", Program, kBench, kWhat,
              "measure this machine as a cluster, for --cluster; -o FILE.json keeps it"},
    OptionRow{"compare_cache", "--compare-cache", "A,B,...", Program, kBench, kReuse,
              "measure these policies in turn and compare them with the first"},

    OptionRow{"json", "--json", "", Program, kReports, kTalk, "print JSON"},
    OptionRow{"trace", "--trace", "FILE", Session, kGenerate | kBench, kTalk,
              "write a Chrome trace of all ranks (open it with Perfetto)"},
    OptionRow{"progress", "--progress", "MODE", Program, kGenerate | kBench, kTalk, "auto, bar, plain, json or none"},
    OptionRow{"quiet", "-q,--quiet", "", Program, kSessions | kCompare, kTalk, "say nothing but warnings and errors"},
    OptionRow{"verbose", "-v,--verbose", "", Program, kSessions | kCompare, kTalk, "say more, e.g. what each rank did"},
    OptionRow{"config", "--config", "FILE", Program, kRuns, kTalk,
              "JSON object of option names; flags on the command line win"},
    OptionRow{"print_config", "--print-config", "", Program, kRuns, kTalk,
              "print the options given, as a configuration file, and stop"},
};

std::string with_dashes(std::string_view text) {
    std::string result(text);
    std::replace(result.begin(), result.end(), '_', '-');
    return result;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    for (size_t begin = 0; begin <= text.size();) {
        const size_t comma = std::min(text.find(',', begin), text.size());
        parts.emplace_back(text.substr(begin, comma - begin));
        begin = comma + 1;
    }
    return parts;
}

}  // namespace

std::span<const OptionRow> option_rows() { return kRows; }

const OptionRow* find_row(std::string_view spelling, unsigned command) {
    const std::string wanted = with_dashes(spelling);
    for (const OptionRow& row : kRows) {
        if ((row.commands & command) == 0) continue;
        if (with_dashes(row.key) == wanted) return &row;
        for (const std::string& name : split(row.spellings)) {
            if (name == "--" + wanted) return &row;
        }
    }
    return nullptr;
}

std::vector<std::string> spellings_of(const OptionRow& row) {
    std::vector<std::string> names = split(row.spellings);
    const size_t count = names.size();
    for (size_t i = 0; i < count; ++i) {
        std::string other = names[i];
        std::replace(other.begin() + 2, other.end(), '-', '_');
        if (other != names[i]) names.push_back(std::move(other));
    }
    return names;
}

}  // namespace kinescope::cli
