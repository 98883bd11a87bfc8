#include "dit/step_graphs.h"

#include "kernels/move/move.h"

#include <algorithm>

namespace kine::dit {

namespace {

bool is_often(std::span<const RowId> rows, const RowId& row) {
    return std::ranges::count(rows, row) >= StepGraphs::kLeastSteps;
}

/// A place is there from a site's first kept output to the end of the run.
int64_t bytes_of_places(const broadcast::Plan& plan) {
    int64_t bytes = 0;
    for (const broadcast::SiteCost& cost : plan.sites()) bytes += plan.is_kept(cost.site) ? cost.bytes : 0;
    return bytes;
}

}  // namespace

GraphTally& GraphTally::operator+=(const GraphTally& other) {
    recorded += other.recorded;
    launched += other.launched;
    if (off_because.empty()) off_because = other.off_because;
    return *this;
}

bool StepGraphs::suit(const broadcast::Plan& plan, std::span<const RowId> rows) {
    const bool fits = plan.budget_bytes() == 0 || bytes_of_places(plan) <= plan.budget_bytes();
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
    try {
        advance(step, prepared, rows_.at(row_of_step_[static_cast<size_t>(step.index)]));
    } catch (const Error& error) {
        if (is_off() || error.code() == ErrorCode::Interrupted) throw;
        give_up(error);
        run(step, prepared);
    }
    Tensor prediction = Tensor::empty(context_, prediction_.shape(), prediction_.dtype());
    kernels::copy_into(context_, prediction_, prediction);
    return prediction;
}

void StepGraphs::advance(const StepContext& step, const Prepared& prepared, Row& row) {
    if (is_off() || !row.is_often) return run(step, prepared);
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
    elsewhere_.clear();
    memory_.watch([&] { run(step, prepared); });
    try {
        row.memory = memory_.plan(elsewhere_);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::DoesNotFit) throw;
        give_up(error);
    }
}

void StepGraphs::record(const StepContext& step, const Prepared& prepared, Row& row) {
    broadcast::Cache cache = step.cache.fork();
    memory_.repeat(*row.memory, [&] {
        row.graph = std::make_unique<CudaGraph>(
            context_.device, [&](Stream stream) { compute(repeating(stream), step, cache, prepared); });
    });
    ++tally_.recorded;
}

/// The cache is told what the graph does.
void StepGraphs::launch(const StepContext& step, const Row& row) {
    check_not_cancelled(step);
    row.graph->launch(context_.stream);
    ++tally_.launched;
    for (const broadcast::SiteCost& cost : plan_.sites())
        step.cache.through(cost.site, step.index, [&] { return places_[cost.site]; });
}

void StepGraphs::compute(const Context& context, const StepContext& step, broadcast::Cache& cache,
                         const Prepared& prepared) {
    computing_ = &context;
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
    Tensor& place = places_[site];
    if (!place) place = Tensor::empty(context_, output.shape(), output.dtype());
    if (place.address() == output.address()) return place;  // it was computed there
    const auto allocation = memory_.watched_at(output.address(), output.bytes());
    if (allocation && output.is_contiguous()) elsewhere_[*allocation] = place.address();
    kernels::copy_into(*computing_, output, place);
    return place;
}

void StepGraphs::forget() {
    for (auto& [_, row] : rows_) row.graph.reset();
}

/// What graphs hold is free again.
void StepGraphs::give_up(const Error& error) {
    tally_.off_because = error.what();
    for (auto& [_, row] : rows_) row = {};
    memory_.forget_arena();
}

Context StepGraphs::repeating(Stream stream) const {
    return {context_.device, memory_, context_.threads, context_.profiler, stream, context_.host_side, context_.others};
}

/// Copies into the place, which is made for the first value.
void StepGraphs::put(Tensor& place, const Tensor& value) const {
    if (!value) return;
    if (!place) place = Tensor::empty(context_, value.shape(), value.dtype());
    kernels::copy_into(context_, value, place);
}

}  // namespace kine::dit
