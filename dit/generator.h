// From request to frames: validate, encode, prepare, loop, decode. One model, loaded once; runs one after the other, or
// as many at a time as it was told to expect.
#pragma once

#include "dit/estimate.h"
#include "dit/known_words.h"
#include "dit/open_options.h"
#include "dit/request.h"
#include "dit/shared_decode.h"
#include "dit/stragglers.h"
#include "parallel/communicator.h"
#include "parallel/planner/work.h"
#include "parallel/processes.h"
#include "runtime/context.h"
#include "runtime/frame/frame_queue.h"
#include "runtime/log.h"

#include <filesystem>
#include <memory>
#include <stop_token>

namespace kine::dit {

/// Told what happens, on the thread that runs. Throwing stops the run with that exception.
class Observer {
  public:
    virtual ~Observer() = default;
    /// `done` of `total` prompts, steps or frames.
    virtual void on_progress(Stage stage, int64_t done, int64_t total) { (void)stage, (void)done, (void)total; }
    /// After step `step`: latents [C, T, Y, X] f32. The last ones are what is decoded.
    virtual void on_latents(int step, const Tensor& latents) { (void)step, (void)latents; }
    /// The run has failed and cannot return, because a rank of it hangs. On another thread, with the failure: whoever
    /// owns the process may end it here.
    virtual void on_stuck(const Error& failure) { (void)failure; }
    virtual void on_log(LogLevel level, std::string_view line) { (void)level, (void)line; }
};

/// What one rank sent and kept.
struct RankReport {
    parallel::Traffic traffic;  ///< while denoising
    int64_t cache_peak_bytes = 0;
    DecodeTally decode;  ///< nothing where it does not take part
    std::vector<StepTime> steps;
};

struct RunReport {
    double encode_seconds = 0;
    double denoise_seconds = 0;
    double decode_seconds = 0;
    int64_t peak_bytes = 0;
    int64_t cache_peak_bytes = 0;  ///< of all ranks
    std::vector<RankReport> ranks;
};

struct FrameSize {
    int64_t width = 0;
    int64_t height = 0;
};

class LoadedModel;   // dit/loaded_model.h
struct Model;        // dit/families/family.h
struct ModelSource;  // dit/families/model_source.h

/// One thread at a time, but for runs at once, each with a context of its own. Contexts are passed, so a generator
/// serves whichever session calls it.
class Generator {
  public:
    /// Opens a model directory, on every device of the context. BadInput, Unsupported (family or class unknown) or
    /// DoesNotFit.
    static std::unique_ptr<Generator> open(Context& context, const std::filesystem::path& directory, DType dtype);
    static std::unique_ptr<Generator> open(Context& context, ModelSource source, const OpenOptions& options);
    ~Generator();

    /// The ranks of every run are those of this process's group, each with a generator of its own, instead of threads.
    /// Rank 0 of the group is the one that observers hear and frames come from.
    void share_runs(parallel::Processes& processes) { processes_ = &processes; }

    /// Up to so many runs share the budget, and weights that stay where they are.
    void expect_runs_at_once(int64_t runs) { runs_at_once_ = runs; }

    std::string_view family() const;
    /// Hex digest of names, shapes and contents of the weights' headers and edges.
    const std::string& model_hash() const;
    const ModelSource& source() const;
    const Model& model() const;
    /// The request with every default filled in; throws ErrorCode::Usage for what the model cannot do, naming what it
    /// can.
    Request resolve(const Request& request) const;
    /// Of the frames that a request gives: less than asked for where the VAE cannot make the size exactly.
    FrameSize frame_size(const Request& request) const;
    broadcast::Plan plan(const Request& request) const;
    /// `context` has the budget that decides whether stages' weights take turns.
    Estimate estimate(const Context& context, const Request& request) const;
    /// Throws ErrorCode::DoesNotFit for a run that the context's budget has no room for.
    void check_fits(const Context& context, const Request& request) const;
    /// How the video of a resolved request comes apart for the ranks that decode.
    Pieces decode_pieces(const Request& request) const;
    /// The run as the planner of ranks sees it.
    parallel::Work rank_work(const Request& request) const;

    /// Runs to the end: frames go into `frames`, which is closed at the end or failed with the exception that is
    /// thrown. Cancelled by `stop` within one block (ErrorCode::Interrupted). Non-finite values are
    /// ErrorCode::NotFinite with step and block.
    RunReport generate(Context& context, const Request& request, FrameQueue& frames, Observer& observer,
                       std::stop_token stop);

  private:
    explicit Generator(std::vector<std::unique_ptr<LoadedModel>> replicas);
    const OpenOptions& opened() const;
    void check_host_fits(const Context& context, const Estimate& need) const;

    std::vector<std::unique_ptr<LoadedModel>> replicas_;  // one for each device, of the same model
    KnownWords words_;
    parallel::Processes* processes_ = nullptr;
    int64_t runs_at_once_ = 1;
};

}  // namespace kine::dit
