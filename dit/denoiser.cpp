#include "dit/denoiser.h"

#include "broadcast/policies/policies.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "parallel/reshard.h"
#include "runtime/environment_switch.h"

#include <algorithm>

namespace kine::dit {

namespace {

/// The conditioning of some guidance branches only.
Conditioning only(const Context& context, Conditioning conditioning, parallel::Range branches) {
    conditioning.states = kernels::contiguous(context, conditioning.states.slice(0, branches.begin, branches.end));
    return conditioning;
}

parallel::Range branches_on(parallel::Mesh& mesh, int64_t branches) {
    const parallel::Communicator* others = mesh.branches();
    return others ? parallel::partition(branches, others->rank(), others->size()) : parallel::Range{0, branches};
}

/// One copy of the latents [C, T, Y, X] for each branch.
Tensor for_branches(const Context& context, const Tensor& latents, int64_t branches) {
    const std::vector<Tensor> copies(static_cast<size_t>(branches), latents.unsqueeze(0));
    return kernels::concat(context, copies, 0);
}

}  // namespace

Denoiser::Denoiser(const Context& context, const Model& model, const Request& request, const Subject& subject,
                   parallel::Mesh& mesh)
    : context_(context),
      model_(model),
      mesh_(mesh),
      strategy_(parallel::find_strategy(request.parallel)),
      timesteps_(subject.timesteps),
      plan_(subject.plan),
      branches_(model.is_guided(request) ? 2 : 1),
      memory_(context.allocator) {
    const parallel::Range present = branches_on(mesh, branches_);
    const int64_t together = std::min(branches_of_pass(model, request), present.size());
    const VideoSize size{subject.latents, request.width, request.height};
    const std::vector<RowId> rows = rows_for_graphs(subject);
    for (int64_t first = present.begin; first < present.end; first += together)
        passes_.push_back(make_pass(subject, size, {first, first + together}, rows));
}

/// Of all steps; none where graphs are not used: ranks wait for one another on the host, weights and outputs that wait
/// there come by queues of their own, and a trace wants to see each op.
std::vector<RowId> Denoiser::rows_for_graphs(const Subject& subject) const {
    const bool all_stays =
        subject.cache_host_share == 0 && !model_.offload_of(Stage::Denoise) && !model_.offload_of(Stage::Refine);
    const bool is_wanted = context_.device.kind == DeviceKind::Cuda && subject.may_use_graphs &&
                           is_switched_on("KINE_CUDA_GRAPHS") && !context_.profiler.is_enabled();
    if (!is_wanted || !all_stays || mesh_.world().size() > 1) return {};
    std::vector<RowId> rows;
    for (int step = 0; step < plan_.steps(); ++step)
        rows.emplace_back(model_.stage_at(timesteps_[static_cast<size_t>(step)]), plan_.first_like(step));
    return StepGraphs::suit(plan_, rows) ? rows : std::vector<RowId>();
}

Denoiser::Pass Denoiser::make_pass(const Subject& subject, const VideoSize& size, parallel::Range branches,
                                   const std::vector<RowId>& rows_for_graphs) {
    const Transformer& transformer = *model_.transformer;
    const Conditioning part = only(context_, subject.conditioning, branches);
    auto graphs = rows_for_graphs.empty()
                      ? nullptr
                      : std::make_unique<StepGraphs>(context_, transformer, plan_, rows_for_graphs, memory_);
    broadcast::Cache cache = graphs ? broadcast::Cache(subject.plan, *graphs)
                                    : broadcast::Cache(subject.plan, context_, subject.cache_host_share);
    return {.tokens = transformer.token_shape(subject.latents, branches.size()),
            .prepared = transformer.prepare(context_, part, size, subject.timesteps),
            .graphs = std::move(graphs),
            .cache = std::move(cache)};
}

StepContext Denoiser::step_context(const Pass& pass, broadcast::Cache& cache, int index) const {
    return {.context = context_,
            .index = index,
            .cache = cache,
            .ranks = {mesh_.sequence(), strategy_, mesh_.group(), mesh_.peers(), weights_.get()},
            .tokens = pass.tokens,
            .stop = {}};
}

Tensor Denoiser::predict(int index, const Tensor& model_input, const std::stop_token& stop) {
    announce(index);
    std::vector<Tensor> predictions;
    for (Pass& pass : passes_) predictions.push_back(predict(pass, index, model_input, stop));
    Tensor all = gather_branches(predictions.size() == 1 ? predictions[0] : kernels::concat(context_, predictions, 0));
    if (!kernels::all_finite(context_, all)) report_not_finite(index, model_input);
    return all;
}

Tensor Denoiser::predict(Pass& pass, int index, const Tensor& model_input, const std::stop_token& stop) {
    StepContext step = step_context(pass, pass.cache, index);
    step.stop = stop;
    const Tensor batch = for_branches(context_, model_input, pass.tokens[0]);
    const bool has_graphs = pass.graphs && graphs_off_because_.empty();
    const Tensor prediction = has_graphs ? by_graphs(pass, step, batch) : Tensor();
    if (prediction) return prediction;
    const Moment moment = model_.transformer->moment(step, *pass.prepared);
    return model_.transformer->predict(step, *pass.prepared, moment, batch);
}

/// Empty where graphs, or the memory that they take, are in the way of the run. All passes then go on without, since
/// they share that memory.
Tensor Denoiser::by_graphs(Pass& pass, const StepContext& step, const Tensor& batch) {
    try {
        check(!model_.offload_of(*stage_), ErrorCode::Device, "weights wait in host memory");
        return pass.graphs->predict(step, *pass.prepared, batch);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Interrupted) throw;
        give_up_graphs(error);
        return {};
    }
}

