// Sessions with the smallest model of the tests.
#pragma once

#include "apps/embed/kinescope.hpp"
#include "tests/apps/support/model_copy.h"

namespace kine::apps {

inline kinescope::Session tiny_session(const kinescope::Options& more = {}) {
    kinescope::Options options = {{"model", tiny_model().string()}};
    options.insert(options.end(), more.begin(), more.end());
    return kinescope::Session(options);
}

}  // namespace kine::apps
