#include "codecs/pump.h"

#include "runtime/error.h"

#include <atomic>

namespace kine::codecs {

/// What the thread and its owner share. The thread writes `failure` and `producer_failed` before it ends.
struct Pump::State {
    State(FrameQueue& from, std::vector<std::unique_ptr<Sink>> to, Profiler& zones)
        : queue(from), sinks(std::move(to)), profiler(zones) {}

    void run() noexcept;
    void write(const Frame& frame);
    void drain();

    FrameQueue& queue;
    std::vector<std::unique_ptr<Sink>> sinks;
    Profiler& profiler;
    std::atomic<int64_t> frames_written = 0;
    std::exception_ptr failure;
    Sink* failed_sink = nullptr;
    bool finished = false;
    std::thread thread;
};

void Pump::State::write(const Frame& frame) {
    const ProfileZone zone(profiler, "write frame");
    for (const auto& sink : sinks) {
        failed_sink = sink.get();
        sink->write(frame);
    }
    failed_sink = nullptr;
    frames_written.fetch_add(1, std::memory_order_relaxed);
}

void Pump::State::drain() {
    while (const std::optional<Frame> frame = queue.pop()) write(*frame);
}

void Pump::State::run() noexcept {
    try {
        drain();
    } catch (...) {
        failure = std::current_exception();
        queue.abandon(failure);  // harmless where the producer failed first
    }
}

Pump::Pump(FrameQueue& queue, std::vector<std::unique_ptr<Sink>> sinks, Profiler& profiler)
    : state_(std::make_unique<State>(queue, std::move(sinks), profiler)) {
    state_->thread = std::thread([state = state_.get()] { state->run(); });
}

Pump::~Pump() {
    if (!state_->thread.joinable()) return;
    // Nobody waits for the rest, and a producer that still pushes must not wait for us.
    state_->queue.abandon(std::make_exception_ptr(Error(ErrorCode::Interrupted, "the frames are no longer wanted")));
    state_->queue.close();
    state_->thread.join();
}

void Pump::finish(bool keep_partial) {
    check(!state_->finished, ErrorCode::Bug, "pump finished twice");
    state_->finished = true;
    state_->thread.join();
    std::exception_ptr first = state_->failure;
    const ProfileZone zone(state_->profiler, "close sinks");
    const bool abandon = first && !(keep_partial && frames_written() > 0);
    for (auto& sink : state_->sinks) {
        if (abandon || sink.get() == state_->failed_sink) continue;
        try {
            sink->close();
        } catch (...) {
            if (!first) first = std::current_exception();
        }
    }
    state_->sinks.clear();
    if (first) std::rethrow_exception(first);
}

int64_t Pump::frames_written() const { return state_->frames_written.load(std::memory_order_relaxed); }

}  // namespace kine::codecs
