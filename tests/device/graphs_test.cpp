// Steps as graphs: the same bits as without, one graph for each row that recurs, and runs that go on where graphs
// cannot.
#include "dit/step_graphs.h"

#include "broadcast/policies/policies.h"
#include "dit/denoiser.h"
#include "dit/families/families.h"
#include "dit/generator.h"
#include "dit/golden_case.h"
#include "dit/model_places.h"
#include "kernels/elementwise/elementwise.h"
#include "runtime/tensor/transfer.h"
#include "tests/runtime/errors.h"
#include "tests/support/device/test_device.h"
#include "tests/support/expect_close.h"
#include "tests/support/source_tree.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kine::dit {
namespace {

/// The predictions of a run, each step fed with other latents.
struct Predictions {
    std::vector<Tensor> all;
    GraphTally graphs, expected;
    std::map<broadcast::Site, std::vector<int>> reused;
    int64_t cache_peak_bytes = 0;
};

class GraphRun : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        if (const std::string reason = TestDevice::why_none(); !reason.empty()) GTEST_SKIP() << reason;
        device_ = std::make_unique<TestDevice>();
        model_ = load_model(context(), diffusers_source(golden(GetParam()) / "model"), DType::Float32);
    }

    static std::filesystem::path golden(const std::string& name) { return source_tree() / "tests/golden" / name; }
    Context& context() { return device_->context(); }

    Request request(int64_t steps, const std::string& cache_options) {
        GoldenCase golden_case(golden(GetParam()));
        Request request = golden_case.request();
        request.steps = steps;
        request.cache = cache_options.empty() ? "none" : "pab";
        request.cache_options = cache_options;
        return resolve_request(*model_, request);
    }

    using Use = std::function<void(Denoiser&, const broadcast::Plan&, const std::vector<double>& timesteps)>;

    /// A denoiser of `request`, as a run has it.
    void with_denoiser(const Request& request, bool may_use_graphs, const Use& use) {
        const auto sampler = make_run_sampler(*model_, request);
        const auto noise = make_run_noise(*model_, request);
        const Conditioning conditioning = make_conditioning(context(), *model_, request, *noise);
        const broadcast::Plan plan = make_run_plan(*model_, request, *sampler);
        const auto alone = parallel::make_single_communicator();
        parallel::Mesh mesh(*alone);
        Denoiser denoiser(context(), *model_, request,
                          {.conditioning = conditioning,
                           .timesteps = sampler->timesteps(),
                           .plan = plan,
                           .latents = model_->latent_shape(request),
                           .may_use_graphs = may_use_graphs},
                          mesh);
        use(denoiser, plan, sampler->timesteps());
    }

    Predictions run(const Request& request, bool may_use_graphs) {
        Predictions made;
        const auto noise = make_run_noise(*model_, request);
        const Shape shape = model_->latent_shape(request);
        with_denoiser(request, may_use_graphs, [&](Denoiser& denoiser, const auto& plan, const auto& timesteps) {
            for (int step = 0; step < request.steps; ++step)
                made.all.push_back(to_host(context(), denoiser.predict(step, noise->normal(context(), shape), {})));
            made.graphs = denoiser.graphs();
            made.expected = expected_of(plan, timesteps);
            made.reused = denoiser.reused();
            made.cache_peak_bytes = denoiser.cache_peak_bytes();
        });
        return made;
    }

    /// Of one pass: a row that comes three times or more is recorded the second time.
    GraphTally expected_of(const broadcast::Plan& plan, const std::vector<double>& timesteps) const {
        std::map<RowId, int> steps;
        for (int step = 0; step < plan.steps(); ++step)
            ++steps[{model_->stage_at(timesteps[static_cast<size_t>(step)]), plan.first_like(step)}];
        GraphTally tally;
        for (const auto& [_, count] : steps)
            if (count >= StepGraphs::kLeastSteps) tally.recorded += 1, tally.launched += count - 1;
        return tally;
    }

    std::unique_ptr<TestDevice> device_;
    std::unique_ptr<Model> model_;
};

