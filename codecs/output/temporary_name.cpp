#include "codecs/output/temporary_name.h"

#include <fmt/format.h>

#include <climits>
#include <cstdint>
#include <string>

namespace kine::codecs {
namespace {

uint64_t fnv1a(std::string_view text) {
    uint64_t hash = 14695981039346656037ull;
    for (const unsigned char byte : text) hash = (hash ^ byte) * 1099511628211ull;
    return hash;
}

/// At most `limit` bytes, not cut inside a UTF-8 character.
std::string_view cut(std::string_view text, size_t limit) {
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
    return text.substr(0, limit);
}

}  // namespace

std::filesystem::path temporary_name(const std::filesystem::path& target, std::string_view suffix) {
    const std::string name = target.filename().string();
    std::string hidden = fmt::format(".{}{}", name, suffix);
    if (hidden.size() > NAME_MAX) {
        const std::string mark = fmt::format("-{:016x}{}", fnv1a(name), suffix);
        hidden = fmt::format(".{}{}", cut(name, NAME_MAX - 1 - mark.size()), mark);
    }
    return target.parent_path() / hidden;
}

}  // namespace kine::codecs
