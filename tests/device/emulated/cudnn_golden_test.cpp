// Every golden case in bf16 where there is a cuDNN, so that whole models run through it.
#include "tests/device/golden_on_device.h"
#include "tests/support/device/emulated_cudnn.h"

namespace kine::dit {
namespace {

class GoldenByCudnn : public GoldenOnDevice {
  protected:
    const WithCudnn there_;
};

TEST_P(GoldenByCudnn, StaysWithinTwoPercentInBFloat16) {
    const int runs = emulated_cudnn().runs;
    verify(DType::BFloat16);
    EXPECT_TRUE(IsSkipped() || emulated_cudnn().runs > runs);
}

INSTANTIATE_TEST_SUITE_P(Tree, GoldenByCudnn, testing::ValuesIn(kine::golden_cases()), case_name);

}  // namespace
}  // namespace kine::dit
