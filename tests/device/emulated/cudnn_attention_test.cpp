// Attention through an emulated cuDNN: which problems it gets, in how many calls, and what becomes of the others.
#include "kernels/attention/attention_device.h"
#include "runtime/tensor/transfer.h"
#include "tests/support/device/emulated_cudnn.h"
#include "tests/support/device/test_device.h"
#include "tests/support/expect_close.h"

#include <cmath>
#include <thread>

namespace kine::kernels {
namespace {

/// Weights of a softmax are rounded nowhere in the twin, once or twice in kernels; results are, to bf16.
constexpr Tolerance kTolerance = {8e-3, 4e-3};

class CudnnAttention : public testing::Test {
  protected:
    ~CudnnAttention() override {
        emulated_cudnn().version = 91900;
        emulated_cudnn().refuses_plans = emulated_cudnn().fails_runs = false;
    }
    const Context& host() { return device.host(); }
    Tensor random(const Shape& shape, DType dtype = DType::BFloat16) {
        return random_tensor(host(), shape, dtype, ++seed, 1.0f);
    }

    TestDevice device;
    WithCudnn there;
    uint64_t seed = 0;
};

AttentionProblem problem_of(const Tensor& q, const Tensor& k, const Tensor& v, Tensor out) {
    return {q, k, v, std::move(out), {}, {}, 1.0f / std::sqrt(static_cast<float>(q.dim(4)))};
}

/// The first row that can run it.
std::string_view chosen(const AttentionProblem& problem) {
    for (const AttentionVariant& variant : device_attention_variants())
        if (variant.can_run(problem)) return variant.name;
    return "none";
}

std::string_view chosen_for(const Context& device, const Tensor& q, const Tensor& k) {
    return chosen(problem_of(q, k, k, Tensor::empty(device, q.shape(), q.dtype())));
}

/// On the host, by loops in double.
std::vector<double> twin(const Context& host, const Tensor& q, const Tensor& k, const Tensor& v, Tensor log_sums = {}) {
    AttentionProblem problem = problem_of(q, k, v, Tensor::empty(host, q.shape(), q.dtype()));
    problem.log_sums = log_sums;
    reference_attention_host(host, problem);
    return to_doubles(problem.out);
}

TEST_F(CudnnAttention, IsChosenWhereItTakesTheProblem) {
    const Context& gpu = device.context();
    const auto made = [&](const Shape& shape, DType dtype = DType::BFloat16) {
        return Tensor::zeros(gpu, shape, dtype);
    };
    EXPECT_EQ(chosen_for(gpu, made({2, 3, 70, 2, 72}), made({2, 3, 70, 2, 72})), "cudnn");
    EXPECT_EQ(chosen_for(gpu, made({2, 3, 70, 2, 72}), made({2, 1, 9, 2, 72})), "cudnn") << "shared keys";
    EXPECT_EQ(chosen_for(gpu, made({1, 1, 70, 1, 256}), made({1, 1, 9, 1, 256})), "cudnn");
    EXPECT_EQ(chosen_for(gpu, made({2, 3, 16, 2, 72}), made({2, 3, 16, 2, 72})), "temporal");
    EXPECT_EQ(chosen_for(gpu, made({1, 1, 70, 1, 264}), made({1, 1, 9, 1, 264})), "rows") << "too wide";
    EXPECT_EQ(chosen_for(gpu, made({1, 1, 70, 1, 20}), made({1, 1, 9, 1, 20})), "rows") << "no whole words";
    EXPECT_EQ(chosen_for(gpu, made({1, 1, 70, 1, 72}, DType::Float32), made({1, 1, 9, 1, 72}, DType::Float32)), "rows");
    AttentionProblem masked =
        problem_of(made({1, 1, 70, 1, 72}), made({1, 1, 9, 1, 72}), made({1, 1, 9, 1, 72}), made({1, 1, 70, 1, 72}));
    masked.key_mask = made({1, 9}, DType::UInt8);
    EXPECT_EQ(chosen(masked), "flash");
    masked.key_mask = {};
    masked.bias = made({1, 70, 9}, DType::Float32);
    EXPECT_EQ(chosen(masked), "rows");
}

struct Row {
    const char* name;
    Shape q, k;  ///< [B1, B2, L, H, D], before `swaps`
    bool swaps;  ///< the second and the third axis
    int runs;
};

TEST_F(CudnnAttention, EqualsTheTwinHoweverBatchesLie) {
    const Row rows[] = {{"even", {2, 3, 66, 2, 72}, {2, 3, 66, 2, 72}, false, 1},
                        {"over frames", {2, 65, 3, 2, 64}, {2, 65, 3, 2, 64}, true, 2},
                        {"few, over many frames", {1, 65, 3, 2, 40}, {1, 65, 3, 2, 40}, true, 1},
                        {"one text for all frames", {2, 3, 66, 2, 32}, {2, 1, 9, 2, 32}, false, 1},
                        {"one text for all sites", {2, 65, 3, 2, 32}, {2, 9, 1, 2, 32}, true, 3},
                        {"one text for all", {2, 3, 66, 2, 80}, {1, 1, 9, 2, 80}, false, 1},
                        {"one text for both branches", {2, 3, 66, 2, 88}, {1, 3, 9, 2, 88}, false, 2}};
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto placed = [&](const Tensor& x) { return row.swaps ? x.transpose(1, 2) : x; };
        const Tensor q = random(row.q), k = random(row.k), v = random(row.k);
        const int runs = emulated_cudnn().runs;
        const Tensor got = attention(device.context(), placed(to_device(device.context(), q)),
                                     placed(to_device(device.context(), k)), placed(to_device(device.context(), v)));
        EXPECT_EQ(emulated_cudnn().runs - runs, row.runs);
        expect_close(to_host(device.context(), got), twin(host(), placed(q), placed(k), placed(v)), kTolerance);
    }
}

TEST_F(CudnnAttention, LeavesKeysThatNoAxisHasForItselfToOthers) {
    const Tensor q = to_device(device.context(), random({2, 65, 3, 2, 32}));  // sites between the frames
    const Tensor k = to_device(device.context(), random({1, 1, 9, 2, 32}));
    EXPECT_EQ(chosen_for(device.context(), q.transpose(1, 2), k), "flash");
}

TEST_F(CudnnAttention, TellsLogSums) {
    for (const bool is_uneven : {false, true}) {
        const auto placed = [&](const Tensor& x) { return is_uneven ? x.transpose(1, 2) : x; };
        const Tensor q = random({2, 66, 68, 2, 48}), k = random({2, 66, 68, 2, 48});
        const Shape shape = placed(q).shape(), rows = {shape[0], shape[1], shape[2], shape[3]};
        const Tensor wanted = Tensor::empty(host(), rows, DType::Float32);
        const Tensor got = Tensor::empty(device.context(), rows, DType::Float32);
        const int runs = emulated_cudnn().runs;
        const Tensor here = to_device(device.context(), q), keys = to_device(device.context(), k);
        attention(device.context(), placed(here), placed(keys), placed(keys), {.log_sums = got});
        EXPECT_EQ(emulated_cudnn().runs - runs, is_uneven ? 2 : 1);
        twin(host(), placed(q), placed(k), placed(k), wanted);
        expect_close(to_host(device.context(), got), to_doubles(wanted), {1e-5, 1e-5});
    }
}

TEST_F(CudnnAttention, IsServedByTheNextRowWhereThereIsNoCudnn) {
    const Tensor q = Tensor::zeros(device.context(), {1, 1, 70, 1, 72}, DType::BFloat16);
    EXPECT_EQ(chosen_for(device.context(), q, q), "cudnn");
    emulated_cudnn().version = 91400;
    EXPECT_EQ(chosen_for(device.context(), q, q), "flash");
    emulated_cudnn().version = 91500;
    EXPECT_EQ(chosen_for(device.context(), q, q), "cudnn");
    emulated_cudnn().is_there = false;
    EXPECT_EQ(chosen_for(device.context(), q, q), "flash");
}

TEST_F(CudnnAttention, IsServedByTheNextRowWhereCudnnHasNoPlanWhichIsAskedOnce) {
    const Tensor q = random({1, 1, 71, 3, 72});
    emulated_cudnn().refuses_plans = true;
    const int plans = emulated_cudnn().plans, runs = emulated_cudnn().runs;
    for (int i = 0; i < 3; ++i) {
        const Tensor here = to_device(device.context(), q);
        const Tensor got = attention(device.context(), here, here, here);
        expect_close(to_host(device.context(), got), twin(host(), q, q, q), kTolerance);
    }
    EXPECT_EQ(emulated_cudnn().plans - plans, 1);
    EXPECT_EQ(emulated_cudnn().runs, runs);
}

/// Of one of several threads, which may throw nothing.
std::vector<double> attend_on_own_device(const Tensor& q) {
    try {
        TestDevice own;
        const Tensor here = to_device(own.context(), q);
        return to_doubles(to_host(own.context(), attention(own.context(), here, here, here)));
    } catch (const Error& error) {
        ADD_FAILURE() << error.what();
        return std::vector<double>(static_cast<size_t>(q.elements()));
    }
}

TEST_F(CudnnAttention, SharesOnePlanAmongThreadsAndTheirDevices) {
    const Tensor q = random({1, 1, 73, 3, 72});
    const std::vector<double> wanted = twin(host(), q, q, q);
    const int plans = emulated_cudnn().plans, runs = emulated_cudnn().runs;
    std::vector<std::vector<double>> results(8, std::vector<double>(wanted.size()));
    {
        std::vector<std::jthread> ranks;
        for (std::vector<double>& result : results) ranks.emplace_back([&] { result = attend_on_own_device(q); });
    }
    EXPECT_EQ(emulated_cudnn().plans - plans, 1);
    EXPECT_EQ(emulated_cudnn().runs - runs, 8);
    for (const std::vector<double>& result : results)
        expect_close(from_doubles(host(), q.shape(), DType::Float32, result), wanted, kTolerance);
}

TEST_F(CudnnAttention, NamesItselfWhereARunFails) {
    const Tensor q = Tensor::zeros(device.context(), {1, 1, 70, 1, 72}, DType::BFloat16);
    emulated_cudnn().fails_runs = true;
    try {
        attention(device.context(), q, q, q);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Device);
        EXPECT_STREQ(error.what(), "attention: cuDNN: CUDNN_STATUS_EXECUTION_FAILED");
    }
}

}  // namespace
}  // namespace kine::kernels
