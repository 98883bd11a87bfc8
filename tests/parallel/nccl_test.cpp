// Ranks that are GPUs: as far as a machine has any.
#include "parallel/communicators/nccl.h"

#include "parallel/launch.h"
#include "tests/support/test_context.h"
#include "tests/support/wanted_gpu.h"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

namespace kine::parallel {
namespace {

/// Null where this build has no NCCL.
const NcclLibrary* library() {
    try {
        return &open_nccl_library();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Unsupported);
        EXPECT_NE(std::string(error.what()).find(kNcclPluginFile), std::string::npos) << error.what();
        return nullptr;
    }
}

int devices() {
    int count = 0;
    return library() != nullptr && library()->count_devices(&count) == 1 ? count : 0;
}

TEST(Nccl, SaysWhatIsMissingWithoutAGpu) {
    if (library() == nullptr) GTEST_SKIP() << "this build has no NCCL";
    if (devices() > 0) GTEST_SKIP() << "there is a GPU";
    const int asked[] = {0};
    try {
        make_nccl_communicators(asked);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Device);
        EXPECT_NE(std::string(error.what()).find("CUDA: "), std::string::npos) << error.what();
    }
}

TEST(Nccl, RefusesAGpuThatIsNotThere) {
    if (library() == nullptr) GTEST_SKIP() << "this build has no NCCL";
    if (const std::string reason = why_no_gpu(); !reason.empty()) GTEST_SKIP() << reason;
    ASSERT_GT(devices(), 0) << "NCCL sees none";
    const int asked[] = {devices()};
    EXPECT_THROW(make_nccl_communicators(asked), Error);
}

/// Of host tensors; one GPU talks to itself only.
TEST(Nccl, GathersSumsAndSplitsAsThreadsDo) {
    if (library() == nullptr) GTEST_SKIP() << "this build has no NCCL";
    if (const std::string reason = why_no_gpu(); !reason.empty()) GTEST_SKIP() << reason;
    ASSERT_GT(devices(), 0) << "NCCL sees none";
    std::vector<int> all(static_cast<size_t>(devices()));
    std::iota(all.begin(), all.end(), 0);
    auto communicators = make_nccl_communicators(all);
    std::vector<std::jthread> threads;
    for (auto& communicator : communicators) {
        threads.emplace_back([&] {
            const TestContext test(1);
            const float own[] = {static_cast<float>(communicator->rank() + 1)};
            const Tensor x = Tensor::of<float>(test.context, {1}, own);
            const int size = communicator->size();
            const std::vector<Shape> shapes(all.size(), Shape{1});
            const std::vector<Tensor> gathered = communicator->all_gather(test.context, x, shapes);
            for (int rank = 0; rank < size; ++rank)
                EXPECT_EQ(*gathered[static_cast<size_t>(rank)].data<float>(), static_cast<float>(rank + 1));
            EXPECT_EQ(*communicator->all_reduce(test.context, x).data<float>(),
                      static_cast<float>(size * (size + 1)) / 2);
            communicator->barrier();
            EXPECT_EQ(communicator->split(test.context, communicator->rank(), 0)->size(), 1);
        });
    }
}

}  // namespace
}  // namespace kine::parallel
