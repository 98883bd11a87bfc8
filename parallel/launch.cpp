#include "parallel/launch.h"

#include <mutex>
#include <thread>

namespace kine::parallel {

namespace {

/// The exception that came first; later ones are its echoes on other ranks.
class FirstFailure {
  public:
    void note(const std::exception_ptr& failure) {
        const std::lock_guard lock(mutex_);
        if (!first_) first_ = failure;
    }

    /// After all threads have ended.
    void rethrow() const {
        if (first_) std::rethrow_exception(first_);
    }

  private:
    std::mutex mutex_;
    std::exception_ptr first_;
};

void run_rank(std::unique_ptr<Communicator> communicator, const std::function<void(Communicator&)>& body,
              FirstFailure& failure) {
    try {
        body(*communicator);
    } catch (...) {
        failure.note(std::current_exception());  // before the others wake and note theirs
        communicator->abandon(std::current_exception());
    }
}

}  // namespace

void launch(int ranks, const std::function<void(Communicator& communicator)>& body) {
    std::vector<std::unique_ptr<Communicator>> communicators = make_thread_communicators(ranks);
    FirstFailure failure;
    {
        std::vector<std::jthread> threads;
        try {
            for (size_t rank = 1; rank < communicators.size(); ++rank) {
                threads.emplace_back([&, rank] { run_rank(std::move(communicators[rank]), body, failure); });
            }
        } catch (...) {  // no further thread to be had: those that run must not wait for it
            failure.note(std::current_exception());
            communicators[0]->abandon(std::current_exception());
        }
        if (threads.size() + 1 == communicators.size()) run_rank(std::move(communicators[0]), body, failure);
    }
    failure.rethrow();
}

}  // namespace kine::parallel
