#include "dit/step_graphs.h"

#include "kernels/move/move.h"
#include "runtime/meanwhile.h"

#include <algorithm>

namespace kine::dit {

namespace {

bool is_often(std::span<const RowId> rows, const RowId& row) {
    return std::ranges::count(rows, row) >= StepGraphs::kLeastSteps;
}

/// A place is there from a site's first kept output to the end of the run.
int64_t bytes_for_places(const broadcast::Plan& plan) {
    int64_t bytes = 0;
    for (const broadcast::SiteCost& cost : plan.sites()) bytes += plan.is_kept(cost.site) ? cost.bytes : 0;
    return bytes;
}

}  // namespace

bool StepGraphs::suit(const broadcast::Plan& plan, std::span<const RowId> rows) {
    const bool fits = plan.budget_bytes() == 0 || bytes_for_places(plan) <= plan.budget_bytes();
    const auto pays = [&](const RowId& row) { return is_often(rows, row); };
    return fits && plan.keeps_one_at_a_time() && std::ranges::any_of(rows, pays);
}

StepGraphs::StepGraphs(const Context& context, const Transformer& transformer, const broadcast::Plan& plan,
                       std::vector<RowId> rows, RepeatedMemory& memory)
    : context_(context), transformer_(transformer), plan_(plan), memory_(memory), row_of_step_(std::move(rows)) {
    for (const RowId& row : row_of_step_) rows_[row].is_often = is_often(row_of_step_, row);
}

Tensor StepGraphs::predict(const StepContext& step, const Prepared& prepared, const Tensor& latents) {
    const Moment moment = transformer_.moment(step, prepared);
    put(latents_, latents);
    put(moment_.modulation, moment.modulation);
    put(moment_.embedded, moment.embedded);
    advance(step, prepared, rows_.at(row_of_step_[static_cast<size_t>(step.index)]));
    Tensor prediction = Tensor::empty(context_, prediction_.shape(), prediction_.dtype());
    kernels::copy_into(context_, prediction_, prediction);
    return prediction;
}

void StepGraphs::advance(const StepContext& step, const Prepared& prepared, Row& row) {
    if (!row.is_often) return run(step, prepared);
    if (!row.memory) return watch(step, prepared, row);
    if (!row.graph) record(step, prepared, row);
    launch(step, row);
}

/// The cache sees a step that came to its end, so that one that did not can be run again.
void StepGraphs::run(const StepContext& step, const Prepared& prepared) {
    broadcast::Cache cache = step.cache.fork();
    compute(repeating(context_.stream), step, cache, prepared);
    step.cache = std::move(cache);
}

void StepGraphs::watch(const StepContext& step, const Prepared& prepared, Row& row) {
    check(row.watched++ < kMostWatched, ErrorCode::Device, "steps keep memory for themselves");
    elsewhere_.clear();
    broadcast::Cache cache = step.cache.fork();
    memory_.watch([&] { compute(repeating(context_.stream), step, cache, prepared); });
    row.memory = memory_.plan(elsewhere_, bytes_for_places(plan_) - bytes_of_places());
    step.cache = std::move(cache);
}

void StepGraphs::record(const StepContext& step, const Prepared& prepared, Row& row) {
    broadcast::Cache cache = step.cache.fork();
    memory_.repeat(*row.memory, [&] {
        row.graph = std::make_unique<CudaGraph>(
            context_.device, [&](Stream stream) { compute(repeating(stream), step, cache, prepared); });
    });
    ++recorded_;
}

/// The cache is told what the graph does.
void StepGraphs::launch(const StepContext& step, const Row& row) {
    check_not_cancelled(step);
    row.graph->launch(context_.stream);
    ++launched_;
    for (const broadcast::SiteCost& cost : plan_.sites())
        step.cache.through(cost.site, step.index, [&] {
            const auto place = places_.find(cost.site);
            return place == places_.end() ? Tensor() : place->second;
        });
}

void StepGraphs::compute(const Context& context, const StepContext& step, broadcast::Cache& cache,
                         const Prepared& prepared) {
    const Meanwhile computing(computing_, &context);
    const StepContext inner = {.context = context,
                               .index = step.index,
                               .cache = cache,
                               .ranks = step.ranks,
                               .tokens = step.tokens,
                               .stop = step.stop};
    const Tensor prediction = transformer_.predict(inner, prepared, moment_, latents_);
    if (!prediction_) prediction_ = Tensor::empty(context_, prediction.shape(), prediction.dtype());
    kernels::copy_into(context, prediction, prediction_);
}

Tensor StepGraphs::keep(const broadcast::Site& site, const Tensor& output) {
    if (is_off_) return output;
    Tensor& place = places_[site];
    if (place && place.address() == output.address()) return place;  // it was computed there
    check(computing_ != nullptr, ErrorCode::Bug, "no step computed the output of {}", broadcast::to_string(site));
    if (!place) place = Tensor::empty(context_, output.shape(), output.dtype());
    const auto allocation = memory_.watched_at(output.address(), output.bytes());
    if (allocation && output.is_contiguous()) elsewhere_[*allocation] = place.address();
    kernels::copy_into(*computing_, output, place);
    return place;
}

void StepGraphs::forget() {
    for (auto& [_, row] : rows_) row.graph.reset();
}

/// Outputs that are kept stay with the cache.
void StepGraphs::give_up() {
    is_off_ = true;
    rows_.clear();
    places_.clear();
    latents_ = prediction_ = {};
    moment_ = {};
}

int64_t StepGraphs::bytes_of_places() const {
    int64_t bytes = 0;
    for (const auto& [_, place] : places_) bytes += place.bytes();
    return bytes;
}

Context StepGraphs::repeating(Stream stream) const {
    return {.device = context_.device,
            .allocator = memory_,
            .threads = context_.threads,
            .profiler = context_.profiler,
            .stream = stream,
            .host_side = context_.host_side,
            .others = context_.others};
}

/// Copies into the place, which is made for the first value.
void StepGraphs::put(Tensor& place, const Tensor& value) const {
    if (!value) return;
    if (!place) place = Tensor::empty(context_, value.shape(), value.dtype());
    kernels::copy_into(context_, value, place);
}

}  // namespace kine::dit