/// Equal in all that a user could see.
void expect_same(const Predictions& graphs, const Predictions& one_by_one) {
    EXPECT_EQ(graphs.graphs.off_because, "");
    EXPECT_EQ(one_by_one.graphs.launched, 0);
    EXPECT_EQ(graphs.reused, one_by_one.reused);
    EXPECT_GE(graphs.cache_peak_bytes, one_by_one.cache_peak_bytes);
    for (size_t step = 0; step < one_by_one.all.size(); ++step)
        EXPECT_TRUE(same_bits(graphs.all[step], one_by_one.all[step])) << step;
}

TEST_P(GraphRun, LaunchesOneGraphForEachRow) {
    const Request whole = request(6, "");
    const int64_t before = device_->memory().bytes_in_use();
    const Predictions graphs = run(whole, true);
    const int experts = model_->weights[Stage::Refine] > 0 ? 2 : 1;
    EXPECT_EQ(graphs.graphs.recorded, experts);
    EXPECT_EQ(graphs.graphs.launched, 6 - experts);
    EXPECT_EQ(device_->memory().bytes_in_use(), before);
    expect_same(graphs, run(whole, false));
}

TEST_P(GraphRun, GivesTheSameBitsWhereOutputsAreReused) {
    const Request reusing = request(14, "window=0:1000,spatial_range=2,temporal_range=3,cross_range=3");
    const Predictions graphs = run(reusing, true);
    EXPECT_FALSE(graphs.reused.empty());
    EXPECT_GE(graphs.graphs.recorded, 2);
    EXPECT_EQ(graphs.graphs.recorded, graphs.expected.recorded);
    EXPECT_EQ(graphs.graphs.launched, graphs.expected.launched);
    expect_same(graphs, run(reusing, false));
}

INSTANTIATE_TEST_SUITE_P(Families, GraphRun, testing::Values("latte", "open_sora", "cogvideox", "wan"));

class OneGraphRun : public GraphRun {};

TEST_P(OneGraphRun, GivesTheSameBitsWhereBranchesGoOneAfterTheOther) {
    Request apart = request(9, "window=0:1000,spatial_range=2,temporal_range=2,cross_range=2");
    apart.sequential_guidance = true;
    const Predictions graphs = run(apart, true);
    EXPECT_GE(graphs.expected.recorded, 2);
    EXPECT_EQ(graphs.graphs.recorded, 2 * graphs.expected.recorded);
    EXPECT_EQ(graphs.graphs.launched, 2 * graphs.expected.launched);
    expect_same(graphs, run(apart, false));
}

/// Whatever fits without graphs fits with them: they are the first to go, whenever it is that they do not fit.
TEST_P(OneGraphRun, GoesOnWithoutGraphsWhereTheyDoNotFit) {
    for (const bool is_sequential : {false, true}) {
        Request tight = request(10, "spatial_range=2,spatial_window=500:1000,temporal_range=2,temporal_window=0:500");
        tight.sequential_guidance = is_sequential;
        Allocator& memory = context().allocator;
        memory.reset_peak();
        const int64_t before = memory.bytes_in_use();
        const Predictions one_by_one = run(tight, false);
        const int64_t peak = memory.peak_bytes();
        int without = 0, with = 0;
        for (const int percent : {0, 60, 150, 300}) {
            memory.set_budget(peak + (peak - before) * percent / 100);
            const Predictions graphs = run(tight, true);
            memory.set_budget(0);
            EXPECT_EQ(memory.bytes_in_use(), before);
            const std::string& why = graphs.graphs.off_because;
            EXPECT_TRUE(why.empty() || why.find("does not fit") != std::string::npos) << why;
            EXPECT_TRUE(!why.empty() || graphs.graphs.launched > 0);
            ++(why.empty() ? with : without);
            for (size_t step = 0; step < one_by_one.all.size(); ++step)
                ASSERT_TRUE(same_bits(graphs.all[step], one_by_one.all[step])) << step << " with " << percent << " %";
        }
        EXPECT_GT(without, 0);
        EXPECT_GT(with, 0);
    }
}

TEST_P(OneGraphRun, GivesTheSameBitsInBFloat16ByCudnn) {
    const WithCudnn there;
    model_ = load_model(context(), diffusers_source(golden(GetParam()) / "model"), DType::BFloat16);
    const Predictions graphs = run(request(4, ""), true);
    EXPECT_EQ(graphs.graphs.launched, 3);
    expect_same(graphs, run(request(4, ""), false));
}

