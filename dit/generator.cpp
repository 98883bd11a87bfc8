#include "dit/generator.h"

#include "dit/agreement.h"
#include "dit/denoiser.h"
#include "dit/frame_feed.h"
#include "dit/loaded_model.h"
#include "dit/rank_plan.h"
#include "dit/rank_reports.h"
#include "dit/ranks.h"
#include "kernels/elementwise/elementwise.h"
#include "parallel/timeline.h"
#include "runtime/tensor/transfer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

namespace kine::dit {

namespace {

class Stopwatch {
  public:
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

  private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Whom a run is for.
struct Host {
    Observer& observer;
    std::stop_token stop;
    parallel::Processes* processes;
    Estimate estimate;  ///< says which weights are where
    bool is_alone;      ///< no other run was promised the memory that this one leaves
};

using Replicas = std::vector<std::unique_ptr<LoadedModel>>;

/// What ranks on other devices take of it, in the memory of theirs.
Conditioning moved(const Context& context, Conditioning conditioning) {
    for (Tensor* tensor : {&conditioning.states, &conditioning.mask, &conditioning.first_latents})
        *tensor = to_device(context, *tensor);
    return conditioning;
}

void tell_of_graphs(const GraphTally& graphs, Observer& observer) {
    if (graphs.launched > 0)
        observer.on_log(LogLevel::Info,
                        fmt::format("CUDA graphs: {} recorded, {} launched", graphs.recorded, graphs.launched));
    if (!graphs.off_because.empty())
        observer.on_log(LogLevel::Warning, fmt::format("CUDA graphs were given up: {}", graphs.off_because));
}

/// One run of one request, told as it happens.
class Run {
  public:
    Run(Context& context, const Replicas& replicas, const Request& request, Host host)
        : context_(context),
          replicas_(replicas),
          model_(replicas.front()->model()),
          request_(request),
          observer_(host.observer),
          stop_(std::move(host.stop)),
          processes_(host.processes),
          estimate_(host.estimate),
          is_alone_(host.is_alone),
          plan_(make_run_plan(model_, request, *make_run_sampler(model_, request))) {}

    RunReport operator()(FrameQueue& frames) {
        try {
            return run(frames);
        } catch (const Error& error) {
            if (error.code() == ErrorCode::NotFinite && model_.dtype == DType::Float16)
                observer_.on_log(LogLevel::Warning, "f16 ends at 65504, where bf16 and f32 do not");
            throw;
        }
    }

  private:
    RunReport run(FrameQueue& frames) {
        for (size_t i = 0; i < context_.devices(); ++i) context_.on_device(i).allocator.reset_peak();
        const Conditioning conditioning = encode();
        const Tensor latents = denoise(conditioning);
        decode(model_.to_decode(context_, request_, conditioning, latents), frames);
        for (size_t i = 0; i < context_.devices(); ++i)
            report_.peak_bytes = std::max(report_.peak_bytes, context_.on_device(i).allocator.peak_bytes());
        return report_;
    }

    /// On the devices of these ranks: a memory's ranks share their weights.
    void enter(Stage stage, int64_t ranks) {
        const size_t devices = std::min(static_cast<size_t>(ranks), replicas_.size());
        for (size_t i = 0; i < devices; ++i) replicas_[i]->enter(context_.on_device(i), stage, hold_of(stage));
    }
    LoadedModel::Hold hold_of(Stage stage) const { return {estimate_.is_staged, estimate_.of(stage).resident_share()}; }

    LoadedModel& replica_of(const parallel::Communicator& communicator) const {
        return *replicas_[is_spread() ? static_cast<size_t>(communicator.rank()) : 0];
    }
    bool is_spread() const { return replicas_.size() > 1; }

    RankHost host(int64_t ranks) {
        return {.ranks = static_cast<int>(ranks), .processes = processes_, .on_stuck = [this](const Error& failure) {
                    observer_.on_stuck(failure);
                }};
    }

