// What is kept of cuDNN for each GPU, and what is said of it.
#include "kernels/cudnn/device_library.h"
#include "tests/support/device/emulated_cudnn.h"
#include "tests/support/device/test_device.h"

#include <gtest/gtest.h>

namespace kine::kernels::cudnn {
namespace {

class CudnnLibrary : public testing::Test {
  protected:
    ~CudnnLibrary() override { emulated_cudnn().version = 91900; }

    const Library& library() {
        std::string reason;
        return *load_library(reason);
    }
    static Graph graph_of(int64_t tokens) {
        AttentionGraph graph;
        graph.batches = graph.heads = 1;
        graph.queries = graph.keys = tokens;
        graph.head_size = 64;
        graph.q = graph.k = graph.v = graph.out = {64 * tokens, 64, 64};
        return graph;
    }

    WithCudnn there;
};

TEST_F(CudnnLibrary, SaysItsVersionOrWhyItIsNotUsed) {
    EXPECT_EQ(describe_library(), "9.19.0");
    emulated_cudnn().version = 91002;
    EXPECT_EQ(describe_library(), "not used: it is cuDNN 9.10.2, expected 9.15.0 or later");
    emulated_cudnn().is_there = false;
    EXPECT_EQ(describe_library(), "not used: libcudnn.so.9 is not there");
}

TEST_F(CudnnLibrary, MakesAPlanOnceForEachGraph) {
    DeviceLibrary on_device(library(), 0);
    const int plans = emulated_cudnn().plans;
    const Plan first = on_device.plan_for(graph_of(1));
    EXPECT_NE(on_device.plan_for(graph_of(2)).made, first.made);
    EXPECT_EQ(on_device.plan_for(graph_of(1)).made, first.made);
    EXPECT_NE(on_device.plan_for(ConvolutionGraph{.channels = 8, .out_channels = 8}).made, nullptr);
    EXPECT_EQ(emulated_cudnn().plans - plans, 3);
}

TEST_F(CudnnLibrary, ForgetsWhatWasNotUsedForLongest) {
    const int kept = emulated_cudnn().kept;
    {
        DeviceLibrary on_device(library(), 0, 2);
        on_device.plan_for(graph_of(1));
        on_device.plan_for(graph_of(2));
        on_device.plan_for(graph_of(1));
        const Plan third = on_device.plan_for(graph_of(3));
        EXPECT_EQ(emulated_cudnn().kept - kept, 2);
        const int plans = emulated_cudnn().plans;
        on_device.plan_for(graph_of(1));
        EXPECT_EQ(emulated_cudnn().plans, plans);
        on_device.plan_for(graph_of(2));
        EXPECT_EQ(emulated_cudnn().plans, plans + 1);
        EXPECT_EQ(emulated_cudnn().kept - kept, 3) << "the third is forgotten, but in use";
    }
    EXPECT_EQ(emulated_cudnn().kept, kept);
}

TEST_F(CudnnLibrary, HasAHandleForEachDevice) {
    const int handles = emulated_cudnn().handles;
    {
        const DeviceLibrary first(library(), 0), second(library(), 1);
        EXPECT_EQ(emulated_cudnn().handles - handles, 2);
    }
    EXPECT_EQ(emulated_cudnn().handles, handles);
    EXPECT_EQ(library_on({DeviceKind::Cuda, 0}), library_on({DeviceKind::Cuda, 0}));
    EXPECT_NE(library_on({DeviceKind::Cuda, 0}), library_on({DeviceKind::Cuda, 1}));
    emulated_cudnn().is_there = false;
    EXPECT_EQ(library_on({DeviceKind::Cuda, 0}), nullptr);
}

}  // namespace
}  // namespace kine::kernels::cudnn