/// In a step that is watched, one that is recorded, and one that is launched.
TEST_P(OneGraphRun, IsCancelledInAnyStep) {
    const Request whole = request(4, "");
    for (int last = 0; last < 3; ++last) {
        with_denoiser(whole, true, [&](Denoiser& denoiser, const auto&, const auto&) {
            const Tensor latents = Tensor::zeros(context(), model_->latent_shape(whole), DType::Float32);
            for (int step = 0; step < last; ++step) denoiser.predict(step, latents, {});
            std::stop_source stop;
            stop.request_stop();
            expect_error(ErrorCode::Interrupted, fmt::format("cancelled in step {}", last),
                         [&] { denoiser.predict(last, latents, stop.get_token()); });
            EXPECT_EQ(denoiser.graphs().off_because, "");
        });
    }
}

TEST_P(OneGraphRun, NamesTheBlockThatIsNotFinite) {
    const Request whole = request(4, "");
    with_denoiser(whole, true, [&](Denoiser& denoiser, const auto&, const auto&) {
        Tensor latents = Tensor::zeros(context(), model_->latent_shape(whole), DType::Float32);
        for (int step = 0; step < 3; ++step) denoiser.predict(step, latents, {});
        EXPECT_EQ(denoiser.graphs().launched, 2);
        latents = kernels::scale(context(), latents, 1.0f, 3e38f);
        expect_error(ErrorCode::NotFinite, "step 3: output of", [&] { denoiser.predict(3, latents, {}); });
    });
}

class WithEnvironment {
  public:
    explicit WithEnvironment(const char* wish) { setenv("KINE_CUDA_GRAPHS", wish, 1); }
    ~WithEnvironment() { unsetenv("KINE_CUDA_GRAPHS"); }
    WithEnvironment(const WithEnvironment&) = delete;
    WithEnvironment& operator=(const WithEnvironment&) = delete;
};

TEST_P(OneGraphRun, IsSwitchedOffByTheEnvironment) {
    const Request whole = request(4, "");
    {
        const WithEnvironment off("off");
        EXPECT_EQ(run(whole, true).graphs.launched, 0);
    }
    const WithEnvironment maybe("maybe");
    expect_error(ErrorCode::Usage, "unknown KINE_CUDA_GRAPHS 'maybe', known are on, off", [&] { run(whole, true); });
}

TEST_P(OneGraphRun, LeavesOutWhatATraceWantsToSee) {
    context().profiler.enable();
    EXPECT_EQ(run(request(4, ""), true).graphs.launched, 0);
}

/// What a run says, until it decodes.
class Sayings final : public Observer {
  public:
    struct Enough {};
    void on_progress(Stage stage, int64_t, int64_t) override {
        if (stage == Stage::Decode) throw Enough();
    }
    void on_log(LogLevel, std::string_view line) override { all += std::string(line) + "\n"; }
    std::string all;
};

TEST_P(OneGraphRun, IsToldOfAndLeavesMemoryToOtherJobs) {
    const auto generator = Generator::open(context(), golden(GetParam()) / "model", DType::Float32);
    const auto said = [&](int64_t runs_at_once) {
        generator->expect_runs_at_once(runs_at_once);
        FrameQueue frames(1);
        Sayings sayings;
        EXPECT_THROW(generator->generate(context(), request(5, ""), frames, sayings, {}), Sayings::Enough);
        return sayings.all;
    };
    EXPECT_EQ(said(1), "CUDA graphs: 1 recorded, 4 launched\n");
    EXPECT_EQ(said(2), "");
}

INSTANTIATE_TEST_SUITE_P(Family, OneGraphRun, testing::Values("latte"));

/// A transformer that doubles latents and adds the moment, in two ops, and can be told to misbehave.
class Doubling final : public Transformer {
  public:
    enum class Mischief { None, AllocatesMore, Waits, KeepsMemory };
    Mischief mischief = Mischief::None;
    mutable bool was_in_place = false;  ///< the last step's site: where it is kept, or reused

