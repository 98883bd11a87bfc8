#include "dit/text/pattern.h"

#include "runtime/error.h"

#include <pcre2.h>

#include <vector>

namespace kine::dit {

namespace {

struct FreeCode {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
    void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};

PCRE2_SPTR units(std::string_view text) {
    return reinterpret_cast<PCRE2_SPTR>(text.data() ? text.data() : "");  // an empty view may point nowhere
}

std::string message_of(int error) {
    std::vector<PCRE2_UCHAR> buffer(256);
    pcre2_get_error_message(error, buffer.data(), buffer.size());
    return reinterpret_cast<const char*>(buffer.data());
}

}  // namespace

struct Pattern::Code {
    std::unique_ptr<pcre2_code, FreeCode> compiled;
};

Pattern::Pattern(std::string_view pattern) : code_(std::make_unique<Code>()) {
    int error = 0;
    PCRE2_SIZE at = 0;
    constexpr uint32_t kUnicode = PCRE2_UTF | PCRE2_UCP;
    code_->compiled.reset(pcre2_compile(units(pattern), pattern.size(), kUnicode, &error, &at, nullptr));
    check(code_->compiled != nullptr, ErrorCode::Bug, "pattern '{}': {} at {}", pattern, message_of(error), at);
}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;

std::string Pattern::replace_all(std::string_view text, std::string_view replacement) const {
    std::vector<PCRE2_UCHAR> out(2 * text.size() + 64);
    constexpr uint32_t kOptions = PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_OVERFLOW_LENGTH;
    for (;;) {
        PCRE2_SIZE size = out.size();
        const int result = pcre2_substitute(code_->compiled.get(), units(text), text.size(), 0, kOptions, nullptr,
                                            nullptr, units(replacement), replacement.size(), out.data(), &size);
        if (result >= 0) return {reinterpret_cast<const char*>(out.data()), size};
        check(result == PCRE2_ERROR_NOMEMORY && size > out.size(), ErrorCode::Usage, "prompt: cannot be cleaned: {}",
              message_of(result));
        out.resize(size);
    }
}

int64_t Pattern::count(std::string_view text) const {
    const std::unique_ptr<pcre2_match_data, FreeMatch> match(
        pcre2_match_data_create_from_pattern(code_->compiled.get(), nullptr));
    int64_t found = 0;
    PCRE2_SIZE at = 0;
    while (at <= text.size() &&
           pcre2_match(code_->compiled.get(), units(text), text.size(), at, PCRE2_NOTEMPTY, match.get(), nullptr) > 0) {
        at = pcre2_get_ovector_pointer(match.get())[1];
        ++found;
    }
    return found;
}

}  // namespace kine::dit
