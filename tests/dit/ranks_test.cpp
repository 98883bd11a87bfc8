// One video over several ranks: the same bits as on one, whatever the strategy, the policy and the shape.
#include "dit/ranks.h"
#include "dit/generator.h"
#include "dit/golden_case.h"
#include "parallel/strategies/strategies.h"
#include "tests/dit/denoise.h"
#include "tests/dit/steps_of_one.h"
#include "tests/support/source_tree.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace kine::dit {
namespace {

constexpr int kMostRanks = 4;

std::filesystem::path golden_case() { return source_tree() / "tests" / "golden" / "latte"; }

Request golden_request() { return GoldenCase(golden_case()).request(); }

/// T = 5 frames of S = 77 patches: with the case's 2 heads, no count of ranks above one divides any of them.
Request awkward_request() {
    Request request = golden_request();
    request.width = 88;
    request.height = 56;
    request.num_frames = 5;
    request.steps = 3;
    request.seed = 5;
    return request;
}

/// The golden case's model, taking more frames than it was made for: its table of frames is computed.
void copy_longer_model(const std::filesystem::path& to) {
    std::filesystem::copy(golden_case() / "model", to, std::filesystem::copy_options::recursive);
    const std::filesystem::path config = to / "transformer" / "config.json";
    Json json = read_json(config);
    json["video_length"] = 5;
    std::filesystem::permissions(config, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
    std::ofstream(config) << json;
}

struct Reuse {
    const char* name;
    const char* cache;
    const char* options;
};
constexpr Reuse kReuses[] = {
    {"none", "none", ""},
    {"gated", "pab", "spatial_range=2,temporal_range=3,cross_range=3,window=0:1001,keep=gated"},
    {"ungated", "pab", "spatial_range=2,temporal_range=3,cross_range=3,window=0:1001,keep=ungated"},
};

/// A model whose steps are many enough for reuse.
template <class Parameter>
class OnLongerModel : public testing::TestWithParam<Parameter> {
  protected:
    OnLongerModel() {
        copy_longer_model(folder.path() / "model");
        generator = Generator::open(bundle.context, folder.path() / "model", DType::Float32);
    }

    TestContext bundle;
    TemporaryFolder folder;
    std::unique_ptr<Generator> generator;
};

class RanksOf : public OnLongerModel<Request (*)()> {};

using AnyRun = std::tuple<Request (*)(), Reuse>;

/// Runs and policies apart, since a pass that looks at memory or threads need not see all of them.
class RanksUnder : public OnLongerModel<AnyRun> {};

TEST_P(RanksUnder, EveryStrategyGiveTheBitsOfOneRank) {
    const auto& [make_request, reuse] = GetParam();
    Request request = make_request();
    const double noise = merging_noise(golden_case());
    request.cache = reuse.cache;
    request.cache_options = reuse.options;
    const std::vector<Tensor> alone = denoise(*generator, bundle.context, request);
    for (const parallel::Strategy& strategy : parallel::strategies()) {
        for (request.ranks = 1; request.ranks <= kMostRanks; ++request.ranks) {
            request.parallel = strategy.name;
            expect_steps_of_one(strategy, denoise(*generator, bundle.context, request), alone, noise,
                                fmt::format("{} on {} ranks", strategy.name, request.ranks));
        }
    }
}

std::string name_of(const testing::TestParamInfo<AnyRun>& row) {
    const auto& [make_request, reuse] = row.param;
    return fmt::format("{}_{}", make_request == golden_request ? "golden" : "awkward", reuse.name);
}

INSTANTIATE_TEST_SUITE_P(Latte, RanksUnder,
                         testing::Combine(testing::Values(golden_request, awkward_request), testing::ValuesIn(kReuses)),
                         name_of);

TEST_P(RanksOf, GiveTheBitsOfOneRankWithTheGuidanceBranchesApart) {
    Request request = GetParam()();
    request.cache = "pab";
    request.cache_options = kReuses[1].options;
    const std::vector<Tensor> alone = denoise(*generator, bundle.context, request);
    request.cfg_parallel = true;
    for (const char* strategy : {"dsp_frames", "ulysses_patches"}) {
        for (const int64_t ranks : {2, 4, 6}) {
            request.parallel = strategy;
            request.ranks = ranks;
            expect_steps_of_one(parallel::find_strategy(strategy), denoise(*generator, bundle.context, request), alone,
                                0, fmt::format("{} on {} ranks", strategy, ranks));
        }
    }
}

TEST_P(RanksOf, GiveTheBitsOfOneBatchWithTheGuidanceBranchesOneAfterTheOther) {
    Request request = GetParam()();
    request.cache = "pab";
    request.cache_options = kReuses[1].options;
    const std::vector<Tensor> batched = denoise(*generator, bundle.context, request);
    const int64_t batched_bytes = generator->estimate(bundle.context, request).activation_bytes;
    request.sequential_guidance = true;
    EXPECT_LT(generator->estimate(bundle.context, request).activation_bytes, batched_bytes);
    for (const int64_t ranks : {1, 3}) {
        request.parallel = ranks == 1 ? "none" : "dsp_patches";
        request.ranks = ranks;
        expect_steps_of_one(parallel::find_strategy(request.parallel), denoise(*generator, bundle.context, request),
                            batched, 0, fmt::format("{} ranks", ranks));
    }
}

TEST_P(RanksOf, FormGroupsOfAnySizeThatDividesThem) {
    Request request = GetParam()();
    const double noise = merging_noise(golden_case());
    const std::vector<Tensor> alone = denoise(*generator, bundle.context, request);
    request.ranks = 4;
    for (const char* name : {"usp_frames", "usp_patches", "double_ring_frames", "double_ring_patches"}) {
        request.parallel = name;
        for (request.group_size = 1; request.group_size <= 4; request.group_size *= 2) {
            expect_steps_of_one(parallel::find_strategy(name), denoise(*generator, bundle.context, request), alone,
                                noise, fmt::format("{} in groups of {}", name, request.group_size));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Latte, RanksOf, testing::Values(golden_request, awkward_request),
                         [](const auto& row) { return row.index == 0 ? "golden" : "awkward"; });

class DemoRanks : public testing::Test {
  protected:
    static Request small_request() {
        Request request;
        request.prompt = "a red circle";
        request.width = 48;
        request.height = 32;
        request.num_frames = 5;
        request.steps = 3;
        request.guidance_scale = 4.0;
        return request;
    }

    RunReport run(const Request& request, Observer& observer) {
        FrameQueue frames(100);
        return generator->generate(bundle.context, request, frames, observer, {});
    }

    ErrorCode code_of(const Request& request, Observer& observer, std::string* message = nullptr) {
        try {
            run(request, observer);
        } catch (const Error& error) {
            if (message) *message = error.what();
            return error.code();
        }
        return ErrorCode::Ok;
    }

    TestContext bundle;
    Observer quiet;
    std::unique_ptr<Generator> generator =
        Generator::open(bundle.context, source_tree() / "assets" / "demo", DType::Float32);
};

TEST_F(DemoRanks, WorkWithMoreRanksThanFramesOrPatches) {
    Request request = small_request();  // 6 patches a frame
    const std::vector<Tensor> alone = denoise(*generator, bundle.context, request);
    for (const parallel::Strategy& strategy : parallel::strategies()) {
        request.parallel = strategy.name;
        request.ranks = 7;
        expect_steps_of_one(strategy, denoise(*generator, bundle.context, request), alone, merging_noise(golden_case()),
                            std::string(strategy.name));
    }
}

TEST_F(DemoRanks, MoveNothingForASiteThatReuses) {
    Request request = small_request();
    request.steps = 4;
    request.ranks = 3;
    request.parallel = "dsp_frames";  // temporal attention travels
    const auto calls = [&](const char* cache_options) {
        request.cache = "pab";
        request.cache_options = cache_options;
        return run(request, quiet).ranks[1].traffic.calls;
    };
    constexpr int64_t kBlocks = 5;
    const int64_t gathers = request.steps;
    EXPECT_EQ(calls("spatial_range=1,temporal_range=1,cross_range=1,mlp=off,window=0:1001"),
              gathers + 2 * kBlocks * request.steps);
    EXPECT_EQ(calls("spatial_range=2,temporal_range=1,cross_range=2,mlp=off,window=0:1001"),
              gathers + 2 * kBlocks * request.steps);
    EXPECT_EQ(calls("spatial_range=1,temporal_range=4,cross_range=1,mlp=off,window=0:1001"), gathers + 2 * kBlocks);
}

TEST_F(DemoRanks, TogetherKeepWhatOneRankKeeps) {
    Request request = small_request();
    request.cache = "pab";
    request.cache_options = kReuses[1].options;
    const int64_t alone = run(request, quiet).cache_peak_bytes;
    request.ranks = 3;
    EXPECT_EQ(run(request, quiet).cache_peak_bytes, alone);
}

TEST_F(DemoRanks, BringHomeTheErrorOfARankWithItsNumber) {
    Request request = small_request();
    request.ranks = 3;
    request.latents = Tensor::zeros(bundle.context, {4, 5, 4, 6}, DType::Float32);
    for (int64_t i = 0; i < request.latents.elements(); ++i) request.latents.data<float>()[i] = 3e38f;
    std::string message;
    EXPECT_EQ(code_of(request, quiet, &message), ErrorCode::NotFinite);
    EXPECT_TRUE(message.starts_with("rank ")) << message;
    EXPECT_NE(message.find("step 0: output of spatial.0"), std::string::npos) << message;
}

TEST_F(DemoRanks, AllLeaveWhenOneRunsOutOfMemory) {
    class Tighten final : public Observer {
      public:
        explicit Tighten(HostAllocator& allocator) : allocator_(allocator) {}
        void on_latents(int, const Tensor&) override { allocator_.set_budget(allocator_.bytes_in_use()); }

      private:
        HostAllocator& allocator_;
    } observer(bundle.allocator);
    Request request = small_request();
    request.ranks = 4;
    std::string message;
    EXPECT_EQ(code_of(request, observer, &message), ErrorCode::DoesNotFit);
    EXPECT_TRUE(message.starts_with("rank ")) << message;
    EXPECT_NE(message.find(", step "), std::string::npos) << message;
}

TEST_F(DemoRanks, AreNoneTheWiserWhenARunIsCancelled) {
    std::stop_source stop;
    class Cancel final : public Observer {
      public:
        explicit Cancel(std::stop_source& source) : stop_(source) {}
        void on_latents(int, const Tensor&) override { stop_.request_stop(); }

      private:
        std::stop_source& stop_;
    } observer(stop);
    Request request = small_request();
    request.ranks = 4;
    FrameQueue frames(100);
    try {
        generator->generate(bundle.context, request, frames, observer, stop.get_token());
        FAIL() << "the run went on";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Interrupted);
    }
}

TEST_F(DemoRanks, AreRefusedWhereTheyCannotBeShared) {
    Request none = small_request();
    none.ranks = 0;
    EXPECT_EQ(code_of(none, quiet), ErrorCode::Usage);
    Request odd = small_request();
    odd.ranks = 3;
    odd.cfg_parallel = true;
    EXPECT_EQ(code_of(odd, quiet), ErrorCode::Usage);
    Request unguided = small_request();
    unguided.ranks = 2;
    unguided.cfg_parallel = true;
    unguided.guidance_scale = 1.0;
    EXPECT_EQ(code_of(unguided, quiet), ErrorCode::Usage);
    Request ungrouped = small_request();
    ungrouped.ranks = 4;
    ungrouped.group_size = 3;
    EXPECT_EQ(code_of(ungrouped, quiet), ErrorCode::Usage);
    Request unknown = small_request();
    unknown.parallel = "rings";
    EXPECT_EQ(code_of(unknown, quiet), ErrorCode::Usage);
}

TEST(OnRanks, GivesEveryRankThreadsOfItsOwnAndNoMoreThanThereAre) {
    TestContext bundle(4);
    std::atomic<int> threads = 0;
    on_ranks(bundle.context, {.ranks = 3}, [&](const Context& context, parallel::Communicator& communicator) {
        EXPECT_EQ(communicator.size(), 3);
        threads += context.threads.size();
    });
    EXPECT_EQ(threads.load(), 4);
}

}  // namespace
}  // namespace kine::dit
