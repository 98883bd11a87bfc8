#include "parallel/communicator.h"

#include "parallel/launch.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace kine::parallel {
namespace {

/// `count` elements that say who sends them to whom.
Tensor letter(const Context& context, int from, int to, int64_t count) {
    const std::vector<float> values(static_cast<size_t>(count), static_cast<float>(100 * from + to));
    return Tensor::of<float>(context, {count}, values);
}

/// Sizes differ from pair to pair, and some are empty.
int64_t length(int from, int to) { return (3 * from + 5 * to) % 4; }

void exchange_letters(Communicator& communicator, const Context& context) {
    const int rank = communicator.rank();
    std::vector<Tensor> parts;
    std::vector<Shape> shapes;
    for (int other = 0; other < communicator.size(); ++other) {
        parts.push_back(letter(context, rank, other, length(rank, other)));
        shapes.push_back({length(other, rank)});
    }
    const std::vector<Tensor> received = communicator.all_to_all(context, parts, shapes);
    for (int other = 0; other < communicator.size(); ++other) {
        const Tensor& part = received[static_cast<size_t>(other)];
        ASSERT_EQ(part.shape(), Shape({length(other, rank)}));
        for (int64_t index = 0; index < part.elements(); ++index) {
            EXPECT_EQ(part.data<float>()[index], static_cast<float>(100 * other + rank));
        }
    }
}

TEST(Communicator, DeliversEachPartToItsRank) {
    for (int ranks = 1; ranks <= 5; ++ranks) {
        launch(ranks, [](Communicator& communicator) {
            const TestContext test(1);
            for (int round = 0; round < 20; ++round) exchange_letters(communicator, test.context);
        });
    }
}

TEST(Communicator, GathersEverybodysTensorInRankOrder) {
    launch(4, [](Communicator& communicator) {
        const TestContext test(1);
        std::vector<Shape> shapes;
        for (int rank = 0; rank < 4; ++rank) shapes.push_back({rank});
        const Tensor own = letter(test.context, communicator.rank(), 0, communicator.rank());
        const std::vector<Tensor> all = communicator.all_gather(test.context, own, shapes);
        for (int rank = 0; rank < 4; ++rank) {
            const Tensor& part = all[static_cast<size_t>(rank)];
            ASSERT_EQ(part.dim(0), rank);
            if (rank == 0) continue;  // an empty part
            EXPECT_EQ(*part.data<float>(), static_cast<float>(100 * rank));
        }
    });
}

TEST(Communicator, CountsWhatGoesToOthersOnly) {
    launch(3, [](Communicator& communicator) {
        const TestContext test(1);
        const int rank = communicator.rank();
        exchange_letters(communicator, test.context);
        int64_t sent = 0;
        int64_t received = 0;
        for (int other = 0; other < 3; ++other) {
            if (other == rank) continue;
            sent += 4 * length(rank, other);
            received += 4 * length(other, rank);
        }
        communicator.barrier();
        EXPECT_EQ(communicator.traffic().calls, 1);
        EXPECT_EQ(communicator.traffic().bytes_sent, sent);
        EXPECT_EQ(communicator.traffic().bytes_received, received);
    });
}

TEST(Communicator, CopiesNothingOnASingleRank) {
    const TestContext test(1);
    const auto communicator = make_single_communicator();
    const Tensor own = letter(test.context, 0, 0, 3);
    const Shape shapes[] = {{3}};
    EXPECT_EQ(communicator->all_gather(test.context, own, shapes)[0].raw(), own.raw());
    EXPECT_EQ(communicator->all_to_all(test.context, {&own, 1}, shapes)[0].raw(), own.raw());
    EXPECT_EQ(communicator->traffic().bytes_sent, 0);
}

TEST(Communicator, GivesReceiversMemoryOfTheirOwn) {
    launch(2, [](Communicator& communicator) {
        const TestContext test(1);
        const Shape shapes[] = {{8}, {8}};
        const Tensor own = letter(test.context, communicator.rank(), 0, 8);
        const std::vector<Tensor> all = communicator.all_gather(test.context, own, shapes);
        EXPECT_TRUE(all[static_cast<size_t>(1 - communicator.rank())].is_unique());
    });
}

TEST(Communicator, HoldsEverybodyBackAtABarrier) {
    std::atomic<int> arrived = 0;
    launch(4, [&](Communicator& communicator) {
        for (int round = 1; round <= 50; ++round) {
            ++arrived;
            communicator.barrier();
            EXPECT_EQ(arrived.load(), 4 * round);
            communicator.barrier();
        }
    });
}

/// The error that launching `body` ends in.
std::pair<ErrorCode, std::string> failure(int ranks, const std::function<void(Communicator&)>& body) {
    try {
        launch(ranks, body);
    } catch (const Error& error) {
        return {error.code(), error.what()};
    } catch (const std::exception& error) {
        return {ErrorCode::Other, error.what()};
    }
    return {ErrorCode::Ok, ""};
}

TEST(Communicator, ReleasesTheOthersWhenARankThrows) {
    for (int thrower = 0; thrower < 4; ++thrower) {
        std::atomic<int> released = 0;
        const auto [code, message] = failure(4, [&](Communicator& communicator) {
            if (communicator.rank() == thrower) throw Error(ErrorCode::NotFinite, "no number");
            try {
                communicator.barrier();
            } catch (const Error& error) {
                EXPECT_EQ(error.code(), ErrorCode::Rank);
                EXPECT_EQ(error.what(), "rank " + std::to_string(thrower) + " failed: no number");
                ++released;
                throw;
            }
        });
        EXPECT_EQ(released.load(), 3);
        EXPECT_EQ(code, ErrorCode::NotFinite) << "the cause comes home, not its echo";
        EXPECT_EQ(message, "no number");
    }
}

TEST(Communicator, ReleasesTheOthersWhenARankThrowsAnythingElse) {
    EXPECT_EQ(failure(2,
                      [](Communicator& communicator) {
                          if (communicator.rank() == 1) throw std::runtime_error("plain");
                          communicator.barrier();
                      })
                  .second,
              "plain");
}

TEST(Communicator, NamesARankThatLeftEarly) {
    const auto [code, message] = failure(2, [](Communicator& communicator) {
        if (communicator.rank() == 0) communicator.barrier();
    });
    EXPECT_EQ(code, ErrorCode::Rank);
    EXPECT_EQ(message, "rank 1 left before barrier of rank 0");
}

TEST(Communicator, NoticesRanksThatMakeDifferentCalls) {
    const auto [code, message] = failure(2, [](Communicator& communicator) {
        const TestContext test(1);
        const Shape shapes[] = {{1}, {1}};
        if (communicator.rank() == 0) communicator.barrier();
        if (communicator.rank() == 1) communicator.all_gather(test.context, letter(test.context, 1, 0, 1), shapes);
    });
    EXPECT_EQ(code, ErrorCode::Bug);
    EXPECT_NE(message.find("barrier"), std::string::npos) << message;
    EXPECT_NE(message.find("all_gather"), std::string::npos) << message;
}

TEST(Communicator, NamesTheSenderOfAnUnexpectedShape) {
    const auto [code, message] = failure(2, [](Communicator& communicator) {
        const TestContext test(1);
        const int rank = communicator.rank();
        const Shape shapes[] = {{1}, {1}};
        communicator.all_gather(test.context, letter(test.context, rank, 0, rank == 0 ? 1 : 2), shapes);
    });
    EXPECT_EQ(code, ErrorCode::Bug);
    EXPECT_NE(message.find("from rank 1"), std::string::npos) << message;
}

TEST(Communicator, SurvivesARankWithoutMemoryForWhatItReceives) {
    const auto [code, message] = failure(3, [](Communicator& communicator) {
        TestContext test(1);
        const Tensor own = letter(test.context, communicator.rank(), 0, 1000);
        if (communicator.rank() == 2) test.allocator.set_budget(6000);
        const Shape shapes[] = {{1000}, {1000}, {1000}};
        for (int round = 0; round < 3; ++round) communicator.all_gather(test.context, own, shapes);
    });
    EXPECT_EQ(code, ErrorCode::DoesNotFit) << message;
}

/// `count` whole numbers that differ from rank to rank: sums of few of them are exact.
Tensor numbers(const Context& context, int rank, int64_t count) {
    std::vector<float> values;
    for (int64_t index = 0; index < count; ++index) values.push_back(static_cast<float>((rank + 1) * (index + 3)));
    return Tensor::of<float>(context, {count}, values);
}

TEST(Communicator, SumsTheSameOnEveryRank) {
    for (int ranks = 1; ranks <= 5; ++ranks) {
        launch(ranks, [&](Communicator& communicator) {
            const TestContext test(1);
            for (const int64_t count : {7, 2, 0}) {  // uneven, fewer than ranks, none
                const Tensor sum =
                    communicator.all_reduce(test.context, numbers(test.context, communicator.rank(), count));
                ASSERT_EQ(sum.shape(), Shape({count}));
                const float factor = static_cast<float>(ranks * (ranks + 1)) / 2;
                for (int64_t i = 0; i < count; ++i) EXPECT_EQ(sum.data<float>()[i], factor * static_cast<float>(i + 3));
            }
        });
    }
}

TEST(Communicator, ReducesAndScattersUnevenParts) {
    launch(3, [](Communicator& communicator) {
        const TestContext test(1);
        std::vector<Tensor> parts;
        for (int to = 0; to < 3; ++to) parts.push_back(numbers(test.context, communicator.rank(), to + 1));
        const Tensor sum = communicator.reduce_scatter(test.context, parts);
        ASSERT_EQ(sum.elements(), communicator.rank() + 1);
        EXPECT_EQ(sum.data<float>()[0], 3.0f * (1 + 2 + 3));
        EXPECT_EQ(communicator.traffic().bytes_sent, 4 * (6 - (communicator.rank() + 1)));
        EXPECT_EQ(communicator.traffic().bytes_received, 4 * 2 * (communicator.rank() + 1));
    });
}

TEST(Communicator, SendsAndReceivesInARingBothWaysAtOnce) {
    for (int ranks = 2; ranks <= 4; ++ranks) {
        launch(ranks, [&](Communicator& communicator) {
            const TestContext test(1);
            const int rank = communicator.rank();
            const int next = (rank + 1) % ranks, before = (rank + ranks - 1) % ranks;
            const Parcel sent[] = {{next, letter(test.context, rank, 1, 3)},
                                   {before, letter(test.context, rank, 2, 5)}};
            const Awaited awaited[] = {{before, {3}}, {next, {5}}};
            for (int round = 0; round < 10; ++round) {
                const auto received = communicator.send_receive(test.context, sent, awaited);
                EXPECT_EQ(received[0].data<float>()[2], static_cast<float>(100 * before + 1));
                EXPECT_EQ(received[1].data<float>()[4], static_cast<float>(100 * next + 2));
            }
        });
    }
}

TEST(Communicator, LetsPairsTalkWhileOthersAreFarAhead) {
    launch(4, [](Communicator& communicator) {
        const TestContext test(1);
        const int peer = communicator.rank() ^ 1;
        for (int round = 0; round < 20; ++round) {
            const Parcel sent[] = {{peer, letter(test.context, communicator.rank(), round, 2)}};
            const Awaited awaited[] = {{peer, {2}}};
            const auto received = communicator.send_receive(test.context, sent, awaited);
            EXPECT_EQ(*received[0].data<float>(), static_cast<float>(100 * peer + round));
        }
    });
}

TEST(Communicator, LetsARankComputeWhileParcelsTravel) {
    launch(3, [](Communicator& communicator) {
        const TestContext test(1);
        const int rank = communicator.rank(), next = (rank + 1) % 3, before = (rank + 2) % 3;
        const auto group = communicator.split(test.context, 0, 0);
        const Parcel sent[] = {{next, letter(test.context, rank, 4, 2)}};
        const Awaited awaited[] = {{before, {2}}};
        Pending pending = communicator.begin_send_receive(test.context, sent, awaited);
        exchange_letters(*group, test.context);  // another group's calls meanwhile
        const std::vector<Tensor> received = pending.wait();
        EXPECT_EQ(*received[0].data<float>(), static_cast<float>(100 * before + 4));
        EXPECT_TRUE(received[0].is_unique());
    });
}

TEST(Communicator, RefusesASecondCallBeforeTheFirstIsFinished) {
    const auto [code, message] = failure(2, [](Communicator& communicator) {
        const TestContext test(1);
        const int peer = 1 - communicator.rank();
        const Parcel sent[] = {{peer, letter(test.context, communicator.rank(), 4, 2)}};
        const Awaited awaited[] = {{peer, {2}}};
        const Pending first = communicator.begin_send_receive(test.context, sent, awaited);
        communicator.begin_send_receive(test.context, sent, awaited);
    });
    EXPECT_EQ(code, ErrorCode::Bug);
    EXPECT_NE(message.find("has not finished send_receive"), std::string::npos) << message;
}

TEST(Communicator, BroadcastsFromAnyRank) {
    launch(3, [](Communicator& communicator) {
        const TestContext test(1);
        for (int root = 0; root < 3; ++root) {
            const Tensor own = communicator.rank() == root ? letter(test.context, root, 9, 4) : Tensor();
            const Tensor x = communicator.broadcast(test.context, own, {root, {4}});
            EXPECT_EQ(x.data<float>()[3], static_cast<float>(100 * root + 9));
        }
    });
}

TEST(Communicator, SplitsIntoGroupsInTheOrderOfTheirKeys) {
    launch(5, [](Communicator& world) {
        const TestContext test(1);
        const int rank = world.rank();
        const auto group = world.split(test.context, rank % 2, -rank);  // 4 2 0 and 3 1
        ASSERT_EQ(group->size(), rank % 2 == 0 ? 3 : 2);
        EXPECT_EQ(group->rank(), rank % 2 == 0 ? (4 - rank) / 2 : (3 - rank) / 2);
        for (int round = 0; round < 5; ++round) exchange_letters(*group, test.context);
        const auto pair = group->split(test.context, group->rank() / 2, 0);
        for (int round = 0; round < 5; ++round) exchange_letters(*pair, test.context);
        exchange_letters(world, test.context);
    });
}

TEST(Communicator, ReleasesThoseThatWaitInAnotherGroup) {
    const auto [code, message] = failure(4, [](Communicator& world) {
        const TestContext test(1);
        const auto group = world.split(test.context, world.rank() / 2, 0);
        if (world.rank() == 3) throw Error(ErrorCode::NotFinite, "no number");
        while (true) group->barrier();  // ranks 0 and 1 would go on for ever
    });
    EXPECT_EQ(code, ErrorCode::NotFinite);
    EXPECT_EQ(message, "no number");
}

TEST(Communicator, NamesASilentRankOperationAndPlaceWhenTheDeadlineIsOver) {
    std::promise<void> others_left;
    std::shared_future<void> left = others_left.get_future().share();
    const auto [code, message] = failure(3, [&](Communicator& communicator) {
        const TestContext test(1);
        communicator.set_place("step 7");
        communicator.set_timeout(0.05);
        const std::vector<Shape> shapes(3, Shape{1});
        if (communicator.rank() == 2) {
            left.wait();  // silent for as long as anybody waits
            return;
        }
        try {
            communicator.all_gather(test.context, letter(test.context, communicator.rank(), 0, 1), shapes);
        } catch (...) {
            if (communicator.rank() == 0) others_left.set_value();
            throw;
        }
    });
    EXPECT_EQ(code, ErrorCode::Rank);
    EXPECT_NE(message.find("rank 2 did not answer all_gather of rank"), std::string::npos) << message;
    EXPECT_NE(message.find("in step 7 within 0.05 s"), std::string::npos) << message;
}

TEST(Communicator, CountsCallsAndTime) {
    launch(2, [](Communicator& communicator) {
        const TestContext test(1);
        communicator.all_reduce(test.context, numbers(test.context, communicator.rank(), 10));
        EXPECT_EQ(communicator.traffic().calls, 2);            // it scatters sums, then gathers them
        EXPECT_EQ(communicator.traffic().bytes_sent, 4 * 10);  // 2 (N - 1) / N of all
        EXPECT_GT(communicator.traffic().seconds, 0);
        Traffic sum = communicator.traffic();
        sum += communicator.traffic();
        EXPECT_EQ(sum.calls, 4);
    });
}

TEST(Communicator, NeedsAtLeastOneRank) {
    EXPECT_EQ(failure(0, [](Communicator&) {}).first, ErrorCode::Usage);
}

}  // namespace
}  // namespace kine::parallel