    Conditioning encode() {
        const Stopwatch watch;
        const ProfileZone zone(context_.profiler, "encode");
        enter(Stage::Encode, 1);
        observer_.on_progress(Stage::Encode, 0, 1);
        Conditioning conditioning = make_conditioning(context_, model_, request_, *make_run_noise(model_, request_));
        check(kernels::all_finite(context_, conditioning.states), ErrorCode::NotFinite,
              "encode: the text states are not finite");
        if (conditioning.prompt.tokens.truncated) {
            observer_.on_log(LogLevel::Warning, fmt::format("the prompt is longer than {} tokens, the rest is ignored",
                                                            conditioning.prompt.tokens.length));
        }
        observer_.on_progress(Stage::Encode, 1, 1);
        report_.encode_seconds = watch.seconds();
        return conditioning;
    }

    Tensor denoise(const Conditioning& conditioning) {
        const Stopwatch watch;
        enter(model_.stage_at(make_run_sampler(model_, request_)->timesteps().front()), request_.ranks);
        report_.ranks.resize(static_cast<size_t>(request_.ranks));
        for (const auto& replica : replicas_) replica->finish_passes();
        Tensor latents;
        const auto body = [&](const Context& context, parallel::Communicator& communicator) {
            const Tensor last = denoise_on({context, communicator}, moved(context, conditioning));
            if (processes_ || communicator.rank() == 0) latents = last;
        };
        on_ranks(context_, host(request_.ranks), body);
        report_.denoise_seconds = watch.seconds();
        return latents;
    }

    struct RankPlace {
        const Context& context;
        parallel::Communicator& communicator;
    };

    /// Sampler and noise are every rank's own, since whole latents are small: only tokens travel. Rank 0 tells.
    Tensor denoise_on(const RankPlace& place, const Conditioning& conditioning) {
        const auto& [context, communicator] = place;
        const bool tells = communicator.rank() == 0;
        const Model& model = replica_of(communicator).model();
        const std::unique_ptr<Sampler> sampler = make_run_sampler(model, request_);
        const std::unique_ptr<Noise> noise = make_run_noise(model, request_);
        for (const Shape& shape : conditioning.drawn) noise->normal(context, shape);
        communicator.set_timeout(request_.rank_timeout);
        if (processes_) {
            const OpenOptions& opened = replicas_.front()->options();
            check_agreement(context, communicator, request_, {model.hash, opened.dtype, opened.quantization});
        }
        Tensor latents = initial_latents(context, *noise, *sampler);
        parallel::Mesh mesh(context, communicator, mesh_shape(model, request_));
        const Subject subject = {.conditioning = conditioning,
                                 .timesteps = sampler->timesteps(),
                                 .plan = plan_,
                                 .latents = latents.shape(),
                                 .cache_host_share = estimate_.cache_host_share(),
                                 .may_use_graphs = is_alone_};
        Denoiser denoiser(context, model, request_, subject, mesh);
        std::vector<StepTime> times;
        Stage stage = model.stage_at(sampler->timesteps().front());
        for (int step = 0; step < request_.steps; ++step) {
            if (tells) observer_.on_progress(Stage::Denoise, step, request_.steps);
            communicator.set_place(fmt::format("step {}", step));
            const double timestep = sampler->timesteps()[static_cast<size_t>(step)];
            if (const Stage needed = model.stage_at(timestep); needed != stage) {
                change_expert(place, needed, denoiser);
                stage = needed;
            }
            const ProfileZone zone(context.profiler, "step");
            const Stopwatch watch;
            const double waited = mesh.traffic().seconds;
            const Tensor seen = sampler->model_input(context, step, latents);
            const Tensor prediction = denoiser.predict(step, seen, stop_);
            const Tensor guided = model.guide(context, prediction, request_, timestep);
            latents = sampler->step(context, step, guided, latents, *noise);
            check(kernels::all_finite(context, latents), ErrorCode::NotFinite,
                  "step {}: latents are not finite after the sampler", step);
            if (tells) observer_.on_latents(step, to_host(context, latents));
            times.push_back({watch.seconds(), mesh.traffic().seconds - waited});
        }
        if (tells) observer_.on_progress(Stage::Denoise, request_.steps, request_.steps);
        if (tells) tell_of_graphs(denoiser.graphs(), observer_);
        report_.ranks[static_cast<size_t>(communicator.rank())] = {
            mesh.traffic(), denoiser.cache_peak_bytes(), {}, std::move(times)};
        return latents;
    }

