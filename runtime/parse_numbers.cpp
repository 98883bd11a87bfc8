// Text to numbers without the surprises of strtol: no blanks, no wrap-around, no hexadecimal, no infinity.
#include "runtime/error.h"
#include "runtime/options.h"
#include "runtime/printable.h"

#include <charconv>
#include <cmath>

namespace kine {

namespace {

template <class T>
T parse_whole(std::string_view what, std::string_view text, std::string_view expected) {
    T value{};
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value);
    const bool is_complete = end == last && !text.empty();
    check(error != std::errc::result_out_of_range || !is_complete, ErrorCode::Usage, "{}: {} is out of range", what,
          printable(text));
    check(error == std::errc() && is_complete, ErrorCode::Usage, "{}: expected {}, got '{}'", what, expected,
          printable(text));
    return value;
}

}  // namespace

int64_t parse_int(std::string_view what, std::string_view text) {
    return parse_whole<int64_t>(what, text, "an integer");
}

uint64_t parse_uint(std::string_view what, std::string_view text) {
    return parse_whole<uint64_t>(what, text, "an integer from 0");
}

double parse_number(std::string_view what, std::string_view text) {
    const auto value = parse_whole<double>(what, text, "a number");
    check(std::isfinite(value), ErrorCode::Usage, "{}: expected a finite number, got '{}'", what, printable(text));
    return value;
}

bool parse_bool(std::string_view what, std::string_view text) {
    for (const std::string_view yes : {"true", "1", "yes", "on"}) {
        if (text == yes) return true;
    }
    for (const std::string_view no : {"false", "0", "no", "off"}) {
        if (text == no) return false;
    }
    fail(ErrorCode::Usage, "{}: expected true or false, got '{}'", what, printable(text));
}

}  // namespace kine
