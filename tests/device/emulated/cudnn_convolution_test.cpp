// Convolutions through an emulated cuDNN: which it gets, and what becomes of the others. That their results are the
// host's, ops_test.cpp asks of every device.
#include "kernels/conv/conv.h"
#include "runtime/tensor/transfer.h"
#include "tests/support/device/emulated_cudnn.h"
#include "tests/support/device/test_device.h"
#include "tests/support/expect_close.h"

namespace kine::kernels {
namespace {

class CudnnConvolution : public testing::Test {
  protected:
    ~CudnnConvolution() override {
        emulated_cudnn().refuses_plans = emulated_cudnn().refuses_residuals = emulated_cudnn().fails_runs = false;
    }

    struct Row {
        Shape x, weight;
        ConvGeometry geometry = {.pad_begin = 1, .pad_end = 1};
        DType dtype = DType::BFloat16;
        bool has_bias = true;
        Shape residual = {};  ///< as the result; empty: none
    };
    /// How often cuDNN ran for it; the result is compared with the host's.
    int runs_of(const Row& row) {
        const Context &gpu = device.context(), &host = device.host();
        const Tensor x = random_tensor(host, row.x, row.dtype, 1, 1.0f);
        const Tensor weight = random_tensor(host, row.weight, row.dtype, 2, 0.3f);
        const Tensor bias = row.has_bias ? random_tensor(host, {row.weight[0]}, row.dtype, 3, 1.0f) : Tensor();
        const ConvWeight on_host(host, weight, bias, row.geometry);
        const ConvWeight on_gpu(gpu, to_device(gpu, weight), row.has_bias ? to_device(gpu, bias) : bias, row.geometry);
        const int runs = emulated_cudnn().runs;
        const bool has_residual = row.residual.rank() > 0;
        const Tensor residual = has_residual ? random_tensor(host, row.residual, row.dtype, 4, 1.0f) : Tensor();
        const Tensor added = has_residual ? to_device(gpu, residual) : residual;
        const Tensor got = to_host(gpu, conv3d(gpu, to_device(gpu, x), on_gpu, added));
        // A residual that is added afterwards is rounded once more.
        expect_close(got, to_doubles(conv3d(host, x, on_host, residual)), {8e-3, has_residual ? 2e-2 : 2e-5});
        return emulated_cudnn().runs - runs;
    }

    TestDevice device;
    WithCudnn there;
};

TEST_F(CudnnConvolution, TakesPicturesAndClips) {
    EXPECT_EQ(runs_of({{2, 5, 6, 8}, {4, 8, 3, 3}}), 1);
    EXPECT_EQ(runs_of({{2, 5, 6, 8}, {3, 8, 3, 3}, {.pad_begin = 1, .pad_end = 1}, DType::BFloat16, false}), 1);
    EXPECT_EQ(runs_of({{2, 6, 8, 8}, {4, 8, 3, 3}, {.stride = 2, .pad_end = 1}}), 1);
    EXPECT_EQ(runs_of({{4, 5, 6, 3}, {4, 3, 3, 3, 3}}), 1);
    EXPECT_EQ(runs_of({{4, 5, 6, 3}, {4, 3, 3, 3, 3}, {.pad_begin = 1, .pad_end = 1, .pad_front = 2}}), 1);
    EXPECT_EQ(runs_of({{4, 5, 6, 8}, {4, 8, 3, 1, 1}, {}}), 1);
    EXPECT_EQ(runs_of({{2, 5, 6, 8}, {4, 8, 1, 1, 1}, {.pad_front = 1}}), 1);
}

TEST_F(CudnnConvolution, LeavesProductsAndFloat32ToOurOwn) {
    EXPECT_EQ(runs_of({{2, 5, 6, 8}, {4, 8, 1, 1}, {}}), 0) << "a pixel is its own window";
    EXPECT_EQ(runs_of({{2, 5, 6, 8}, {4, 8, 3, 3}, {.pad_begin = 1, .pad_end = 1}, DType::Float32}), 0);
}

TEST_F(CudnnConvolution, WritesWindowsOutWhereCudnnHasNoPlan) {
    emulated_cudnn().refuses_plans = true;
    const int plans = emulated_cudnn().plans;
    EXPECT_EQ(runs_of({{3, 7, 6, 8}, {4, 8, 3, 3}}), 0);
    EXPECT_EQ(runs_of({{3, 7, 6, 8}, {4, 8, 3, 3}}), 0);
    EXPECT_EQ(emulated_cudnn().plans - plans, 1);
}

TEST_F(CudnnConvolution, AddsAResidualItselfOrLeavesItToUs) {
    const Row row = {.x = {4, 5, 6, 8}, .weight = {4, 8, 3, 3}, .residual = {4, 5, 6, 4}};
    EXPECT_EQ(runs_of(row), 1);
    emulated_cudnn().refuses_residuals = true;
    const Row other = {.x = {4, 7, 6, 8}, .weight = {4, 8, 3, 3}, .residual = {4, 7, 6, 4}};
    EXPECT_EQ(runs_of(other), 1);
}

TEST_F(CudnnConvolution, NamesItselfWhereARunFails) {
    emulated_cudnn().fails_runs = true;
    try {
        runs_of({{2, 5, 6, 8}, {4, 8, 3, 3}});
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Device);
        EXPECT_STREQ(error.what(), "conv3d: cuDNN: CUDNN_STATUS_EXECUTION_FAILED");
    }
}

}  // namespace
}  // namespace kine::kernels
