#include "dit/text/utf8.h"

namespace kine::dit {
namespace {

struct LeadByte {
    int bytes;
    char32_t bits;
    char32_t smallest;  // anything below is an overlong form
};

LeadByte classify(unsigned char byte) {
    if (byte < 0x80) return {1, byte, 0};
    if (byte >= 0xC2 && byte < 0xE0) return {2, byte & 0x1Fu, 0x80};
    if (byte >= 0xE0 && byte < 0xF0) return {3, byte & 0x0Fu, 0x800};
    if (byte >= 0xF0 && byte < 0xF5) return {4, byte & 0x07u, 0x10000};
    return {0, 0, 0};
}

bool is_scalar(char32_t value) { return value <= 0x10FFFF && !(value >= 0xD800 && value < 0xE000); }

}  // namespace

CodePoint decode_utf8(std::string_view text, size_t offset) {
    const LeadByte lead = classify(static_cast<unsigned char>(text[offset]));
    if (lead.bytes == 0 || text.size() - offset < static_cast<size_t>(lead.bytes)) return {};
    char32_t value = lead.bits;
    for (int i = 1; i < lead.bytes; ++i) {
        const auto byte = static_cast<unsigned char>(text[offset + static_cast<size_t>(i)]);
        if ((byte & 0xC0u) != 0x80u) return {};
        value = (value << 6) | (byte & 0x3Fu);
    }
    if (value < lead.smallest || !is_scalar(value)) return {};
    return {value, lead.bytes};
}

void append_utf8(std::string& text, char32_t value) {
    const auto put = [&text](char32_t byte) { text.push_back(static_cast<char>(byte)); };
    const auto put_rest = [&](int shift) { put(0x80u | ((value >> shift) & 0x3Fu)); };
    if (value < 0x80) return put(value);
    if (value < 0x800) {
        put(0xC0u | (value >> 6));
        return put_rest(0);
    }
    if (value < 0x10000) {
        put(0xE0u | (value >> 12));
    } else {
        put(0xF0u | (value >> 18));
        put_rest(12);
    }
    put_rest(6);
    put_rest(0);
}

size_t find_invalid_utf8(std::string_view text) {
    for (size_t offset = 0; offset < text.size();) {
        const int bytes = decode_utf8(text, offset).bytes;
        if (bytes == 0) return offset;
        offset += static_cast<size_t>(bytes);
    }
    return std::string_view::npos;
}

}  // namespace kine::dit
