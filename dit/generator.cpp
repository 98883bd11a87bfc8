#include "dit/generator.h"

#include "dit/agreement.h"
#include "dit/families/families.h"
#include "dit/frame_feed.h"
#include "dit/rank_plan.h"
#include "dit/rank_reports.h"
#include "dit/ranks.h"
#include "dit/run.h"
#include "kernels/elementwise/elementwise.h"
#include "parallel/timeline.h"

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
};

/// One run of one request, told as it happens.
class Run {
  public:
    Run(Context& context, const Model& model, const Request& request, Host host)
        : context_(context),
          model_(model),
          request_(request),
          observer_(host.observer),
          stop_(std::move(host.stop)),
          processes_(host.processes),
          plan_(make_run_plan(model, request, *make_run_sampler(model, request))) {}

    RunReport operator()(FrameQueue& frames) {
        context_.allocator.reset_peak();
        const Conditioning conditioning = encode();
        const Tensor latents = denoise(conditioning);
        decode(model_.to_decode(context_, request_, conditioning, latents), frames);
        report_.peak_bytes = context_.allocator.peak_bytes();
        return report_;
    }

  private:
    RankHost host(int64_t ranks) {
        return {.ranks = static_cast<int>(ranks), .processes = processes_, .on_stuck = [this](const Error& failure) {
                    observer_.on_stuck(failure);
                }};
    }

    Conditioning encode() {
        const Stopwatch watch;
        const ProfileZone zone(context_.profiler, "encode");
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
        report_.ranks.resize(static_cast<size_t>(request_.ranks));
        Tensor latents;
        const auto body = [&](const Context& context, parallel::Communicator& communicator) {
            const Tensor last = denoise_on({context, communicator}, conditioning);
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
        const std::unique_ptr<Sampler> sampler = make_run_sampler(model_, request_);
        const std::unique_ptr<Noise> noise = make_run_noise(model_, request_);
        for (const Shape& shape : conditioning.drawn) noise->normal(context, shape);
        communicator.set_timeout(request_.rank_timeout);
        if (processes_) check_agreement(context, communicator, request_, model_.hash);
        Tensor latents = initial_latents(context, *noise, *sampler);
        parallel::Mesh mesh(context, communicator, mesh_shape(model_, request_));
        const Denoiser denoiser(context, model_, request_, {conditioning, sampler->timesteps(), latents.shape()}, mesh);
        broadcast::Cache cache(plan_);
        std::vector<StepTime> times;
        for (int step = 0; step < request_.steps; ++step) {
            if (tells) observer_.on_progress(Stage::Denoise, step, request_.steps);
            communicator.set_place(fmt::format("step {}", step));
            const ProfileZone zone(context.profiler, "step");
            const Stopwatch watch;
            const double waited = mesh.traffic().seconds;
            const Tensor seen = sampler->model_input(context, step, latents);
            const Tensor prediction = denoiser.predict(cache, step, seen, stop_);
            const double timestep = sampler->timesteps()[static_cast<size_t>(step)];
            const Tensor guided = model_.guide(context, prediction, request_, timestep);
            latents = sampler->step(context, step, guided, latents, *noise);
            check(kernels::all_finite(context, latents), ErrorCode::NotFinite,
                  "step {}: latents are not finite after the sampler", step);
            if (tells) observer_.on_latents(step, latents);
            times.push_back({watch.seconds(), mesh.traffic().seconds - waited});
        }
        if (tells) observer_.on_progress(Stage::Denoise, request_.steps, request_.steps);
        report_.ranks[static_cast<size_t>(communicator.rank())] = {
            mesh.traffic(), cache.peak_bytes(), {}, std::move(times)};
        return latents;
    }

    void tell_rank_0(const Context& context, parallel::Communicator& communicator) {
        gather_reports(context, communicator, report_.ranks);
        parallel::gather_zones(context, communicator);
    }

    Tensor initial_latents(const Context& context, Noise& noise, const Sampler& sampler) const {
        const Tensor start = request_.latents ? request_.latents : noise.normal(context, model_.latent_shape(request_));
        check(kernels::all_finite(context, start), ErrorCode::NotFinite, "initial latents are not finite");
        return kernels::scale(context, start, static_cast<float>(sampler.initial_scale()));
    }

    /// Threads that have nothing to decode leave theirs to those that have; processes stay to see that all are well.
    void decode(const Tensor& latents, FrameQueue& frames) {
        const Stopwatch watch;
        const DecodeWork work{.decoder = *model_.decoder,
                              .latents = latents,
                              .options = decode_options(request_),
                              .makers = request_.decode_ranks,
                              .rank_timeout = request_.rank_timeout,
                              .stop = stop_};
        FrameFeed feed(frames, request_.num_frames,
                       [&](int64_t done) { observer_.on_progress(Stage::Decode, done, request_.num_frames); });
        observer_.on_progress(Stage::Decode, 0, request_.num_frames);
        const auto body = [&](const Context& context, parallel::Communicator& communicator) {
            const ProfileZone zone(context.profiler, "decode");
            RankReport& own = report_.ranks[static_cast<size_t>(communicator.rank())];
            own.decode = decode_on(context, communicator, work, feed);
            if (processes_) tell_rank_0(context, communicator);
        };
        on_ranks(context_, host(request_.decode_ranks), body);
        for (const RankReport& rank : report_.ranks) report_.cache_peak_bytes += rank.cache_peak_bytes;
        report_.decode_seconds = watch.seconds();
    }

    Context& context_;
    const Model& model_;
    const Request& request_;
    Observer& observer_;
    std::stop_token stop_;
    parallel::Processes* processes_;
    broadcast::Plan plan_;
    RunReport report_;
};

/// Ranks are threads of one memory: together they hold the tokens once, or once each where nothing is split.
int64_t copies_held(const Request& request) {
    const parallel::Strategy& strategy = parallel::find_strategy(request.parallel);
    return strategy.resident.split == parallel::Split::None ? request.ranks : 1;
}

void warn_of_words(const KnownWords& known, const Request& request, Observer& observer) {
    const std::vector<std::string> unknown = unknown_words(known, request.prompt);
    if (unknown.empty()) return;
    observer.on_log(LogLevel::Warning, fmt::format("the model was not trained with the words {}; it knows {}",
                                                   fmt::join(unknown, ", "), to_text(known)));
}

/// Of all that decode in one memory, with the pieces that wait for rank 0 to put them together.
int64_t decode_bytes(const FrameDecoder& decoder, const Shape& latents, const Request& request) {
    const DecodeOptions options = decode_options(request);
    const int64_t alone = decoder.working_bytes(latents[2], latents[3], options);
    if (request.decode_ranks == 1) return alone;
    const int64_t chunks = decoder.pieces(latents, options).chunks;
    const int64_t frames = (request.num_frames + chunks - 1) / chunks + 1;
    const int64_t pixels = latents[2] * latents[3] * decoder.spatial_factor() * decoder.spatial_factor();
    return request.decode_ranks * (alone + frames * pixels * 3 * size_of(DType::Float32));
}

}  // namespace

