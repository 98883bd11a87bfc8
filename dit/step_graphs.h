// The steps of a run as graphs of a GPU: one for each distinct row of the plan. A step whose row is new runs as ever
// and its memory is watched; when the row comes again it is recorded, on memory that was planned for it; from then on
// it is launched. What a graph reads and writes has one place for the whole run: latents, moment, kept outputs,
// prediction. Not run on a device yet.
#pragma once

#include "broadcast/cache.h"
#include "dit/families/family.h"
#include "runtime/device/cuda/graph.h"
#include "runtime/device/repeated_memory.h"

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kine::dit {

struct GraphTally {
    int recorded = 0;
    int launched = 0;
    std::string off_because = {};  ///< what went wrong with graphs, so that later steps ran without; empty: nothing
};

/// What a step launches: with which stage's weights, and the first step that computes at the same sites.
using RowId = std::pair<Stage, int>;

/// Of the guidance branches that go through the transformer together. One thread at a time.
class StepGraphs final : public broadcast::KeptPlaces {
  public:
    /// Fewer steps of one row are not worth a graph: the first is watched, the second recorded.
    static constexpr int kLeastSteps = 3;
    /// Whether some of the rows come so often, and kept outputs may each have a place of its own.
    static bool suit(const broadcast::Plan& plan, std::span<const RowId> rows);

    /// `rows` of all steps. All that is referred to outlives it, and the tensors that are kept in its places.
    StepGraphs(const Context& context, const Transformer& transformer, const broadcast::Plan& plan,
               std::vector<RowId> rows, RepeatedMemory& memory);

    /// What Transformer::predict gives, in memory of its own. `step` has a cache that keeps its outputs here. Where a
    /// graph or its memory fails, it throws what anything may throw, and the step can be run without graphs.
    Tensor predict(const StepContext& step, const Prepared& prepared, const Tensor& latents);
    Tensor keep(const broadcast::Site& site, const Tensor& output) override;

    /// Before what graphs read beside their inputs changes its place: weights, or what is prepared.
    void forget();
    /// Holds no memory from now on, nor keeps outputs in places.
    void give_up();
    int recorded() const { return recorded_; }
    int launched() const { return launched_; }
    int64_t bytes_of_places() const;

  private:
    static constexpr int kMostWatched = 2;  ///< steps of a row, until one keeps no memory for itself
    struct Row {
        bool is_often = false;
        int watched = 0;
        std::optional<MemoryPlan> memory = {};
        std::unique_ptr<CudaGraph> graph = {};
    };

    void advance(const StepContext& step, const Prepared& prepared, Row& row);
    void run(const StepContext& step, const Prepared& prepared);
    void watch(const StepContext& step, const Prepared& prepared, Row& row);
    void record(const StepContext& step, const Prepared& prepared, Row& row);
    void launch(const StepContext& step, const Row& row);
    void compute(const Context& context, const StepContext& step, broadcast::Cache& cache, const Prepared& prepared);
    Context repeating(Stream stream) const;
    void put(Tensor& place, const Tensor& value) const;

    const Context& context_;
    const Transformer& transformer_;
    const broadcast::Plan& plan_;
    RepeatedMemory& memory_;
    std::map<broadcast::Site, Tensor> places_;
    Tensor latents_, prediction_;
    Moment moment_;
    std::vector<RowId> row_of_step_;
    std::map<RowId, Row> rows_;
    std::map<size_t, std::byte*> elsewhere_;  // of the watched allocations, those that are kept outputs
    const Context* computing_ = nullptr;      // whose queue a kept output is copied in; null: nobody computes
    bool is_off_ = false;
    int recorded_ = 0;
    int launched_ = 0;
};

}  // namespace kine::dit
