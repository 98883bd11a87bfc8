// One run of one request: generator -> bounded queue -> pump thread -> host and files. Pushed (run) or pulled (start,
// next_frame, wait). Outputs are opened when the job is made, so that a bad name costs no generation.
//
// How a run ends decides what is left: done or cancelled, outputs are finished and renamed with the frames they have;
// failed, what was written stays under its temporary name and nothing stands under the final one.
#pragma once

#include "apps/embed/session.h"
#include "codecs/pump.h"

#include <atomic>
#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

namespace kine::embed {

struct Progress {
    dit::Stage stage;
    int64_t done = 0;
    int64_t total = 0;
    double seconds = 0;  ///< since the stage began
};

/// The host's side; each may be empty. true from on_frame and on_progress goes on, false cancels.
struct HostCallbacks {
    std::function<bool(const Frame& frame)> on_frame;
    std::function<bool(const Progress& progress)> on_progress;
    std::function<void(LogLevel level, std::string_view line)> on_log;
    /// The run has failed but cannot return, see kinescope.h.
    std::function<void(const Error& failure)> on_stuck;
};

/// Belongs to one thread at a time, but cancel() may be called from any.
class Job {
  public:
    Job(std::shared_ptr<Session> session, RunRequest request, HostCallbacks callbacks);
    ~Job();
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    void run();
    void start();
    std::optional<Frame> next_frame();
    void wait();
    void cancel() noexcept;
    Json report() const;

  private:
    enum class State { Ready, Running, Done };
    class HostObserver;

    void agree_with_others();
    void begin();
    void execute();
    void generate(Context& context, FrameQueue& queue);
    void finish(codecs::Pump& pump);
    void show(const Frame& frame);
    void keep_latents(int step, const Tensor& latents) const;
    void end() noexcept;

    std::shared_ptr<Session> session_;
    RunRequest request_;  // resolved
    HostCallbacks callbacks_;
    std::stop_source stop_;
    std::vector<std::unique_ptr<codecs::Sink>> sinks_;
    std::vector<std::pair<std::string, std::string>> outputs_;  // final and temporary names
    std::atomic<State> state_ = State::Ready;
    std::atomic<int64_t> frames_ = 0;
    dit::RunReport times_;
    double seconds_ = 0;
    std::exception_ptr failure_;
    std::unique_ptr<FrameQueue> pulled_;  // only when started
    std::jthread thread_;
};

}  // namespace kine::embed
