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

    GraphTally& operator+=(const GraphTally& other);
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

    /// What Transformer::predict gives, in memory of its own. `step` has a cache that keeps its outputs here.
    Tensor predict(const StepContext& step, const Prepared& prepared, const Tensor& latents);
    Tensor keep(const broadcast::Site& site, const Tensor& output) override;

    /// Before what graphs read beside their inputs changes its place: weights, or what is prepared.
    void forget();
    const GraphTally& tally() const { return tally_; }

  private:
    struct Row {
        bool is_often = false;
        std::optional<MemoryPlan> memory = {};
        std::unique_ptr<CudaGraph> graph = {};
    };

    bool is_off() const { return !tally_.off_because.empty(); }
    void advance(const StepContext& step, const Prepared& prepared, Row& row);
    void run(const StepContext& step, const Prepared& prepared);
    void watch(const StepContext& step, const Prepared& prepared, Row& row);
    void record(const StepContext& step, const Prepared& prepared, Row& row);
    void launch(const StepContext& step, const Row& row);
    void compute(const Context& context, const StepContext& step, broadcast::Cache& cache, const Prepared& prepared);
    Context repeating(Stream stream) const;
    void put(Tensor& place, const Tensor& value) const;
    void give_up(const Error& error);

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
    const Context* computing_ = nullptr;      // whose queue a kept output is copied in
    GraphTally tally_;
};

}  // namespace kine::dit
