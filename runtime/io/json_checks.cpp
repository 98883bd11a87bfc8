#include "runtime/io/json_checks.h"

#include "runtime/error.h"
#include "runtime/printable.h"

namespace kine {

void check_is_no_integer(std::string_view text, std::string_view where) {
    check(text.find_first_of(".eE") != std::string_view::npos, ErrorCode::BadInput, "{}: integer {} is out of range",
          where, printable(text, 40));
}

void check_has_no_nul(std::string_view text, std::string_view where) {
    const size_t found = text.find('\0');
    if (found != std::string_view::npos) fail_json(where, found + 1, "a NUL character");
}

void fail_json(std::string_view where, size_t position, std::string_view reason) {
    const size_t tag = reason.find("] ");  // "[json.exception.parse_error.101] "
    if (tag != std::string_view::npos) reason.remove_prefix(tag + 2);
    fail(ErrorCode::BadInput, "{}: invalid JSON at byte {}: {}", where, position, printable(reason));
}

}  // namespace kine