std::string_view name_of(Stage stage) {
    if (stage == Stage::Encode) return "encode";
    return stage == Stage::Denoise ? "denoise" : "decode";
}

Generator::Generator(std::unique_ptr<Model> model) : model_(std::move(model)) {}
Generator::~Generator() = default;

std::unique_ptr<Generator> Generator::open(Context& context, const std::filesystem::path& directory, DType dtype) {
    auto generator = std::unique_ptr<Generator>(new Generator(load_model(context, directory, dtype)));
    generator->words_ = read_known_words(directory);
    return generator;
}

std::string_view Generator::family() const { return model_->family; }
const std::string& Generator::model_hash() const { return model_->hash; }

Request Generator::resolve(const Request& asked) const {
    Request request = asked;
    if (processes_) {
        const int64_t ranks = processes_->size();
        check(request.ranks == 1 || request.ranks == ranks, ErrorCode::Usage,
              "ranks {}: the launcher started {} processes, each of which is one", request.ranks, ranks);
        request.ranks = ranks;
    }
    return resolve_request(*model_, request);
}

FrameSize Generator::frame_size(const Request& request) const {
    const Shape latents = model_->latent_shape(resolve(request));
    const int64_t factor = model_->decoder->spatial_factor();
    return {latents[3] * factor, latents[2] * factor};
}

broadcast::Plan Generator::plan(const Request& asked) const {
    const Request request = resolve(asked);
    return make_run_plan(*model_, request, *make_run_sampler(*model_, request));
}

Pieces Generator::decode_pieces(const Request& request) const {
    return model_->decoder->pieces(model_->latent_shape(request), decode_options(request));
}

parallel::Work Generator::rank_work(const Request& asked) const {
    const Request request = resolve(asked);
    return dit::rank_work(*model_, request, plan(request));
}

Estimate Generator::estimate(const Request& asked) const {
    const Request request = resolve(asked);
    const Shape latents = model_->latent_shape(request);
    const int64_t latent_bytes = 4 * latents.elements() * size_of(DType::Float32);  // with prediction and sampler state
    Estimate estimate;
    estimate.weight_bytes = model_->weight_bytes;
    const int64_t copies = copies_held(request);
    estimate.activation_bytes =
        copies * model_->transformer->cost(latents, model_->is_guided(request) ? 2 : 1).activation_bytes +
        request.ranks * latent_bytes;
    estimate.cache_bytes = copies * plan(request).peak_bytes();
    estimate.decode_bytes = decode_bytes(*model_->decoder, latents, request);
    estimate.peak_bytes = estimate.weight_bytes + std::max(estimate.activation_bytes + estimate.cache_bytes,
                                                           estimate.decode_bytes + latent_bytes);
    return estimate;
}

void Generator::check_fits(const Context& context, const Request& request) const {
    const int64_t budget = context.allocator.budget();
    const Estimate need = estimate(request);
    check(budget == 0 || need.peak_bytes <= budget, ErrorCode::DoesNotFit,
          "the run needs about {} bytes (weights {}, activations {}, cache {}, decoding {}), the budget is {}; lower "
          "the size, --cache-budget or --vae-tile-size, or raise --max-ram",
          need.peak_bytes, need.weight_bytes, need.activation_bytes, need.cache_bytes, need.decode_bytes, budget);
}

RunReport Generator::generate(Context& context, const Request& asked, FrameQueue& frames, Observer& observer,
                              std::stop_token stop) {
    try {
        const Request request = resolve(asked);
        check_fits(context, request);
        Observer nobody;
        Observer& told = !processes_ || processes_->rank() == 0 ? observer : nobody;
        warn_of_words(words_, request, told);
        const RunReport report = Run(context, *model_, request, {told, std::move(stop), processes_})(frames);
        frames.close();
        return report;
    } catch (...) {
        frames.fail(std::current_exception());
        throw;
    }
}

}  // namespace kine::dit
