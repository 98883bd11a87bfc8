// Pictures of any size as frames of a given one.
#pragma once

#include "runtime/frame/frame.h"

namespace kine::codecs {

/// An Rgb24 picture scaled so that it just covers width x height, its shape kept; what overhangs is cut off evenly. The
/// same handle where it fits as it is.
Frame fitted(const Frame& picture, int width, int height);

}  // namespace kine::codecs
