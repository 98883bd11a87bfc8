#include "apps/embed/values.h"

#include "dit/text/utf8.h"
#include "runtime/error.h"
#include "runtime/options.h"

#include <cmath>
#include <filesystem>
#include <random>

namespace kine::embed {

namespace {

/// Cuts "iB" or "B" off, then a K, M or G, which it returns as a factor.
double take_suffix(std::string_view& text) {
    if (text.ends_with("iB")) {
        text.remove_suffix(2);
    } else if (text.ends_with("B") || text.ends_with("b")) {
        text.remove_suffix(1);
    }
    if (text.empty()) return 1;
    constexpr std::string_view kLetters = "KMGkmg";
    const size_t found = kLetters.find(text.back());
    if (found == std::string_view::npos) return 1;
    text.remove_suffix(1);
    return std::pow(1024.0, static_cast<double>(found % 3 + 1));
}

bool is_control(unsigned char byte) {
    return (byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r') || byte == 0x7f;
}

}  // namespace

int64_t parse_bytes(std::string_view what, std::string_view text) {
    std::string_view number = text;
    const double factor = take_suffix(number);
    if (factor == 1) {
        const bool is_whole = !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
        check(is_whole, ErrorCode::Usage, "{}: expected bytes, such as 0, 512M or 4G, not '{}'", what, text);
        return parse_int(what, number);
    }
    const double bytes = parse_number(what, number) * factor;
    check(bytes >= 0 && bytes < 9e18, ErrorCode::Usage, "{}: expected bytes such as 512M or 4G, not '{}'", what, text);
    return static_cast<int64_t>(bytes);
}

TensorFile parse_tensor_file(std::string_view text) {
    std::error_code ignored;
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || std::filesystem::exists(std::filesystem::path(text), ignored)) {
        return {std::string(text), ""};
    }
    return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

void check_prompt(std::string_view what, std::string_view text) {
    check(text.size() <= kMaxPromptBytes, ErrorCode::Usage, "{}: expected at most {} bytes, got {}", what,
          kMaxPromptBytes, text.size());
    const size_t invalid = dit::find_invalid_utf8(text);
    check(invalid == std::string_view::npos, ErrorCode::Usage, "{}: expected UTF-8, byte {} is not", what, invalid);
    for (size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        check(!is_control(byte), ErrorCode::Usage, "{}: control character {:#04x} at byte {}", what, byte, i);
    }
}

uint64_t random_seed() { return std::random_device{}(); }

}  // namespace kine::embed
