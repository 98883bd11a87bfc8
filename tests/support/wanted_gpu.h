// Tests that need a GPU.
#pragma once

#include <string>

namespace kine {

/// Why tests have none, or not so many; empty where they have. KINE_TEST_DEVICE=cuda says that there is one: a test
/// that asks for one in vain then fails, which otherwise nobody would see. KINE_TEST_DEVICE=cpu: tests have none.
std::string why_no_gpu(int devices = 1);

}  // namespace kine
