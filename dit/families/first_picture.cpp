#include "dit/families/first_picture.h"

#include <algorithm>

namespace kine::dit {

void check_image_size(const Request& request) {
    if (!request.image) return;
    const Shape expected = {request.height, request.width, 3};
    check(request.image.shape() == expected && request.image.dtype() == DType::UInt8, ErrorCode::Usage,
          "image has the shape {} ({}), a video of {} x {} needs {} (u8)", to_string(request.image.shape()),
          name_of(request.image.dtype()), request.width, request.height, to_string(expected));
}

Tensor first_picture(const Context& context, const Request& request) {
    check_image_size(request);
    const auto* levels = request.image.data<uint8_t>();
    std::vector<float> values(static_cast<size_t>(request.image.elements()));
    std::transform(levels, levels + request.image.elements(), values.begin(),
                   [](uint8_t level) { return static_cast<float>(level) / 255.0f * 2.0f - 1.0f; });
    return Tensor::of<float>(context, {1, request.height, request.width, 3}, values);
}

}  // namespace kine::dit
