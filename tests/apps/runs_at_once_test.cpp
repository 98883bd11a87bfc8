// Several jobs of one session at the same time, and requests that are checked before any job is made.
#include "tests/apps/support/tiny_session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace kine::apps {
namespace {

using kinescope::Error;
using kinescope::Job;
using kinescope::Request;
using kinescope::Session;
using Pictures = std::vector<std::vector<uint8_t>>;

Request kite(int seed, const std::string& ranks) {
    Request request;
    request.set("prompt", "a kite").set("seed", std::to_string(seed)).set("steps", "2");
    request.set("ranks", ranks).set("parallel", ranks == "1" ? "none" : "dsp");
    return request;
}

Pictures frames_of(const Session& session, const Request& request) {
    Job job(session, request);
    job.start();
    Pictures pictures;
    for (const kine_frame& frame : job.frames()) {
        pictures.emplace_back(frame.pixels, frame.pixels + ptrdiff_t{frame.height} * frame.width * 3);
    }
    job.wait();
    return pictures;
}

/// What `act` fails with.
template <class Act>
std::pair<kine_status, std::string> failure_of(Act&& act) {
    try {
        act();
    } catch (const Error& error) {
        return {error.status(), error.what()};
    }
    return {KINE_OK, ""};
}

/// A job that has begun and goes on until it is cancelled.
class EndlessJob {
  public:
    explicit EndlessJob(const Session& session) : job_(session, endless(), callbacks()) {
        job_.start();
        runs_.wait(false);
    }
    ~EndlessJob() {
        job_.cancel();
        EXPECT_EQ(failure_of([&] { job_.wait(); }).first, KINE_INTERRUPTED);
    }
    EndlessJob(const EndlessJob&) = delete;
    EndlessJob& operator=(const EndlessJob&) = delete;

  private:
    static Request endless() {
        Request request = kite(7, "2");
        request.set("steps", "1000");
        return request;
    }
    kine_callbacks callbacks() {
        kine_callbacks callbacks = {};
        callbacks.user_data = &runs_;
        callbacks.on_progress = [](void* data, const kine_progress*) {
            static_cast<std::atomic<bool>*>(data)->store(true);
            static_cast<std::atomic<bool>*>(data)->notify_all();
            return 0;
        };
        return callbacks;
    }

    std::atomic<bool> runs_ = false;
    Job job_;
};

TEST(RunsAtOnce, MakeTheFramesThatEachMakesAlone) {
    constexpr int kThreads = 2, kRuns = 3;
    const Session alone = tiny_session({}), together = tiny_session({{"request_parallel", "2"}});
    Pictures made[kThreads][kRuns];
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < kThreads; ++thread) {
            threads.emplace_back([&, thread] {
                for (int run = 0; run < kRuns; ++run) made[thread][run] = frames_of(together, kite(thread + run, "4"));
            });
        }
    }
    for (int thread = 0; thread < kThreads; ++thread) {
        for (int run = 0; run < kRuns; ++run) {
            EXPECT_EQ(made[thread][run].size(), 3u);
            EXPECT_TRUE(made[thread][run] == frames_of(alone, kite(thread + run, "1"))) << thread << ", " << run;
        }
    }
}

TEST(RunsAtOnce, AreAsManyAsTheSessionWasTold) {
    const Session session = tiny_session({{"request_parallel", "2"}});
    const EndlessJob first(session), second(session);
    const auto [status, words] = failure_of([&] { Job(session, kite(7, "2")).run(); });
    EXPECT_EQ(status, KINE_USAGE);
    EXPECT_NE(words.find("busy with 2 other runs"), std::string::npos) << words;
}

TEST(RunsAtOnce, DivideTheRanksOfARequest) {
    const Session session = tiny_session({{"request_parallel", "2"}});
    EXPECT_NE(Job(session, kite(7, "4")).report().find("\"ranks\":2"), std::string::npos);
    const auto [status, words] = failure_of([&] { Job(session, kite(7, "3")); });
    EXPECT_EQ(status, KINE_USAGE);
    EXPECT_NE(words.find("request_parallel 2: expected a divisor of the 3 ranks"), std::string::npos) << words;
    EXPECT_EQ(failure_of([] { tiny_session({{"request_parallel", "0"}}); }).first, KINE_USAGE);
}

TEST(RequestCheck, FindsWhatMakingTheJobWouldAndLeavesNothing) {
    const TemporaryFolder folder;
    Session session = tiny_session({});
    Request good = kite(7, "1");
    good.add_output(folder / "new" / "%04d.png").add_output(folder / "v.mp4");
    session.check_request(good);
    EXPECT_EQ(folder.count_files(), 0u);
    folder.write("v.mp4", "the old video");
    const auto [status, words] = failure_of([&] { session.check_request(good); });
    EXPECT_EQ(status, KINE_OUTPUT);
    EXPECT_NE(words.find("exists"), std::string::npos) << words;
    EXPECT_EQ(content_of(folder / "v.mp4"), "the old video");
    Request large = kite(7, "1");
    large.set("width", "50");
    EXPECT_EQ(failure_of([&] { session.check_request(large); }).first, KINE_USAGE);
}

TEST(SharedRanks, OfOneProcessAgreeWithItself) {
    kine_ranks* ranks = nullptr;
    ASSERT_EQ(kine_ranks_join(&ranks), KINE_OK);
    Session session = tiny_session({});
    session.share(ranks);
    EXPECT_EQ(session.group(), 0);
    EXPECT_TRUE(session.tells());
    std::vector<Request> requests;
    requests.push_back(kite(7, "1"));
    kinescope::agree(ranks, requests);
    EXPECT_EQ(kine_ranks_agree(nullptr, nullptr, 0), KINE_USAGE);
    EXPECT_EQ(kine_ranks_agree(ranks, nullptr, 1), KINE_USAGE);
    EXPECT_EQ(kine_job_check(nullptr, nullptr), KINE_USAGE);
    kine_ranks_destroy(ranks, 0);
}

}  // namespace
}  // namespace kine::apps
