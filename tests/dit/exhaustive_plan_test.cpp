// The planner's choice against a search of everything that it may choose from: strategies, groups of ranks, and
// guidance branches together or apart.
#include "dit/families/model_source.h"
#include "dit/generator.h"
#include "dit/presets.h"
#include "dit/rank_plan.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <limits>

namespace kine::dit {
namespace {

struct Found {
    std::string name;
    int branches = 0;
    int group = 0;
    double seconds = std::numeric_limits<double>::infinity();
};

/// Every row of the table, on every division of the ranks into branches and groups.
Found search(const parallel::Work& both, const parallel::Cluster& cluster, int ranks) {
    Found best;
    for (const int branches : {1, 2}) {
        if (branches == 2 && (both.tokens[0] != 2 || ranks % 2 != 0)) continue;
        const auto guidance = branches == 2 ? parallel::Guidance::Apart : parallel::Guidance::Together;
        for (int group = 1; group <= ranks / branches; ++group) {
            if (ranks / branches % group != 0) continue;
            for (const parallel::Price& price : parallel::price_options(both, cluster, {ranks, group}, guidance)) {
                if (!price.fits || price.time_seconds >= best.seconds) continue;
                best = {price.name, branches, price.group, price.time_seconds};
            }
        }
    }
    return best;
}

class Planned : public testing::TestWithParam<const char*> {
  protected:
    /// What was asked for with sizes filled in, and ranks still to be chosen.
    Request open_choice(const Request& asked) const {
        Request request = generator->resolve(asked);
        request.parallel = "auto";
        request.group_size = 0;
        request.cfg_parallel = false;
        return request;
    }

    TestContext bundle;
    std::unique_ptr<Generator> generator =
        Generator::open(bundle.context, find_preset(GetParam()).source, {.dtype = DType::BFloat16, .is_plan = true});
};

TEST_P(Planned, RanksAreTheFastestOfAllOptions) {
    for (const char* cache : {"none", "pab"}) {
        for (const parallel::Cluster& cluster : parallel::cluster_presets()) {
            for (const int ranks : {1, 2, 4, 8}) {
                Request asked;
                asked.cache = cache;
                asked.ranks = ranks;
                asked.cluster = cluster.name;
                Request request = open_choice(asked);
                const parallel::Work both = generator->rank_work(request);
                request.cfg_parallel_auto = true;
                const Found best = search(both, cluster, ranks);
                const std::vector<parallel::Price> options = rank_options(request, both);
                // A group of all ranks is Ulysses and groups of one are a ring: ways that cost the same are the same.
                EXPECT_DOUBLE_EQ(parallel::cheapest(options).time_seconds, best.seconds)
                    << cluster.name << ", " << ranks << " ranks, " << cache << ": " << best.name << " in groups of "
                    << best.group << ", branches " << best.branches;
                choose_ranks(request, both);
                EXPECT_EQ(request.parallel, parallel::cheapest(options).name);
                EXPECT_EQ(request.cfg_parallel, parallel::cheapest(options).branches == 2);
                EXPECT_FALSE(request.cfg_parallel_auto);
            }
        }
    }
}

TEST_P(Planned, RanksOfANamedStrategyStillChooseWhetherToPartTheBranches) {
    Request asked;
    asked.ranks = 8;
    asked.cluster = "l20-pcie";
    Request request = open_choice(asked);
    const parallel::Work both = generator->rank_work(request);
    request.parallel = "gather_keys";
    request.cfg_parallel_auto = true;
    choose_ranks(request, both);
    EXPECT_EQ(request.parallel, "gather_keys_patches");
    EXPECT_TRUE(request.cfg_parallel) << "half of the keys cross a slow link";
}

INSTANTIATE_TEST_SUITE_P(Geometries, Planned, testing::Values("latte-1", "open-sora-1.2", "cogvideox-5b"));

}  // namespace
}  // namespace kine::dit
