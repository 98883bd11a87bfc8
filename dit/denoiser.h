// A run's predictions step by step, as the generator and the verification share them: branches, ranks, kept outputs.
#pragma once

#include "broadcast/cache.h"
#include "dit/run.h"
#include "dit/step_graphs.h"
#include "parallel/partition.h"

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

namespace kine::dit {

/// What is denoised: the prompt, when, what is reused, and of what shape [C, T, Y, X].
struct Subject {
    const Conditioning& conditioning;
    const std::vector<double>& timesteps;
    const broadcast::Plan& plan;
    Shape latents;
    double cache_host_share = 0;  ///< of the kept outputs of a GPU, what waits in host memory
    bool may_use_graphs = true;   ///< of a GPU, for steps that recur
};

/// What one rank computes and keeps over the steps of a run. Refers to its arguments; they must outlive it.
class Denoiser {
  public:
    Denoiser(const Context& context, const Model& model, const Request& request, const Subject& subject,
             parallel::Mesh& mesh);

    /// Raw prediction [B, C', T, Y, X] for the latents [C, T, Y, X] of step `index`, whole and with the same bits on
    /// every rank. ErrorCode::NotFinite names the step and the first block whose output is not finite.
    Tensor predict(int index, const Tensor& model_input, const std::stop_token& stop);

    /// Before the model's weights change: parts of them that this rank has made are dropped.
    void forget_weights() { weights_ = std::make_unique<WeightParts>(); }
    /// For each site the steps that reused, which are the same in all branches.
    const std::map<broadcast::Site, std::vector<int>>& reused() const { return passes_.front().cache.reused(); }
    int64_t cache_peak_bytes() const;
    GraphTally graphs() const;  ///< of all guidance branches

  private:
    /// Guidance branches that go through the transformer together, and the outputs that are kept of them.
    struct Pass {
        Shape tokens;  ///< whole [B, T, S, C]
        std::unique_ptr<Prepared> prepared;
        std::unique_ptr<StepGraphs> graphs;  ///< null: each step is enqueued anew
        broadcast::Cache cache;
    };

    std::vector<RowId> rows_for_graphs(const Subject& subject) const;
    Pass make_pass(const Subject& subject, const VideoSize& size, parallel::Range branches,
                   const std::vector<RowId>& rows_for_graphs);
    StepContext step_context(const Pass& pass, broadcast::Cache& cache, int index) const;
    void announce(int index);
    void give_up_graphs(const Error& error);
    Tensor predict(Pass& pass, int index, const Tensor& model_input, const std::stop_token& stop);
    Tensor by_graphs(Pass& pass, const StepContext& step, const Tensor& batch);
    Tensor gather_branches(const Tensor& prediction) const;
    void check_finite(const Pass& pass, int index, const Tensor& model_input) const;
    [[noreturn]] void report_not_finite(int index, const Tensor& model_input);

    const Context& context_;
    const Model& model_;
    parallel::Mesh& mesh_;
    const parallel::Strategy& strategy_;
    const std::vector<double>& timesteps_;
    const broadcast::Plan& plan_;
    int64_t branches_;  // of guidance, on all ranks
    std::unique_ptr<WeightParts> weights_ = std::make_unique<WeightParts>();
    std::optional<Stage> stage_;  // of the last step
    std::string graphs_off_because_;
    RepeatedMemory memory_;  // of graphs
    std::vector<Pass> passes_;
};

}  // namespace kine::dit
