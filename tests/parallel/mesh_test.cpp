#include "parallel/mesh.h"

#include "parallel/launch.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

namespace kine::parallel {
namespace {

TEST(Mesh, MakesNeighboursOfTheRanksOfASequence) {
    const MeshShape shape{.requests = 2, .branches = 2, .sequence = 3};
    EXPECT_EQ(place_of(0, shape), (MeshPlace{0, 0, 0}));
    EXPECT_EQ(place_of(2, shape), (MeshPlace{0, 0, 2}));
    EXPECT_EQ(place_of(3, shape), (MeshPlace{0, 1, 0}));
    EXPECT_EQ(place_of(11, shape), (MeshPlace{1, 1, 2}));
    EXPECT_THROW(place_of(12, shape), Error);
}

TEST(Mesh, BringsEachRankTogetherWithItsSequenceAndItsBranches) {
    const MeshShape shape{.requests = 2, .branches = 2, .sequence = 2};
    launch(8, [&](Communicator& world) {
        const TestContext test(1);
        Mesh mesh(test.context, world, shape);
        const MeshPlace place = place_of(world.rank(), shape);
        EXPECT_EQ(mesh.sequence().size(), 2);
        EXPECT_EQ(mesh.sequence().rank(), place.sequence);
        ASSERT_NE(mesh.branches(), nullptr);
        EXPECT_EQ(mesh.branches()->size(), 2);
        EXPECT_EQ(mesh.branches()->rank(), place.branch);
        const float rank[] = {static_cast<float>(world.rank())};
        const Tensor own = Tensor::of<float>(test.context, {1}, rank);
        const float neighbours = 2 * (rank[0] - static_cast<float>(place.sequence)) + 1;
        const float branches = 2 * (rank[0] - 2 * static_cast<float>(place.branch)) + 2;
        EXPECT_EQ(*mesh.sequence().all_reduce(test.context, own).data<float>(), neighbours);
        EXPECT_EQ(*mesh.branches()->all_reduce(test.context, own).data<float>(), branches);
        EXPECT_EQ(mesh.traffic().calls, 4);  // the world's own exchanges to arrange all this do not count
    });
}

TEST(Mesh, LeavesTheRanksOfDifferentRequestsToThemselves) {
    const MeshShape shape{.requests = 2, .sequence = 2};
    launch(4, [&](Communicator& world) {
        const TestContext test(1);
        const MeshPlace place = place_of(world.rank(), shape);
        const auto group = world.split(test.context, place.request, place.sequence);
        EXPECT_EQ(group->rank(), world.rank() % 2);
        Mesh mesh(test.context, *group, {.sequence = 2});
        const float rank[] = {static_cast<float>(world.rank())};
        for (int run = 0; run <= place.request; ++run) {  // as many as it has requests to make
            const Tensor sum = mesh.sequence().all_reduce(test.context, Tensor::of<float>(test.context, {1}, rank));
            EXPECT_EQ(*sum.data<float>(), place.request == 0 ? 1.0F : 5.0F);
        }
    });
}

TEST(Mesh, KnowsGroupsOfNeighboursAndThoseAtTheSamePlace) {
    launch(6, [&](Communicator& world) {
        const TestContext test(1);
        Mesh mesh(test.context, world, {.sequence = 6, .group = 3});
        ASSERT_TRUE(mesh.group() && mesh.peers());
        EXPECT_EQ(mesh.group()->size(), 3);
        EXPECT_EQ(mesh.group()->rank(), world.rank() % 3);
        EXPECT_EQ(mesh.peers()->size(), 2);
        EXPECT_EQ(mesh.peers()->rank(), world.rank() / 3);
        EXPECT_EQ(mesh.traffic().calls, 0);
        const float one[] = {1};
        mesh.group()->all_reduce(test.context, Tensor::of<float>(test.context, {1}, one));
        EXPECT_EQ(mesh.traffic().calls, 2);
    });
}

TEST(Mesh, MakesGroupsOfAllButNotAllRanksWhereItCan) {
    EXPECT_EQ(default_group(8, 24), 4);
    EXPECT_EQ(default_group(8, 3), 2);
    EXPECT_EQ(default_group(6, 24), 3);
    EXPECT_EQ(default_group(5, 24), 5);
    EXPECT_EQ(default_group(1, 24), 1);
}

TEST(Mesh, IsTheWorldItselfWhereThereIsOneSequence) {
    const TestContext test(1);
    const auto world = make_single_communicator();
    Mesh mesh(test.context, *world, {});
    EXPECT_EQ(&mesh.sequence(), world.get());
    EXPECT_EQ(mesh.branches(), nullptr);
}

TEST(Mesh, NeedsAsManyRanksAsItsShape) {
    const TestContext test(1);
    const auto world = make_single_communicator();
    EXPECT_THROW(Mesh(test.context, *world, {.branches = 2}), Error);
    EXPECT_THROW(Mesh(test.context, *world, {.group = 2}), Error);
}

}  // namespace
}  // namespace kine::parallel