    /// One rank of a memory exchanges the weights while its others wait.
    void change_expert(const RankPlace& place, Stage stage, Denoiser& denoiser) {
        denoiser.forget_weights();
        place.communicator.barrier();
        if (processes_ || is_spread() || place.communicator.rank() == 0)
            replica_of(place.communicator).enter(is_spread() ? place.context : context_, stage, hold_of(stage));
        place.communicator.barrier();
    }

    void tell_rank_0(const Context& context, parallel::Communicator& communicator) {
        gather_reports(context, communicator, report_.ranks);
        parallel::gather_zones(context, communicator);
    }

    Tensor initial_latents(const Context& context, Noise& noise, const Sampler& sampler) const {
        const Tensor start = request_.latents ? to_device(context, request_.latents)
                                              : noise.normal(context, model_.latent_shape(request_));
        check(kernels::all_finite(context, start), ErrorCode::NotFinite, "initial latents are not finite");
        return kernels::scale(context, start, static_cast<float>(sampler.initial_scale()));
    }

    /// Threads that have nothing to decode leave theirs to those that have; processes stay to see that all are well.
    void decode(const Tensor& latents, FrameQueue& frames) {
        const Stopwatch watch;
        enter(Stage::Decode, request_.decode_ranks);
        FrameFeed feed(frames, request_.num_frames,
                       [&](int64_t done) { observer_.on_progress(Stage::Decode, done, request_.num_frames); });
        observer_.on_progress(Stage::Decode, 0, request_.num_frames);
        const auto body = [&](const Context& context, parallel::Communicator& communicator) {
            const ProfileZone zone(context.profiler, "decode");
            RankReport& own = report_.ranks[static_cast<size_t>(communicator.rank())];
            const DecodeWork work{.decoder = *replica_of(communicator).model().decoder,
                                  .latents = to_device(context, latents),
                                  .options = decode_options(request_),
                                  .makers = request_.decode_ranks,
                                  .rank_timeout = request_.rank_timeout,
                                  .stop = stop_};
            own.decode = decode_on(context, communicator, work, feed);
            if (processes_) tell_rank_0(context, communicator);
        };
        on_ranks(context_, host(request_.decode_ranks), body);
        for (const RankReport& rank : report_.ranks) report_.cache_peak_bytes += rank.cache_peak_bytes;
        report_.decode_seconds = watch.seconds();
    }

