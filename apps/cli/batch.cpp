#include "apps/cli/batch.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <unistd.h>
#include <csignal>
#include <future>

namespace kinescope::cli {

namespace {

using Json = nlohmann::json;

int interrupted_by(int signal) { return 128 + (signal != 0 ? signal : SIGINT); }

size_t count_of(const Share& share, size_t requests) {
    return share.first < requests ? (requests - share.first - 1) / share.step + 1 : 0;
}

/// While this lives, signals go to a batch.
class SignalsTo {
  public:
    SignalsTo(SignalWatch& signals, std::function<void()> cancel) : signals_(signals) {
        signals_.set_cancel(std::move(cancel));
    }
    ~SignalsTo() { signals_.set_cancel({}); }
    SignalsTo(const SignalsTo&) = delete;
    SignalsTo& operator=(const SignalsTo&) = delete;

  private:
    SignalWatch& signals_;
};

}  // namespace

/// As long as this lives, a signal cancels the job; at once, if the signal came while the job was made.
class Batch::Running {
  public:
    Running(Batch& batch, Job& job) : batch_(batch), job_(job) {
        const std::lock_guard lock(batch_.mutex_);
        batch_.running_.push_back(&job_);
        if (batch_.has_ended_) job_.cancel();
    }
    ~Running() {
        const std::lock_guard lock(batch_.mutex_);
        std::erase(batch_.running_, &job_);
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

  private:
    Batch& batch_;
    Job& job_;
};

void Batch::check(const std::vector<Share>& shares) {
    for (const Share& share : shares) {
        for (size_t index = share.first; index < requests_.size(); index += share.step) {
            try {
                session_.check_request(requests_[index]);
            } catch (const Error& error) {
                throw Error(error.status(), number_of(index).label() + error.what());
            }
        }
    }
}

int Batch::run(const std::vector<Share>& shares, SignalWatch& signals) {
    size_t asked = 0;
    for (const Share& share : shares) asked += count_of(share, requests_.size());
    {
        const SignalsTo us(signals, [&] { cancel(signals.received()); });
        std::vector<std::future<void>> others;
        for (size_t i = 1; i < shares.size(); ++i) {
            others.push_back(std::async(std::launch::async, [this, share = shares[i]] { make_share(share); }));
        }
        make_share(shares.front());
        for (std::future<void>& other : others) other.get();
    }
    progress_.clear();
    if (requests_.size() > 1 && asked == requests_.size()) tell_end();  // groups of processes know their own only
    const bool is_complete = made_ + failures_.size() == asked;  // a signal may come when all is done but the talk
    if (is_cancelled_ && !is_complete) return interrupted_by(signals.received());
    if (!failures_.empty()) fail();
    return KINE_OK;
}

void Batch::make_share(const Share& share) {
    for (size_t index = share.first; index < requests_.size() && !has_ended(); index += share.step) {
        try {
            make(index);
        } catch (const Error& error) {
            note_failure(index, error);
        }
    }
}

void Batch::make(size_t index) {
    RunTalk talk(progress_, number_of(index), rules_.loudness);
    Job job(session_, requests_[index], talk.callbacks());
    talk.start(Json::parse(job.report()));
    {
        const Running running(*this, job);
        finish(job, talk);
    }
    talk.end(Json::parse(job.report()));
    const std::lock_guard lock(mutex_);
    ++made_;
}

void Batch::finish(Job& job, const RunTalk& talk) {
    try {
        job.run();
    } catch (const Error& error) {
        const Json report = Json::parse(job.report());
        if (error.status() == KINE_INTERRUPTED) talk.interruption(report);
        if (error.status() != KINE_INTERRUPTED) talk.failure(report);
        throw;
    }
}

void Batch::note_failure(size_t index, const Error& error) {
    const bool is_interruption = error.status() == KINE_INTERRUPTED;
    const bool is_said_later = requests_.size() == 1 || rules_.on_failure == OnFailure::Stop;
    if (!is_interruption && !is_said_later) {
        progress_.tell(fmt::format("error: {}{}", number_of(index).label(), error.what()));
    }
    const std::lock_guard lock(mutex_);
    is_cancelled_ |= is_interruption;
    has_ended_ |= is_interruption || rules_.on_failure == OnFailure::Stop;
    if (!is_interruption) failures_.emplace(index, error);
}

/// Where nothing runs, nothing is to be finished.
void Batch::cancel(int signal) {
    const std::lock_guard lock(mutex_);
    if (running_.empty()) _exit(interrupted_by(signal));
    is_cancelled_ = has_ended_ = true;
    for (Job* job : running_) job->cancel();
}

bool Batch::has_ended() {
    const std::lock_guard lock(mutex_);
    return has_ended_;
}

void Batch::tell_end() {
    const Loudness& loudness = rules_.loudness;
    if (loudness.is_heard && !loudness.is_quiet) say(fmt::format("{} of {} prompts made", made_, requests_.size()));
}

void Batch::fail() const {
    const auto& [first, error] = *failures_.begin();
    if (requests_.size() == 1) throw error;
    if (rules_.on_failure == OnFailure::Stop) throw Error(error.status(), number_of(first).label() + error.what());
    std::string numbers;
    for (const auto& [index, ignored] : failures_)
        numbers += fmt::format("{}{}", numbers.empty() ? "" : ", ", index + 1);
    throw Error(error.status(),
                fmt::format("{} of {} prompts failed: {}", failures_.size(), requests_.size(), numbers));
}

}  // namespace kinescope::cli
