// The requests of one call of the program: made one after the other, or by groups side by side. One that fails does not
// keep the others from being made.
#pragma once

#include "apps/cli/run_talk.h"
#include "apps/cli/signals.h"

#include <map>
#include <mutex>
#include <vector>

namespace kinescope::cli {

/// Every `step`-th request from `first` on.
struct Share {
    size_t first = 0;
    size_t step = 1;
};

/// What happens to the other requests when one fails. Ranks that are processes end together.
enum class OnFailure { GoOn, Stop };

struct BatchRules {
    Loudness loudness;
    OnFailure on_failure = OnFailure::GoOn;
};

class Batch {
  public:
    Batch(Session& session, const std::vector<Request>& requests, Progress& progress, BatchRules rules)
        : session_(session), requests_(requests), progress_(progress), rules_(rules) {}

    /// Throws what is wrong with a request of `shares` that can be known before anything is made.
    void check(const std::vector<Share>& shares);
    /// Makes the requests of `shares`, each share on a thread of its own. A first signal ends the runs that are under
    /// way, which finish their files, and those that are not begin no more. The exit code if all went well or a signal
    /// came; otherwise throws an Error with that of the first prompt that failed.
    int run(const std::vector<Share>& shares, SignalWatch& signals);

  private:
    class Running;

    PromptNumber number_of(size_t index) const { return {index + 1, requests_.size()}; }
    void make_share(const Share& share);
    void make(size_t index);
    void finish(Job& job, const RunTalk& talk);
    void note_failure(size_t index, const Error& error);
    void cancel(int signal);
    bool has_ended();
    [[noreturn]] void fail() const;
    void tell_end();

    Session& session_;
    const std::vector<Request>& requests_;
    Progress& progress_;
    BatchRules rules_;

    std::mutex mutex_;  // of all below
    std::vector<Job*> running_;
    std::map<size_t, Error> failures_;  // by request
    size_t made_ = 0;
    bool has_ended_ = false;  // no further request is begun
    bool is_cancelled_ = false;
};

}  // namespace kinescope::cli
