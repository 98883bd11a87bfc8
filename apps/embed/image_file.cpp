#include "apps/embed/image_file.h"

#include "codecs/fitted.h"
#include "codecs/source.h"
#include "runtime/error.h"

#include <optional>

namespace kine::embed {

Tensor read_image(const Context& context, const std::string& file, int64_t width, int64_t height) {
    const std::optional<Frame> frame = codecs::open_source(file)->read();
    check(frame.has_value(), ErrorCode::BadInput, "{}: expected a picture, it has no frame", file);
    const Frame picture = codecs::fitted(*frame, static_cast<int>(width), static_cast<int>(height));
    return Tensor::of<uint8_t>(context.host(), {height, width, 3}, picture.plane(0));
}

}  // namespace kine::embed
