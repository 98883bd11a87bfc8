#include "codecs/own_metadata.h"

#include "runtime/error.h"
#include "runtime/options.h"

#include <fmt/format.h>

namespace kine::codecs {

std::string own_metadata(const VideoInfo& info) {
    return fmt::format("{}x{} {}/{}", info.width, info.height, info.fps.num, info.fps.den);
}

std::optional<OwnMetadata> parse_own_metadata(std::string_view text) {
    const size_t times = text.find('x');
    const size_t space = text.find(' ');
    if (times == std::string_view::npos || space == std::string_view::npos || times > space) return std::nullopt;
    try {
        const int64_t width = parse_int("width", text.substr(0, times));
        const int64_t height = parse_int("height", text.substr(times + 1, space - times - 1));
        if (width < 1 || height < 1 || width > 65535 || height > 65535) return std::nullopt;
        return OwnMetadata{static_cast<int>(width), static_cast<int>(height), parse_rate(text.substr(space + 1))};
    } catch (const Error&) {
        return std::nullopt;  // somebody else's text under our key
    }
}

}  // namespace kine::codecs
