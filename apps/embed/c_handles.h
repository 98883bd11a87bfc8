// What stands behind the opaque handles, and the wall that no exception passes.
#pragma once

#include "apps/embed/job.h"
#include "apps/embed/kinescope.h"

#include <exception>
#include <memory>
#include <string>

struct kine_session {
    std::shared_ptr<kine::embed::Session> session;
};

struct kine_request {
    kine::embed::RunRequest request;
};

struct kine_job {
    kine_job(std::shared_ptr<kine::embed::Session> session, const kine::embed::RunRequest& request,
             kine::embed::HostCallbacks callbacks)
        : job(std::move(session), request, std::move(callbacks)) {}

    kine::embed::Job job;
    kine::Frame current;  // what next_frame handed out last
};

struct kine_ranks {
    std::shared_ptr<kine::parallel::Processes> processes;  // null: one rank alone
};

namespace kine::embed {

/// Remembers the message for kine_last_error; never throws.
kine_status remember(kine_status status, const char* message) noexcept;
kine_status remember(std::exception_ptr failure) noexcept;

/// Runs `body` and turns whatever it throws into a status.
template <class Body>
kine_status guarded(Body&& body) noexcept {
    try {
        body();
        return remember(KINE_OK, "");
    } catch (...) {
        return remember(std::current_exception());
    }
}

/// A NULL argument is a usage error that names it.
template <class T>
T& required(T* argument, const char* name) {
    check(argument != nullptr, ErrorCode::Usage, "argument '{}' is NULL", name);
    return *argument;
}

/// A copy that kine_text_destroy gives back.
char* copy_text(const std::string& text);
/// File names may hold bytes that are no UTF-8: those become U+FFFD.
char* copy_json(const Json& json);
KeyValues key_values(const kine_option* options, size_t count);

}  // namespace kine::embed
