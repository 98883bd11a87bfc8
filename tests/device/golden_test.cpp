// Every golden case in every type. Emulated devices have no cuDNN here, so that our own kernels run whole models.
#include "tests/device/golden_on_device.h"

namespace kine::dit {
namespace {

TEST_P(GoldenOnDevice, AgreesWithTheReferenceInFloat32) { verify(DType::Float32); }
TEST_P(GoldenOnDevice, StaysWithinTwoPercentInBFloat16) { verify(DType::BFloat16); }
TEST_P(GoldenOnDevice, StaysWithinAQuarterPercentInFloat16) { verify(DType::Float16); }

INSTANTIATE_TEST_SUITE_P(Tree, GoldenOnDevice, testing::ValuesIn(kine::golden_cases()), case_name);

}  // namespace
}  // namespace kine::dit
