#include "apps/embed/job.h"

#include "apps/embed/agreement.h"
#include "apps/embed/frame_tap.h"
#include "apps/embed/job_setup.h"
#include "apps/embed/latents_file.h"
#include "runtime/io/json.h"

namespace kine::embed {

namespace {

constexpr size_t kQueuedFrames = 8;

std::exception_ptr interruption() {
    return std::make_exception_ptr(Error(ErrorCode::Interrupted, "the run was cancelled"));
}

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Json rank_json(const dit::RankReport& rank) {
    return {{"calls", rank.traffic.calls},
            {"bytes_sent", rank.traffic.bytes_sent},
            {"bytes_received", rank.traffic.bytes_received},
            {"seconds", rank.traffic.seconds},
            {"cache_peak_bytes", rank.cache_peak_bytes},
            {"decode",
             {{"pieces", rank.decode.pieces},
              {"seconds", rank.decode.seconds},
              {"bytes_sent", rank.decode.traffic.bytes_sent},
              {"communication_seconds", rank.decode.traffic.seconds}}}};
}

Json straggler_json(const dit::Straggler& straggler) {
    return {{"step", straggler.step},
            {"rank", straggler.rank},
            {"busy_seconds", straggler.busy_seconds},
            {"others_busy_seconds", straggler.others_seconds},
            {"others_waiting_seconds", straggler.waiting_seconds}};
}

bool is_interruption(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const Error& error) {
        return error.code() == ErrorCode::Interrupted;
    } catch (...) {
        return false;
    }
}

}  // namespace

/// Carries the generator's news to the host, and the host's wish to end back.
class Job::HostObserver final : public dit::Observer {
  public:
    explicit HostObserver(Job& job) : job_(job) {}

    void on_progress(dit::Stage stage, int64_t done, int64_t total) override {
        if (done == 0) stage_start_ = std::chrono::steady_clock::now();
        if (!job_.callbacks_.on_progress) return;
        if (!job_.callbacks_.on_progress({stage, done, total, seconds_since(stage_start_)})) job_.cancel();
    }
    void on_latents(int step, const Tensor& latents) override { job_.keep_latents(step, latents); }
    void on_log(LogLevel level, std::string_view line) override {
        if (job_.callbacks_.on_log) job_.callbacks_.on_log(level, line);
    }
    void on_stuck(const Error& failure) override {
        if (job_.callbacks_.on_stuck) job_.callbacks_.on_stuck(failure);
    }

  private:
    Job& job_;
    std::chrono::steady_clock::time_point stage_start_ = std::chrono::steady_clock::now();
};

Job::Job(std::shared_ptr<Session> session, RunRequest request, HostCallbacks callbacks)
    : session_(std::move(session)), request_(std::move(request)), callbacks_(std::move(callbacks)) {
    agree_with_others();
    request_ = prepared(*session_, std::move(request_));
    sinks_.push_back(std::make_unique<FrameTap>(frames_, [this](const Frame& frame) { show(frame); }));
    for (std::unique_ptr<codecs::Sink>& sink : open_outputs(*session_, request_)) {
        outputs_.emplace_back(sink->name(), sink->temporary_name());
        sinks_.push_back(std::move(sink));
    }
}

Job::~Job() {
    cancel();
    if (thread_.joinable()) thread_.join();
}

/// Processes that were not told a seed each drew one: that of their group's rank 0 counts.
void Job::agree_with_others() {
    if (session_->processes() == nullptr) return;
    const Claim claim = session_->claim();
    const auto communicator = session_->processes()->communicator();
    communicator->set_timeout(request_.generation.rank_timeout);
    communicator->set_place("the beginning");
    agree_on_seed(claim.context, *communicator, request_);
}

void Job::begin() {
    State expected = State::Ready;
    check(state_.compare_exchange_strong(expected, State::Running), ErrorCode::Usage,
          "this job was run before, make another one");
}

void Job::run() {
    begin();
    execute();
    if (failure_) std::rethrow_exception(failure_);
}

void Job::start() {
    begin();
    pulled_ = std::make_unique<FrameQueue>(kQueuedFrames);
    thread_ = std::jthread([this] { execute(); });
}

