// A picture as a run takes it: the first frame of the video to make.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <string>

namespace kine::embed {

/// The first frame of a picture or a video, u8 [height, width, 3]: scaled to cover that size, its middle kept. Throws
/// ErrorCode::BadInput naming the file.
Tensor read_image(const Context& context, const std::string& file, int64_t width, int64_t height);

}  // namespace kine::embed
