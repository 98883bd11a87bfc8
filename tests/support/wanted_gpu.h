// Tests that need a GPU.
#pragma once

#include <string>

namespace kine {

/// Why this machine has none, or not so many, that tests can use; empty where it has, so that they are not left out
/// unseen. KINE_TEST_DEVICE=cuda says that there is one: then a test that asks for one in vain has failed.
std::string why_no_gpu(int devices = 1);

}  // namespace kine
