// A request's image as an encoder takes it.
#pragma once

#include "dit/request.h"
#include "runtime/context.h"

namespace kine::dit {

/// ErrorCode::Usage unless the request's image, if there is one, has the size of its video.
void check_image_size(const Request& request);

/// The image [Y, X, 3] u8 of a resolved request as [1, Y, X, 3] f32 in -1..1. ErrorCode::Usage unless it has the
/// video's size.
Tensor first_picture(const Context& context, const Request& request);

}  // namespace kine::dit