std::optional<Frame> Job::next_frame() {
    check(pulled_ != nullptr, ErrorCode::Usage, "this job was not started");
    return pulled_->pop();
}

void Job::wait() {
    check(pulled_ != nullptr, ErrorCode::Usage, "this job was not started");
    pulled_->abandon(interruption());  // nobody takes frames any more, so nobody may hold the writer back
    if (thread_.joinable()) thread_.join();
    if (failure_) std::rethrow_exception(failure_);
}

void Job::cancel() noexcept { stop_.request_stop(); }

/// On the pump's thread. A pull side that gave up must not stop the files.
void Job::show(const Frame& frame) {
    if (callbacks_.on_frame && !callbacks_.on_frame(frame)) cancel();
    if (pulled_ == nullptr) return;
    const std::stop_callback release(stop_.get_token(), [this] { pulled_->abandon(interruption()); });
    try {
        pulled_->push(frame);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::Interrupted) throw;
    }
}

void Job::keep_latents(int step, const Tensor& latents) const {
    if (request_.run.save_latents.empty() || step + 1 < request_.generation.steps) return;
    write_latents(request_.run.save_latents, latents);
}

/// Never throws: how the run ended lies in failure_ and, for the pull side, in its queue.
void Job::execute() {
    const auto start = std::chrono::steady_clock::now();
    try {
        const Claim claim = session_->claim();
        const bool host_looks = callbacks_.on_frame || pulled_;
        FrameQueue queue(kQueuedFrames, frame_format(claim.context.device, sinks_, host_looks));
        codecs::Pump pump(queue, std::move(sinks_), claim.context.profiler);
        generate(claim.context, queue);
        finish(pump);
        session_->write_trace();
    } catch (...) {
        if (!failure_) failure_ = std::current_exception();
    }
    seconds_ = seconds_since(start);
    end();
}

void Job::generate(Context& context, FrameQueue& queue) {
    HostObserver observer(*this);
    try {
        check(!stop_.stop_requested(), ErrorCode::Interrupted, "the run was cancelled before it began");
        times_ = session_->generator().generate(context, request_.generation, queue, observer, stop_.get_token());
    } catch (...) {
        failure_ = std::current_exception();
        queue.fail(failure_);
    }
}

/// The cause that came first is the one to report, except that a cancelled run whose files cannot be finished says so.
void Job::finish(codecs::Pump& pump) {
    const bool cancelled = failure_ && is_interruption(failure_);
    try {
        pump.finish(cancelled);
    } catch (...) {
        const bool is_news = !failure_ || (cancelled && !is_interruption(std::current_exception()));
        if (is_news) failure_ = std::current_exception();
    }
}

void Job::end() noexcept {
    state_ = State::Done;
    if (pulled_ == nullptr) return;
    if (failure_) {
        pulled_->fail(failure_);
    } else {
        pulled_->close();
    }
}

Json Job::report() const {
    Json report = {{"request", request_.describe()},
                   {"state", state_ == State::Ready     ? "ready"
                             : state_ == State::Running ? "running"
                                                        : "done"},
                   {"frames", frames_.load()},
                   {"outputs", Json::array()}};
    for (const auto& [name, temporary] : outputs_) {
        report["outputs"].push_back({{"name", name}, {"temporary", temporary}});
    }
    if (state_ != State::Done) return report;
    report["seconds"] = {{"encode", times_.encode_seconds},
                         {"denoise", times_.denoise_seconds},
                         {"decode", times_.decode_seconds},
                         {"total", seconds_}};
    report["peak_bytes"] = times_.peak_bytes;
    report["cache_peak_bytes"] = times_.cache_peak_bytes;
    report["ranks"] = Json::array();
    for (const dit::RankReport& rank : times_.ranks) report["ranks"].push_back(rank_json(rank));
    report["stragglers"] = Json::array();
    for (const dit::Straggler& row : dit::find_stragglers(times_.ranks))
        report["stragglers"].push_back(straggler_json(row));
    return report;
}

}  // namespace kine::embed
