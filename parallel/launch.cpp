#include "parallel/launch.h"

#include <pthread.h>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace kine::parallel {

namespace {

/// Who is still at it, and the exception that came first; later ones are its echoes on other ranks.
class Attendance {
  public:
    explicit Attendance(int ranks) : is_present_(static_cast<size_t>(ranks), true) {}

    /// Whether it is the first.
    bool note(const std::exception_ptr& failure) {
        const std::lock_guard lock(mutex_);
        if (first_) return false;
        first_ = failure;
        return true;
    }

    void leave(int rank) {
        const std::lock_guard lock(mutex_);
        is_present_[static_cast<size_t>(rank)] = false;
        changed_.notify_all();
    }

    /// Those who are still there when the time is over.
    LostRanks wait_for_all(double seconds) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return present().empty(); });
        return {first_, present()};
    }

    /// After all threads have ended.
    void rethrow() const {
        if (first_) std::rethrow_exception(first_);
    }

  private:
    std::vector<int> present() const {
        std::vector<int> ranks;
        for (size_t rank = 0; rank < is_present_.size(); ++rank) {
            if (is_present_[rank]) ranks.push_back(static_cast<int>(rank));
        }
        return ranks;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::exception_ptr first_;
    std::vector<bool> is_present_;
};

class Launch {
  public:
    Launch(std::vector<std::unique_ptr<Communicator>> ranks, const std::function<void(Communicator&)>& body,
           const GiveUp& give_up)
        : body_(body),
          give_up_(give_up),
          communicators_(std::move(ranks)),
          attendance_(static_cast<int>(communicators_.size())) {}

    void operator()() {
        const size_t ranks = communicators_.size();
        std::vector<std::jthread> threads;
        try {
            for (size_t rank = 1; rank < ranks; ++rank) threads.emplace_back([this, rank] { run_named(rank); });
        } catch (...) {  // no further thread to be had: those that run must not wait for it
            attendance_.note(std::current_exception());
            communicators_[0]->abandon(std::current_exception());
        }
        if (threads.size() + 1 == ranks) run(0);
        threads.clear();
        attendance_.rethrow();
    }

  private:
    /// Debuggers and tests know the thread by its name.
    void run_named(size_t rank) {
        pthread_setname_np(pthread_self(), fmt::format("rank {}", rank).c_str());
        run(rank);
    }

    void run(size_t rank) {
        bool is_first_failure = false;
        {
            const std::unique_ptr<Communicator> communicator = std::move(communicators_[rank]);
            try {
                body_(*communicator);
            } catch (...) {
                is_first_failure =
                    attendance_.note(std::current_exception());  // before the others wake and note theirs
                communicator->abandon(std::current_exception());
            }
        }
        attendance_.leave(static_cast<int>(rank));
        if (is_first_failure && give_up_.call) watch_the_others();
    }

    void watch_the_others() {
        const LostRanks lost = attendance_.wait_for_all(give_up_.patience_seconds);
        if (!lost.ranks.empty()) give_up_.call(lost);
    }

    const std::function<void(Communicator&)>& body_;
    const GiveUp& give_up_;
    std::vector<std::unique_ptr<Communicator>> communicators_;
    Attendance attendance_;
};

}  // namespace

void launch(int ranks, const std::function<void(Communicator& communicator)>& body, const GiveUp& give_up) {
    launch(make_thread_communicators(ranks), body, give_up);
}

void launch(std::vector<std::unique_ptr<Communicator>> ranks,
            const std::function<void(Communicator& communicator)>& body, const GiveUp& give_up) {
    Launch(std::move(ranks), body, give_up)();
}

}  // namespace kine::parallel
