#include "runtime/device/host/thread_pool.h"

#include "tests/runtime/errors.h"

#include <gtest/gtest.h>

#include <signal.h>

#include <atomic>
#include <barrier>
#include <numeric>
#include <stdexcept>
#include <thread>

namespace kine {
namespace {

using Range = std::pair<int64_t, int64_t>;

std::vector<Range> ranges_of(ThreadPool& pool, int64_t count, int64_t grain) {
    std::mutex mutex;
    std::vector<Range> ranges;
    pool.parallel_for(count, grain, [&](int64_t begin, int64_t end) {
        const std::lock_guard lock(mutex);
        ranges.emplace_back(begin, end);
    });
    std::sort(ranges.begin(), ranges.end());
    return ranges;
}

TEST(ThreadPool, CoversEveryIndexExactlyOnce) {
    for (const int threads : {1, 2, 3, 8}) {
        ThreadPool pool(threads);
        for (const int64_t count : {1, 2, 7, 64, 1000}) {
            std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
            pool.parallel_for(count, 1, [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) seen[static_cast<size_t>(i)]++;
            });
            for (const auto& times : seen) ASSERT_EQ(times.load(), 1) << threads << " threads, " << count;
        }
    }
}

TEST(ThreadPool, GivesRangesOfAtLeastTheGrain) {
    ThreadPool pool(4);
    for (const auto& [begin, end] : ranges_of(pool, 1003, 100)) EXPECT_GE(end - begin, 100);
    EXPECT_EQ(ranges_of(pool, 99, 100), (std::vector<Range>{{0, 99}}));
}

TEST(ThreadPool, SplitsTheSameWayEveryTime) {
    ThreadPool pool(3);
    const std::vector<Range> first = ranges_of(pool, 12345, 10);
    for (int round = 0; round < 50; ++round) ASSERT_EQ(ranges_of(pool, 12345, 10), first);
}

TEST(ThreadPool, DoesNothingForNothing) {
    ThreadPool pool(2);
    EXPECT_TRUE(ranges_of(pool, 0, 1).empty());
    EXPECT_TRUE(ranges_of(pool, -3, 1).empty());
}

TEST(ThreadPool, TakesAGrainBelowOneForOne) {
    ThreadPool pool(2);
    EXPECT_EQ(ranges_of(pool, 4, 0), ranges_of(pool, 4, 1));
}

TEST(ThreadPool, RunsOnAllItsThreadsAtTheSameTime) {
    ThreadPool pool(3);
    std::barrier together(3);  // ends only if three ranges run at once
    std::atomic<int> waited = 0;
    pool.parallel_for(3, 1, [&](int64_t, int64_t) {
        together.arrive_and_wait();
        waited++;
    });
    EXPECT_EQ(waited.load(), 3);
}

TEST(ThreadPool, RunsANestedLoopWhereItIsCalled) {
    ThreadPool pool(3);
    std::atomic<int64_t> sum = 0;
    pool.parallel_for(6, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            const std::thread::id outer = std::this_thread::get_id();
            pool.parallel_for(100, 1, [&](int64_t first, int64_t last) {
                EXPECT_EQ(std::this_thread::get_id(), outer);
                sum += last - first;
            });
        }
    });
    EXPECT_EQ(sum.load(), 600);
}

TEST(ThreadPool, ServesASecondCallerWhileItIsBusy) {
    ThreadPool pool(2);
    std::atomic<int64_t> sum = 0;
    const auto add = [&](int64_t begin, int64_t end) { sum += end - begin; };
    const auto repeat = [&] {
        for (int round = 0; round < 500; ++round) pool.parallel_for(64, 1, add);
    };
    std::thread other(repeat);
    repeat();
    other.join();
    EXPECT_EQ(sum.load(), 2 * 500 * 64);
}

TEST(ThreadPool, HandsTheFirstExceptionInRangeOrderToTheCaller) {
    ThreadPool pool(4);
    for (int round = 0; round < 100; ++round) {
        const auto fail_late = [](int64_t begin, int64_t) {
            if (begin >= 5) throw std::runtime_error(std::to_string(begin));
        };
        try {
            pool.parallel_for(16, 1, fail_late);
            FAIL() << "the exception was lost";
        } catch (const std::runtime_error& error) {
            EXPECT_STREQ(error.what(), "5");
        }
    }
}

TEST(ThreadPool, WorksAfterAnException) {
    ThreadPool pool(2);
    EXPECT_THROW(pool.parallel_for(8, 1, [](int64_t, int64_t) { throw std::bad_alloc(); }), std::bad_alloc);
    EXPECT_EQ(ranges_of(pool, 8, 1).size(), 8u);
}

TEST(ThreadPool, SurvivesManyShortJobs) {
    ThreadPool pool(3);
    std::vector<int64_t> values(64);
    for (int64_t round = 1; round <= 5000; ++round) {
        pool.parallel_for(64, 8, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) values[static_cast<size_t>(i)] = round * i;
        });
        ASSERT_EQ(std::accumulate(values.begin(), values.end(), int64_t{0}), round * 63 * 32);
    }
}

TEST(ThreadPool, TakesEveryAllowedProcessorForZero) {
    EXPECT_GE(ThreadPool(0).size(), 1);
    EXPECT_EQ(ThreadPool(5).size(), 5);
}

TEST(ThreadPool, RefusesNonsenseCounts) {
    expect_error(ErrorCode::Usage, "got -1", [] { ThreadPool pool(-1); });
    expect_error(ErrorCode::Usage, "expected 0 to 1024", [] { ThreadPool pool(1'000'000); });
}

TEST(ThreadPool, LeavesSignalsToTheHostProgram) {
    ThreadPool pool(2);
    const std::thread::id caller = std::this_thread::get_id();
    std::barrier together(2);
    pool.parallel_for(2, 1, [&](int64_t, int64_t) {
        together.arrive_and_wait();  // so that one range runs on the worker
        sigset_t blocked;
        pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
        EXPECT_EQ(sigismember(&blocked, SIGTERM) == 1, std::this_thread::get_id() != caller);
    });
}

}  // namespace
}  // namespace kine
