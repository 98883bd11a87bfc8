// The one exception type. A message says what was expected, what came and where; a code says how a program should exit.
#pragma once

#include <fmt/core.h>

#include <exception>
#include <source_location>
#include <string>

namespace kine {

/// Values are the exit codes of the command line and the status codes of the C interface.
enum class ErrorCode : int {
    Ok = 0,
    Other = 1,
    Usage = 2,          ///< a bad option or request
    BadInput = 3,       ///< a bad model, tokenizer, picture or latents file
    Unsupported = 4,    ///< a model or feature that we lack
    DoesNotFit = 5,     ///< memory budget or memory exhausted
    Device = 6,         ///< device or driver
    Output = 7,         ///< a sink failed
    NotFinite = 8,      ///< NaN or infinity in latents or frames
    Rank = 9,           ///< a rank failed or timed out
    Bug = 70,           ///< broken invariant of ours
    Interrupted = 130,  ///< cancelled by SIGINT or by the host program
    Terminated = 143,   ///< cancelled by SIGTERM
};

class Error : public std::exception {
  public:
    Error(ErrorCode code, std::string message, std::source_location where = std::source_location::current())
        : code_(code), message_(std::move(message)), where_(where) {}

    const char* what() const noexcept override { return message_.c_str(); }
    ErrorCode code() const noexcept { return code_; }
    const std::source_location& where() const noexcept { return where_; }

  private:
    ErrorCode code_;
    std::string message_;
    std::source_location where_;
};

/// A format string that remembers the line that wrote it.
template <class... Args>
struct MessageFormat {
    template <class Text>
    consteval MessageFormat(const Text& format_text, std::source_location at = std::source_location::current())
        : text(format_text), where(at) {}

    fmt::format_string<Args...> text;
    std::source_location where;
};

template <class... Args>
[[noreturn]] void fail(ErrorCode code, MessageFormat<std::type_identity_t<Args>...> format, Args&&... args) {
    throw Error(code, fmt::format(format.text, std::forward<Args>(args)...), format.where);
}

template <class... Args>
void check(bool holds, ErrorCode code, MessageFormat<std::type_identity_t<Args>...> format, Args&&... args) {
    if (!holds) fail(code, format, std::forward<Args>(args)...);
}

}  // namespace kine
