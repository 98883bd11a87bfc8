#include "apps/embed/image_file.h"

#include "codecs/source.h"
#include "runtime/error.h"

#include <optional>

namespace kine::embed {

Tensor read_image(const Context& context, const std::string& file) {
    const std::optional<Frame> frame = codecs::open_source(file)->read();
    check(frame.has_value(), ErrorCode::BadInput, "{}: expected a picture, it has no frame", file);
    return Tensor::of<uint8_t>(context, {frame->height(), frame->width(), 3}, frame->plane(0));
}

}  // namespace kine::embed
