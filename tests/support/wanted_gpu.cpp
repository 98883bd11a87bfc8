#include "tests/support/wanted_gpu.h"

#include "runtime/device/gpus.h"
#include "runtime/error.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace kine {

namespace {

/// What tests are to run on: "cuda", "cpu" or, empty, what is there.
std::string wanted_device() {
    const char* const wanted = std::getenv("KINE_TEST_DEVICE");
    const std::string device = wanted ? wanted : "";
    check(device.empty() || device == "cpu" || device == "cuda", ErrorCode::Usage,
          "KINE_TEST_DEVICE is '{}', expected cpu or cuda", device);
    return device;
}

}  // namespace

std::string why_no_gpu(int devices) {
    const std::string wanted = wanted_device();
    if (wanted == "cpu") return "KINE_TEST_DEVICE is cpu";
    const GpuFacts facts = find_gpus();
    for (int index = 0; index < devices; ++index) {
        const std::string reason = why_unusable(facts, index);
        if (reason.empty()) continue;
        if (index == 0 && wanted == "cuda") ADD_FAILURE() << "KINE_TEST_DEVICE is cuda, but " << reason;
        return reason;
    }
    return "";
}

}  // namespace kine
