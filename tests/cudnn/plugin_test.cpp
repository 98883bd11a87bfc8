// libkinescope_cudnn.so as the program opens it, on a machine without a driver.
#include "kernels/cudnn/library.h"

#include <cudnn_version.h>
#include <gtest/gtest.h>

namespace kine::kernels::cudnn {
namespace {

TEST(CudnnPlugin, SaysWhichVersionItFound) {
    std::string reason;
    const Library* library = load_library(reason);
    ASSERT_NE(library, nullptr) << reason;
    EXPECT_EQ(library->version() / 10000, CUDNN_MAJOR);
    EXPECT_EQ(load_library(reason), library) << "it is opened once";
    EXPECT_EQ(usable_library(reason), library->version() >= kLeastVersion ? library : nullptr) << reason;
}

TEST(CudnnPlugin, SaysWhyAGpuCannotBeUsed) {
    std::string reason;
    const Library* library = load_library(reason);
    ASSERT_NE(library, nullptr) << reason;
    int capability = 0;
    EXPECT_EQ(library->open(0, &capability), nullptr);
    EXPECT_NE(std::string(library->last_error()).find("CUDA"), std::string::npos) << library->last_error();
}

}  // namespace
}  // namespace kine::kernels::cudnn