    Shape token_shape(const Shape& latents, int64_t branches) const override {
        return {branches, latents[1], latents[2] * latents[3], latents[0]};
    }
    TransformerCost cost(const Shape&, int64_t) const override { return {}; }
    std::unique_ptr<Prepared> prepare(const Context&, const Conditioning&, const VideoSize&,
                                      std::span<const double>) const override {
        return nullptr;
    }
    Moment moment(const StepContext& step, const Prepared&) const override {
        const std::vector<float> index(4, static_cast<float>(step.index));
        return {Tensor::of<float>(step.context, {4}, index), {}};
    }
    Tensor predict(const StepContext& step, const Prepared&, const Moment& moment,
                   const Tensor& latents) const override {
        const std::byte* made = nullptr;
        const Tensor doubled = step.cache.through(kSite, step.index, [&] {
            const Tensor twice = kernels::add(step.context, latents, latents);
            made = twice.address();
            return twice;
        });
        was_in_place = made == nullptr || made == doubled.address();
        Tensor result = kernels::add(step.context, doubled, moment.modulation);
        if (mischief == Mischief::AllocatesMore) kernels::scale(step.context, result, 2.0f);
        if (mischief == Mischief::Waits) synchronize(step.context.stream);
        if (mischief == Mischief::KeepsMemory) kept_.push_back(kernels::scale(step.context, result, 2.0f));
        return result;
    }

    static constexpr broadcast::Site kSite = {broadcast::SiteKind::SpatialAttention, 0};

  private:
    mutable std::vector<Tensor> kept_;
};

class Graphs : public testing::Test {
  protected:
    static constexpr int kSteps = 6;

    void SetUp() override {
        if (const std::string reason = TestDevice::why_none(); !reason.empty()) GTEST_SKIP() << reason;
        device_ = std::make_unique<TestDevice>();
        use_device(context().device);
        open("none");
    }

    /// For a run whose only site computes at every step, or at every second one.
    void open(std::string_view policy) {
        cache_.reset();
        graphs_.reset();
        const broadcast::Schedule schedule{std::vector<double>(kSteps, 500.0)};
        const auto chosen =
            broadcast::make_policy(policy, {}, policy == "pab" ? "spatial_range=2,window=0:1000" : "", schedule);
        plan_ = std::make_unique<broadcast::Plan>(*chosen, schedule,
                                                  std::vector<broadcast::SiteCost>{{Doubling::kSite, 1, 16}});
        memory_ = std::make_unique<RepeatedMemory>(context().allocator);
        std::vector<RowId> rows;
        for (int step = 0; step < kSteps; ++step) rows.emplace_back(Stage::Denoise, plan_->first_like(step));
        graphs_ = std::make_unique<StepGraphs>(context(), transformer_, *plan_, rows, *memory_);
        cache_ = std::make_unique<broadcast::Cache>(*plan_, *graphs_);
    }

    const Context& context() { return device_->context(); }

    /// Of latents that are all 10: 20 + index.
    float predict(int index, std::stop_token stop = {}) {
        const std::vector<float> ten(4, 10.0f);
        const Tensor latents = Tensor::of<float>(context(), {4}, ten);
        const StepContext step = {.context = context(),
                                  .index = index,
                                  .cache = *cache_,
                                  .ranks = {*alone_, parallel::find_strategy("none")},
                                  .tokens = {1, 1, 4, 1},
                                  .stop = std::move(stop)};
        return to_host(context(), graphs_->predict(step, Nothing(), latents)).data<float>()[3];
    }

    struct Nothing final : Prepared {};

    std::unique_ptr<TestDevice> device_;
    std::unique_ptr<parallel::Communicator> alone_ = parallel::make_single_communicator();
    std::unique_ptr<broadcast::Plan> plan_;
    std::unique_ptr<RepeatedMemory> memory_;
    Doubling transformer_;
    std::unique_ptr<StepGraphs> graphs_;
    std::unique_ptr<broadcast::Cache> cache_;
};

TEST_F(Graphs, TakeWhatDiffersBetweenSteps) {
    for (int step = 0; step < kSteps; ++step) EXPECT_EQ(predict(step), 20.0f + static_cast<float>(step));
    EXPECT_EQ(graphs_->recorded(), 1);
    EXPECT_EQ(graphs_->launched(), kSteps - 1);
}

TEST_F(Graphs, AreMadeAnewOnceForgotten) {
    predict(0), predict(1);
    graphs_->forget();
    EXPECT_EQ(predict(2), 22.0f);
    EXPECT_EQ(graphs_->recorded(), 2);
}

