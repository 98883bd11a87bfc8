#include "apps/embed/c_handles.h"

#include "runtime/io/json.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace kine::embed {

namespace {

/// The only state outside sessions: each thread's last message, cut rather than allocated, so that keeping it cannot
/// fail.
constexpr size_t kMessageBytes = 4096;
thread_local char last_message[kMessageBytes] = "";

}  // namespace

kine_status remember(kine_status status, const char* message) noexcept {
    std::strncpy(last_message, message, kMessageBytes - 1);
    last_message[kMessageBytes - 1] = '\0';
    return status;
}

kine_status remember(std::exception_ptr failure) noexcept {
    try {
        std::rethrow_exception(failure);
    } catch (const Error& error) {
        return remember(static_cast<kine_status>(error.code()), error.what());
    } catch (const std::bad_alloc&) {
        return remember(KINE_DOES_NOT_FIT, "out of memory");
    } catch (const std::exception& error) {
        return remember(KINE_OTHER, error.what());
    } catch (...) {
        return remember(KINE_OTHER, "unknown failure");
    }
}

char* copy_text(const std::string& text) {
    auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
    if (copy == nullptr) throw std::bad_alloc();
    std::memcpy(copy, text.c_str(), text.size() + 1);
    return copy;
}

char* copy_json(const Json& json) { return copy_text(json.dump(-1, ' ', false, Json::error_handler_t::replace)); }

KeyValues key_values(const kine_option* options, size_t count) {
    check(options != nullptr || count == 0, ErrorCode::Usage, "argument 'options' is NULL, its count is {}", count);
    KeyValues values;
    for (size_t i = 0; i < count; ++i) {
        const char* name = &required(options[i].name, "options[].name");
        const char* value = &required(options[i].value, "options[].value");
        values.emplace_back(name, value);
    }
    return values;
}

}  // namespace kine::embed

extern "C" const char* kine_last_error(void) { return kine::embed::last_message; }