    Context& context_;
    const Replicas& replicas_;
    const Model& model_;  // of the first
    const Request& request_;
    Observer& observer_;
    std::stop_token stop_;
    parallel::Processes* processes_;
    const Estimate estimate_;
    const bool is_alone_;
    broadcast::Plan plan_;
    RunReport report_;
};

void warn_of_words(const KnownWords& known, std::string_view text, std::string_view whose, Observer& observer) {
    const std::vector<std::string> unknown = unknown_words(known, text);
    if (unknown.empty()) return;
    observer.on_log(LogLevel::Warning, fmt::format("the model was not trained with the words {}{}; it knows {}",
                                                   fmt::join(unknown, ", "), whose, to_text(known)));
}

void warn_of_words(const KnownWords& known, const Request& request, Observer& observer) {
    warn_of_words(known, request.prompt, "", observer);
    warn_of_words(known, request.negative_prompt, " of the negative prompt", observer);
}

/// A text encoder's file often has a decoder that nobody asks for; a transformer's has what makes it another model.
void warn_of_unused(const Model& model, Observer& observer) {
    const auto is_of_transformer = [](const std::string& name) { return name.starts_with("transformer"); };
    const auto count = std::ranges::count_if(model.unused_weights, is_of_transformer);
    if (count == 0) return;
    observer.on_log(LogLevel::Warning,
                    fmt::format("{} tensors of the transformer belong to no model that we know, the first is {}; what "
                                "they add is left out",
                                count, *std::ranges::find_if(model.unused_weights, is_of_transformer)));
}

void warn_of_negative_prompt(const Model& model, const Request& request, Observer& observer) {
    if (model.has_negative_prompt || request.negative_prompt.empty()) return;
    observer.on_log(LogLevel::Warning,
                    fmt::format("{} models are guided away from a text that they learned, not from a negative prompt; "
                                "what was given is ignored",
                                model.family));
}

void tell_of_offload(const Estimate& estimate, Observer& observer) {
    for (const Stage stage : kStages) {
        const StageEstimate& part = estimate.of(stage);
        if (part.offloaded_bytes == 0) continue;
        observer.on_log(LogLevel::Info, fmt::format("{}: {} of {} bytes of weights wait in host memory and come to the "
                                                    "GPU layer by layer",
                                                    name_of(stage), part.offloaded_bytes, part.weight_bytes));
    }
    if (estimate.cache_offloaded_bytes == 0) return;
    observer.on_log(LogLevel::Info, fmt::format("{} of {} bytes of kept outputs wait in host memory",
                                                estimate.cache_offloaded_bytes, estimate.cache_bytes));
}

/// What a user raises.
std::string_view budget_option(const Context& context) {
    return context.device.kind == DeviceKind::Cpu ? "--max-ram" : "--max-vram";
}

/// A few numbers from configurations are all that this takes: whether weights fit is said by the one who knows how
/// many.
std::unique_ptr<LoadedModel> open_shapes(const Context& context, ModelSource source, const OpenOptions& options) {
    const int64_t budget = context.allocator.budget();
    context.allocator.set_budget(0);
    try {
        auto loaded = std::make_unique<LoadedModel>(context, std::move(source), options);
        context.allocator.set_budget(budget);
        return loaded;
    } catch (...) {
        context.allocator.set_budget(budget);
        throw;
    }
}

/// How the least that weights need comes about.
std::string_view how_little(Residency residency, Device device) {
    if (residency == Residency::All) return "";
    const bool may_wait = residency != Residency::Stage && device.kind != DeviceKind::Cpu;
    return may_wait ? ", a stage at a time and its layers waiting in host memory" : ", a stage at a time";
}

std::unique_ptr<LoadedModel> open_on(const Context& context, const ModelSource& source, const OpenOptions& options) {
    std::unique_ptr<LoadedModel> loaded = open_shapes(context, source, options);
    const StageWeights& weights = loaded->model().weights;
    const int64_t budget = context.allocator.budget();
    const Residency residency = options.residency;
    const bool all = residency == Residency::All;
    check(residency != Residency::Layer || context.device.kind != DeviceKind::Cpu, ErrorCode::Usage,
          "residency layer: the weights of {} are in host memory anyhow, expected auto, all or stage",
          to_string(context.device));
    const int64_t staged = residency == Residency::Stage ? weights.largest() : weights.largest_without_layers();
    const int64_t least = all ? weights.total() : staged;
    check(budget == 0 || least <= budget || options.is_plan, ErrorCode::DoesNotFit,
          "{}: weights need {} bytes in {}{}, the budget is {} (raise {})", loaded->source().label, least,
          name_of(options.dtype), how_little(residency, context.device), budget, budget_option(context));
    const bool fits = budget == 0 || weights.total() <= budget;
    if (!options.is_plan && (all || residency == Residency::Auto) && fits) loaded->load_all(context);
    return loaded;
}

}  // namespace

std::unique_ptr<Generator> Generator::open(Context& context, const std::filesystem::path& directory, DType dtype) {
    return open(context, diffusers_source(directory), {.dtype = dtype});
}

/// Weights that fit are read now, so that whatever is wrong with them is known before a run.
std::unique_ptr<Generator> Generator::open(Context& context, ModelSource source, const OpenOptions& options) {
    Replicas replicas;
    for (size_t i = 0; i < context.devices(); ++i) replicas.push_back(open_on(context.on_device(i), source, options));
    auto generator = std::unique_ptr<Generator>(new Generator(std::move(replicas)));
    const std::filesystem::path& root = generator->source().root;
    if (!root.empty()) generator->words_ = read_known_words(root);
    return generator;
}

Generator::Generator(std::vector<std::unique_ptr<LoadedModel>> replicas) : replicas_(std::move(replicas)) {}
Generator::~Generator() = default;

const ModelSource& Generator::source() const { return replicas_.front()->source(); }
const Model& Generator::model() const { return replicas_.front()->model(); }
const OpenOptions& Generator::opened() const { return replicas_.front()->options(); }
std::string_view Generator::family() const { return model().family; }
const std::string& Generator::model_hash() const { return model().hash; }

Request Generator::resolve(const Request& asked) const {
    const Residency residency = opened().residency;
    const bool takes_turns = residency == Residency::Stage || residency == Residency::Layer;
    check(runs_at_once_ == 1 || !takes_turns, ErrorCode::Usage,
          "residency stage or layer: weights cannot take turns under {} runs at once, expected auto or all",
          runs_at_once_);
    Request request = asked;
    if (processes_) {
        const int64_t ranks = processes_->group_size();
        check(request.ranks == 1 || request.ranks == ranks, ErrorCode::Usage,
              "ranks {}: the launcher started {} processes, each of which is one", request.ranks, ranks);
        request.ranks = ranks;
    }
    return resolve_request(model(), request);
}

FrameSize Generator::frame_size(const Request& request) const {
    const Shape latents = model().latent_shape(resolve(request));
    const int64_t factor = model().decoder->spatial_factor();
    return {latents[3] * factor, latents[2] * factor};
}

broadcast::Plan Generator::plan(const Request& asked) const {
    const Request request = resolve(asked);
    return make_run_plan(model(), request, *make_run_sampler(model(), request));
}

Pieces Generator::decode_pieces(const Request& request) const {
    return model().decoder->pieces(model().latent_shape(request), decode_options(request));
}

parallel::Work Generator::rank_work(const Request& asked) const {
    const Request request = resolve(asked);
    return dit::rank_work(model(), request, plan(request));
}

Estimate Generator::estimate(const Context& context, const Request& asked) const {
    const Request request = resolve(asked);
    const MemoryUse use = {context.threads.size(), opened().quantization,
                           context.devices() > 1 || processes_ != nullptr, context.device.kind != DeviceKind::Cpu};
    Estimate estimate = estimate_run(model(), request, plan(request), use);
    place_weights(estimate, opened().residency, least_budget(context), runs_at_once_);
    return estimate;
}

void Generator::check_fits(const Context& context, const Request& request) const {
    const int64_t budget = least_budget(context);
    const Estimate need = estimate(context, request);
    check_host_fits(context, need);
    check(
        budget == 0 || need.peak_bytes <= budget, ErrorCode::DoesNotFit,
        "the run needs about {} bytes{} (weights {}{}, activations {}, cache {}, decoding {}), the budget is {}; lower "
        "the size, --cache-budget or --vae-tile-size, or raise {}",
        need.peak_bytes, runs_at_once_ == 1 ? "" : fmt::format(" with {} at once", runs_at_once_), need.weight_bytes,
        need.is_staged ? ", a stage's at a time" : "", need.activation_bytes, need.cache_bytes, need.decode_bytes,
        budget, budget_option(context));
}

/// What waits is not on the device, but somewhere it is.
void Generator::check_host_fits(const Context& context, const Estimate& need) const {
    const int64_t budget = context.host().allocator.budget();
    const auto devices = static_cast<int64_t>(context.devices());
    const int64_t waiting = devices * (need.offloaded_bytes() + need.cache_offloaded_bytes);
    check(context.device.kind == DeviceKind::Cpu || budget == 0 || waiting <= budget, ErrorCode::DoesNotFit,
          "{} bytes of weights and kept outputs would wait in host memory, whose budget is {}; raise --max-ram, or "
          "--max-vram so that less has to wait",
          waiting, budget);
}

RunReport Generator::generate(Context& context, const Request& asked, FrameQueue& frames, Observer& observer,
                              std::stop_token stop) {
    try {
        const Request request = resolve(asked);
        check(replicas_.size() == 1 || request.ranks == static_cast<int64_t>(replicas_.size()), ErrorCode::Usage,
              "ranks {}: the model is on {} devices, each of which is one", request.ranks, replicas_.size());
        check_fits(context, request);
        Observer nobody;
        Observer& told = !processes_ || processes_->group_rank() == 0 ? observer : nobody;
        warn_of_words(words_, request, told);
        warn_of_unused(model(), told);
        warn_of_negative_prompt(model(), request, told);
        const Estimate need = estimate(context, request);
        tell_of_offload(need, told);
        const Host host = {told, std::move(stop), processes_, need, runs_at_once_ == 1};
        const RunReport report = Run(context, replicas_, request, host)(frames);
        frames.close();
        return report;
    } catch (...) {
        frames.fail(std::current_exception());
        throw;
    }
}

}  // namespace kine::dit