TEST_F(Graphs, ComputeKeptOutputsInTheirPlaces) {
    open("pab");
    for (int step = 0; step < kSteps; ++step) {
        EXPECT_EQ(predict(step), 20.0f + static_cast<float>(step));
        EXPECT_EQ(transformer_.was_in_place, graphs_->recorded() > 0 || step % 2 == 1) << step;
    }
    EXPECT_EQ(graphs_->recorded(), 2);
}

/// The cache does not see a step that failed, so it can be run without graphs.
TEST_F(Graphs, SayWhereMemoryIsNotWhatItWas) {
    open("pab");
    predict(0), predict(1);
    transformer_.mischief = Doubling::Mischief::AllocatesMore;
    expect_error(ErrorCode::Bug, "allocation 2 of repeated work has 16 bytes, planned were 0", [&] { predict(2); });
    EXPECT_EQ(graphs_->launched(), 0);
    EXPECT_EQ(cache_->reused().at(Doubling::kSite), std::vector<int>({1}));
    transformer_.mischief = Doubling::Mischief::None;
    EXPECT_EQ(predict(2), 22.0f);
}

TEST_F(Graphs, SayWhereTheWorkWaits) {
    predict(0);
    transformer_.mischief = Doubling::Mischief::Waits;
    expect_error(ErrorCode::Device, "", [&] { predict(1); });
    EXPECT_EQ(graphs_->launched(), 0);
}

/// Memory that outlives a step is not the step's, so a graph could not have it.
TEST_F(Graphs, WaitForAStepThatKeepsNoMemory) {
    transformer_.mischief = Doubling::Mischief::KeepsMemory;
    predict(0);
    transformer_.mischief = Doubling::Mischief::None;
    for (int step = 1; step < kSteps; ++step) EXPECT_EQ(predict(step), 20.0f + static_cast<float>(step));
    EXPECT_EQ(graphs_->launched(), kSteps - 2);
}

TEST_F(Graphs, SayWhereEveryStepKeepsMemory) {
    transformer_.mischief = Doubling::Mischief::KeepsMemory;
    predict(0), predict(1);
    expect_error(ErrorCode::Device, "steps keep memory for themselves", [&] { predict(2); });
}

TEST_F(Graphs, HoldNothingOnceGivenUp) {
    const int64_t before = device_->memory().bytes_in_use();
    predict(0), predict(1);
    EXPECT_GT(device_->memory().bytes_in_use(), before);
    graphs_->give_up();
    memory_->forget_arena();
    EXPECT_EQ(device_->memory().bytes_in_use(), before);
}

TEST_F(Graphs, AreCancelledBeforeALaunch) {
    predict(0), predict(1);
    std::stop_source stop;
    EXPECT_EQ(predict(2, stop.get_token()), 22.0f);
    stop.request_stop();
    expect_error(ErrorCode::Interrupted, "cancelled in step 3", [&] { predict(3, stop.get_token()); });
}

float first_of(const Context& context, const Tensor& x) { return to_host(context, x).data<float>()[0]; }

Tensor filled(const Context& context, float value) {
    const std::vector<float> values(4, value);
    return Tensor::of<float>(context, {4}, values);
}

TEST_F(Graphs, DoTheirWorkEachTimeThatTheyAreLaunched) {
    Tensor from = filled(context(), 1), to = filled(context(), 0);
    const CudaGraph graph(context().device, [&](Stream stream) { copy_contents(from, to, stream); });
    EXPECT_EQ(first_of(context(), to), 0.0f);
    for (const float value : {2.0f, 3.0f}) {
        copy_contents(filled(context(), value), from, context().stream);
        graph.launch(context().stream);
        EXPECT_EQ(first_of(context(), to), value);
    }
}

TEST_F(Graphs, PassOnWhatGoesWrongWhileTheyAreRecorded) {
    const auto record = [&](const std::function<void(Stream)>& enqueue) { CudaGraph(context().device, enqueue); };
    expect_error(ErrorCode::Bug, "as it came", [&] { record([](Stream) { fail(ErrorCode::Bug, "as it came"); }); });
    expect_error(ErrorCode::Device, "", [&] { record([](Stream stream) { synchronize(stream); }); });
    record([](Stream) {});  // what failed leaves nothing behind
}

}  // namespace
}  // namespace kine::dit
