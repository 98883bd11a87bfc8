// Every golden case in sixteen bits where there is a cuDNN, so that whole models run through it.
#include "tests/device/golden_on_device.h"
#include "tests/support/device/emulated_cudnn.h"

namespace kine::dit {
namespace {

class GoldenByCudnn : public GoldenOnDevice {
  protected:
    void verify_by_cudnn(DType dtype) {
        const int runs = emulated_cudnn().runs;
        verify(dtype);
        EXPECT_TRUE(IsSkipped() || emulated_cudnn().runs > runs);
    }

  private:
    const WithCudnn there_;
};

TEST_P(GoldenByCudnn, StaysWithinTwoPercentInBFloat16) { verify_by_cudnn(DType::BFloat16); }
TEST_P(GoldenByCudnn, StaysWithinAQuarterPercentInFloat16) { verify_by_cudnn(DType::Float16); }

INSTANTIATE_TEST_SUITE_P(Tree, GoldenByCudnn, testing::ValuesIn(kine::golden_cases()), case_name);

}  // namespace
}  // namespace kine::dit
