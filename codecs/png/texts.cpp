#include "codecs/png/texts.h"

#include "runtime/io/json.h"

extern "C" {
#include <libavutil/crc.h>
}

#include <unistd.h>

#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace kine::codecs {
namespace {

constexpr int64_t kSignatureBytes = 8;
constexpr size_t kHeaderEnd = 8 + 25;  // signature and IHDR
constexpr uint32_t kLargestText = 16u << 20;

void append_number(std::vector<uint8_t>& bytes, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<uint8_t>(value >> shift));
}

uint32_t number(const uint8_t* bytes) {
    return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

uint32_t png_crc(std::span<const uint8_t> bytes) {
    const AVCRC* table = av_crc_get_table(AV_CRC_32_IEEE_LE);
    return ~av_crc(table, 0xFFFFFFFFu, bytes.data(), bytes.size());
}

/// Keyword, then: end of keyword, not compressed, method 0, no language, no translated keyword; then the text.
void append_text_chunk(std::vector<uint8_t>& file, std::string_view key, std::string_view text) {
    std::vector<uint8_t> body = {'i', 'T', 'X', 't'};
    body.insert(body.end(), key.begin(), key.end());
    body.insert(body.end(), 5, 0);
    body.insert(body.end(), text.begin(), text.end());
    append_number(file, static_cast<uint32_t>(body.size() - 4));
    file.insert(file.end(), body.begin(), body.end());
    append_number(file, png_crc(body));
}

bool read_at(int descriptor, std::span<uint8_t> bytes, int64_t position) {
    return ::pread(descriptor, bytes.data(), bytes.size(), position) == static_cast<ssize_t>(bytes.size());
}

/// An iTXt body: see append_text_chunk. Nothing if compressed or malformed.
std::optional<std::pair<std::string, std::string>> parse_text(std::string_view body) {
    const size_t key_end = body.find('\0');
    if (key_end == std::string_view::npos || key_end + 3 > body.size() || body[key_end + 1] != 0) return std::nullopt;
    const size_t language_end = body.find('\0', key_end + 3);
    if (language_end == std::string_view::npos) return std::nullopt;
    const size_t translation_end = body.find('\0', language_end + 1);
    if (translation_end == std::string_view::npos) return std::nullopt;
    return std::pair(std::string(body.substr(0, key_end)), std::string(body.substr(translation_end + 1)));
}

void read_text(int descriptor, int64_t position, uint32_t bytes, Texts& texts) {
    std::string body(bytes, '\0');
    if (!read_at(descriptor, std::span(reinterpret_cast<uint8_t*>(body.data()), body.size()), position)) return;
    if (const auto text = parse_text(body)) texts.insert(*text);
}

}  // namespace

std::vector<uint8_t> with_texts(const std::vector<uint8_t>& png, const Texts& texts) {
    std::vector<uint8_t> file(png.begin(), png.begin() + kHeaderEnd);
    for (const auto& [key, text] : texts)
        if (!key.empty() && key.size() <= 79) append_text_chunk(file, key, text);
    file.insert(file.end(), png.begin() + kHeaderEnd, png.end());
    return file;
}

Texts read_texts(int descriptor) {
    constexpr std::array<uint8_t, kSignatureBytes> signature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    std::array<uint8_t, 8> head{};
    Texts texts;
    if (!read_at(descriptor, head, 0) || head != signature) return texts;
    for (int64_t position = kSignatureBytes; read_at(descriptor, head, position);) {
        const uint32_t bytes = number(head.data());
        const std::string_view type(reinterpret_cast<const char*>(head.data()) + 4, 4);
        if (type == "IDAT" || type == "IEND") break;  // ours stand before the pixels
        if (type == "iTXt" && bytes <= kLargestText) read_text(descriptor, position + 8, bytes, texts);
        position += 12 + int64_t{bytes};
    }
    return texts;
}

}  // namespace kine::codecs
