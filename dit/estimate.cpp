#include "dit/estimate.h"

#include "broadcast/host_shelf.h"
#include "dit/run.h"
#include "kernels/scratch.h"
#include "parallel/partition.h"
#include "parallel/strategies/strategies.h"

#include <algorithm>

namespace kine::dit {

namespace {

/// How much of all branches' tokens lies in one memory, where `branches` go through the transformer together. A rank
/// with a memory of its own holds its part, the first one the largest; ranks that are threads of one memory hold all of
/// them once, or once each where nothing is split.
double tokens_held(const Model& model, const Request& request, int64_t branches, bool is_spread) {
    const parallel::Split split = parallel::find_strategy(request.parallel).resident.split;
    if (!is_spread && split != parallel::Split::None) return 1;
    const parallel::MeshShape mesh = mesh_shape(model, request);
    const double apart = static_cast<double>(std::min<int64_t>(mesh.branches, branches));
    if (split == parallel::Split::None) return (is_spread ? 1 : static_cast<double>(request.ranks)) / apart;
    const Shape tokens = model.transformer->token_shape(model.latent_shape(request), branches);
    const int64_t all = tokens[parallel::axis_of(split)];
    const auto largest = static_cast<double>(parallel::partition(all, 0, mesh.sequence).size());
    return largest / static_cast<double>(all) / apart;
}

int64_t part_of(int64_t bytes, double share) { return static_cast<int64_t>(share * static_cast<double>(bytes)); }

/// Of all that decode in one memory, with the pieces that wait for rank 0 to put them together.
int64_t decode_bytes(const Model& model, const Request& request, bool is_spread) {
    const FrameDecoder& decoder = *model.decoder;
    const Shape latents = model.latent_shape(request);
    const DecodeOptions options = decode_options(request);
    const int64_t alone = decoder.working_bytes(latents[2], latents[3], options);
    if (request.decode_ranks == 1) return alone;
    const int64_t chunks = decoder.pieces(latents, options).chunks;
    const int64_t frames = (request.num_frames + chunks - 1) / chunks + 1;
    const int64_t pixels = latents[2] * latents[3] * decoder.spatial_factor() * decoder.spatial_factor();
    const int64_t waiting = request.decode_ranks * frames * pixels * 3 * size_of(DType::Float32);
    return (is_spread ? 1 : request.decode_ranks) * alone + waiting;
}

/// Of one pass through the transformer.
int64_t largest_kept(const broadcast::Plan& plan) {
    int64_t largest = 0;
    for (const broadcast::SiteCost& cost : plan.sites())
        if (plan.is_kept(cost.site)) largest = std::max(largest, cost.bytes);
    return largest;
}

/// Every rank of a memory may be at another layer.
LayerWeights layers_of(const Model& model, Stage stage, int64_t ranks) {
    LayerWeights layers = model.weights.of_layers(stage);
    const bool is_shared = stage == Stage::Denoise || stage == Stage::Refine;
    if (is_shared) layers.window_bytes += (ranks - 1) * layers.window_bytes / (WeightOffload::kAhead + 1);
    layers.window_bytes = std::min(layers.window_bytes, layers.bytes);
    return layers;
}

}  // namespace

Estimate estimate_run(const Model& model, const Request& request, const broadcast::Plan& plan, const MemoryUse& use) {
    const Shape latents = model.latent_shape(request);
    const int64_t latent_bytes = 4 * latents.elements() * size_of(DType::Float32);  // with prediction and sampler state
    const int64_t ranks = use.is_spread ? 1 : request.ranks;
    const int64_t together = branches_of_pass(model, request), all = model.is_guided(request) ? 2 : 1;
    const TransformerCost cost = model.transformer->cost(latents, together);
    Estimate estimate;
    estimate.weight_bytes = model.weights.total();
    estimate.activation_bytes =
        part_of(cost.activation_bytes, tokens_held(model, request, together, use.is_spread)) + ranks * latent_bytes;
    estimate.cache_bytes = part_of(plan.peak_bytes(), tokens_held(model, request, all, use.is_spread));
    estimate.decode_bytes = decode_bytes(model, request, use.is_spread);
    if (use.is_on_gpu)
        estimate.cache_window_bytes = part_of(broadcast::HostShelf::kWindow * largest_kept(plan),
                                              tokens_held(model, request, all, use.is_spread));
    const int64_t of_rows =
        use.quantization != Quantization::Int8 ? 0 : ranks * kernels::quantized_rows_bytes(use.threads);
    const bool is_fp8 = use.quantization == Quantization::Fp8;
    const int64_t of_product =
        use.is_on_gpu ? kernels::kDeviceProductBytes + (is_fp8 ? kernels::kDeviceQuantizedBytes : 0) : 0;
    const int64_t of_windows = use.is_on_gpu ? of_product + kernels::kDeviceWindowBytes : 0;
    const int64_t of_step = kernels::with_attention_scratch(estimate.activation_bytes, use.threads) + of_rows +
                            ranks * of_product + estimate.cache_bytes;
    const int64_t of_text = kernels::with_attention_scratch(model.text->working_bytes(), use.threads) + of_product;
    const int64_t makers = use.is_spread ? 1 : request.decode_ranks;
    const int64_t working[] = {of_text, of_step, model.weights[Stage::Refine] > 0 ? of_step : 0,
                               estimate.decode_bytes + latent_bytes + makers * of_windows};
    for (size_t i = 0; i < kStages.size(); ++i)
        estimate.stages[i] = {model.weights[kStages[i]], working[i], layers_of(model, kStages[i], ranks)};
    return estimate;
}

int64_t least_budget(const Context& context) {
    int64_t least = 0;
    for (size_t i = 0; i < context.devices(); ++i) {
        const int64_t budget = context.on_device(i).allocator.budget();
        if (budget > 0 && (least == 0 || budget < least)) least = budget;
    }
    return least;
}

namespace {

int64_t peak_of(const Estimate& estimate, int64_t runs) {
    int64_t peak = 0;
    for (const StageEstimate& stage : estimate.stages) {
        const int64_t weights = estimate.is_staged ? stage.resident_bytes() : estimate.weight_bytes;
        peak = std::max(peak, weights + runs * stage.working_bytes);
    }
    return peak;
}

/// As many layers wait as the budget asks for.
void offload_layers(StageEstimate& stage, int64_t budget) {
    const int64_t over = stage.weight_bytes + stage.working_bytes - budget;
    if (over > 0) stage.offloaded_bytes = std::min(stage.layers.bytes, over + stage.layers.window_bytes);
}

/// And as many of the kept outputs, which the steps of both experts hold.
void offload_cache(Estimate& estimate, int64_t budget) {
    if (estimate.cache_window_bytes == 0 || estimate.cache_bytes <= estimate.cache_window_bytes) return;
    int64_t over = 0;
    for (const Stage stage : {Stage::Denoise, Stage::Refine}) {
        const StageEstimate& part = estimate.of(stage);
        over = std::max(over, part.resident_bytes() + part.working_bytes - budget);
    }
    if (over == 0) return;
    estimate.cache_offloaded_bytes = std::min(estimate.cache_bytes, over + estimate.cache_window_bytes);
    for (const Stage stage : {Stage::Denoise, Stage::Refine}) {
        int64_t& working = estimate.stages[static_cast<size_t>(stage)].working_bytes;
        if (working > 0) working -= estimate.cache_offloaded_bytes - estimate.cache_window_bytes;
    }
}

}  // namespace

int64_t Estimate::offloaded_bytes() const {
    int64_t most = 0;
    for (const StageEstimate& stage : stages) most = std::max(most, stage.offloaded_bytes);
    return most;
}

void place_weights(Estimate& estimate, Residency residency, int64_t budget, int64_t runs) {
    estimate.is_staged = false;
    const bool is_over = runs == 1 && budget > 0 && peak_of(estimate, 1) > budget;
    const bool may_choose = residency == Residency::Auto;
    estimate.is_staged = may_choose ? is_over : residency != Residency::All;
    for (StageEstimate& stage : estimate.stages) {
        if (residency == Residency::Layer) stage.offloaded_bytes = stage.layers.bytes;
        if (may_choose && is_over) offload_layers(stage, budget);
    }
    if (is_over && (may_choose || residency == Residency::Layer)) offload_cache(estimate, budget);
    estimate.peak_bytes = peak_of(estimate, runs);
}

}  // namespace kine::dit
