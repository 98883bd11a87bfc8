// A picture as a run takes it: the first frame of the video to make.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <string>

namespace kine::embed {

/// The first frame of a picture or a video, u8 [Y, X, 3]. Throws ErrorCode::BadInput naming the file.
Tensor read_image(const Context& context, const std::string& file);

}  // namespace kine::embed