void Denoiser::give_up_graphs(const Error& error) {
    graphs_off_because_ = error.what();
    for (Pass& pass : passes_)
        if (pass.graphs) pass.graphs->give_up();
    memory_.forget_arena();
}

/// Steps with the same row of the plan use the same layers, so weights that wait know what comes next.
void Denoiser::announce(int index) {
    const Stage stage = model_.stage_at(timesteps_[static_cast<size_t>(index)]);
    if (stage_ != stage) {
        for (Pass& pass : passes_)
            if (pass.graphs) pass.graphs->forget();
    }
    stage_ = stage;
    if (WeightOffload* offload = model_.offload_of(stage)) offload->begin(context_, {index, plan_.first_like(index)});
}

int64_t Denoiser::cache_peak_bytes() const {
    int64_t bytes = 0;
    for (const Pass& pass : passes_) {
        const int64_t in_places = pass.graphs ? pass.graphs->bytes_of_places() : 0;
        bytes += std::max(pass.cache.peak_bytes(), in_places);
    }
    return bytes;
}

GraphTally Denoiser::graphs() const {
    GraphTally tally{.off_because = graphs_off_because_};
    for (const Pass& pass : passes_) {
        if (!pass.graphs) continue;
        tally.recorded += pass.graphs->recorded();
        tally.launched += pass.graphs->launched();
    }
    return tally;
}

/// Guidance branches are one more axis that ranks may share out.
Tensor Denoiser::gather_branches(const Tensor& prediction) const {
    if (!mesh_.branches()) return prediction;
    Shape whole = prediction.shape();
    whole.set(0, branches_);
    return parallel::reshard(context_, *mesh_.branches(), prediction, whole, {parallel::Split::Batch}, {});
}

/// Runs the step again with every site checked, which costs nothing in a run that is well. Nothing is reused in it: the
/// run's own cache has seen this step already, and a kept output would hide the block that went wrong.
void Denoiser::check_finite(const Pass& pass, int index, const Tensor& model_input) const {
    const broadcast::Schedule schedule{std::vector<double>(static_cast<size_t>(index) + 1)};
    const broadcast::Plan nothing_reused(*broadcast::make_policy("none", {}, {}, schedule), schedule, {});
    broadcast::Cache cache(nothing_reused);
    StepContext step = step_context(pass, cache, index);
    step.find_not_finite = true;
    const Moment moment = model_.transformer->moment(step, *pass.prepared);
    model_.transformer->predict(step, *pass.prepared, moment, for_branches(context_, model_input, pass.tokens[0]));
}

/// The step is run in memory that graphs would have for themselves.
void Denoiser::report_not_finite(int index, const Tensor& model_input) {
    give_up_graphs(Error(ErrorCode::NotFinite, "the prediction is not finite"));
    check(kernels::all_finite(context_, model_input), ErrorCode::NotFinite, "step {}: latents are not finite", index);
    for (const Pass& pass : passes_) check_finite(pass, index, model_input);
    mesh_.world().barrier();  // a rank that did find the block is the one to be heard
    fail(ErrorCode::NotFinite, "step {}: the prediction is not finite, after the last block", index);
}

}  // namespace kine::dit
