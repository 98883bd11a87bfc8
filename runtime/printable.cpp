#include "runtime/printable.h"

#include <fmt/core.h>

#include <cstdint>

namespace kine {

namespace {

struct Character {
    uint32_t code = 0;
    size_t bytes = 0;  // 0: not UTF-8
};

size_t announced_bytes(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead < 0xe0) return 2;
    if (lead >= 0xe0 && lead < 0xf0) return 3;
    return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

Character decode(std::string_view text) {
    constexpr uint32_t kLeadBits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};  // smaller codes are overlong forms
    const auto lead = static_cast<unsigned char>(text[0]);
    const size_t bytes = announced_bytes(lead);
    if (bytes == 0 || bytes > text.size()) return {};
    uint32_t code = lead & kLeadBits[bytes];
    for (size_t i = 1; i < bytes; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xc0) != 0x80) return {};
        code = (code << 6) | (next & 0x3fu);
    }
    const bool is_surrogate = code >= 0xd800 && code < 0xe000;
    return code < kSmallest[bytes] || is_surrogate || code > 0x10ffff ? Character{} : Character{code, bytes};
}

bool is_control(uint32_t code) { return code < 0x20 || (code >= 0x7f && code < 0xa0); }

/// Marks, separators and overrides that reorder or break a line.
bool is_invisible(uint32_t code) {
    return (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

}  // namespace

std::string printable(std::string_view text, size_t most_bytes) {
    std::string out;
    std::string_view rest = text;
    while (!rest.empty() && text.size() - rest.size() < most_bytes) {
        const Character next = decode(rest);
        const size_t bytes = next.bytes == 0 ? 1 : next.bytes;
        if (next.bytes == 0 || is_control(next.code)) {
            out += fmt::format("\\x{:02x}", next.bytes == 0 ? static_cast<unsigned char>(rest[0]) : next.code);
        } else if (is_invisible(next.code)) {
            out += fmt::format("\\u{:04x}", next.code);
        } else {
            out += rest.substr(0, bytes);
        }
        rest.remove_prefix(bytes);
    }
    if (!rest.empty()) out += fmt::format("... ({} bytes)", text.size());
    return out;
}

}  // namespace kine
