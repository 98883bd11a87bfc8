// What every reader of untrusted JSON refuses in the same words, whether it builds a tree or not.
#pragma once

#include <cstddef>
#include <string_view>

namespace kine {

/// The parser hands integers beyond 64 bits over as floating numbers; `text` is what the file says.
void check_is_no_integer(std::string_view text, std::string_view where);

/// The parser takes a NUL for the end of its input, and would let anything follow it.
void check_has_no_nul(std::string_view text, std::string_view where);

/// For json_sax::parse_error; `reason` is the parser's own message.
[[noreturn]] void fail_json(std::string_view where, size_t position, std::string_view reason);

}  // namespace kine
