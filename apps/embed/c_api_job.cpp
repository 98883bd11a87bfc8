// Jobs in the C interface: host callbacks become functions, frames become plain structs.
#include "apps/embed/c_handles.h"
#include "apps/embed/job_setup.h"
#include "runtime/io/json.h"

using kine::embed::copy_json;
using kine::embed::guarded;
using kine::embed::required;

namespace {

kine_frame as_c(const kine::Frame& frame) {
    return {frame.plane(0).data(), frame.width(), frame.height(), frame.index};
}

const char* level_name(kine::LogLevel level) {
    if (level == kine::LogLevel::Debug) return "debug";
    return level == kine::LogLevel::Info ? "info" : "warning";
}

bool pass_progress(const kine_callbacks& host, const kine::embed::Progress& progress) {
    const std::string stage(name_of(progress.stage));
    const kine_progress row{stage.c_str(), progress.done, progress.total, progress.seconds};
    return host.on_progress(host.user_data, &row) == 0;
}

kine::embed::HostCallbacks as_functions(const kine_callbacks* callbacks) {
    kine::embed::HostCallbacks functions;
    if (callbacks == nullptr) return functions;
    kine::check(callbacks->struct_size == sizeof(kine_callbacks), kine::ErrorCode::Usage,
                "callbacks: struct_size is {}, this library expects {}", callbacks->struct_size,
                sizeof(kine_callbacks));
    const kine_callbacks host = *callbacks;
    if (host.on_frame != nullptr) {
        functions.on_frame = [host](const kine::Frame& frame) {
            const kine_frame picture = as_c(frame);
            return host.on_frame(host.user_data, &picture) == 0;
        };
    }
    if (host.on_progress != nullptr) {
        functions.on_progress = [host](const kine::embed::Progress& progress) { return pass_progress(host, progress); };
    }
    if (host.on_log != nullptr) {
        functions.on_log = [host](kine::LogLevel level, std::string_view line) {
            host.on_log(host.user_data, level_name(level), std::string(line).c_str());
        };
    }
    if (host.on_stuck != nullptr) {
        functions.on_stuck = [host](const kine::Error& failure) {
            host.on_stuck(host.user_data, static_cast<kine_status>(failure.code()), failure.what());
        };
    }
    return functions;
}

}  // namespace

kine_status kine_job_check(kine_session* session, const kine_request* request) {
    return guarded([&] {
        kine::embed::check_request(*required(session, "session").session, required(request, "request").request);
    });
}

kine_status kine_job_create(kine_session* session, const kine_request* request, const kine_callbacks* callbacks,
                            kine_job** job) {
    return guarded([&] {
        required(job, "job") = nullptr;
        *job = std::make_unique<kine_job>(required(session, "session").session, required(request, "request").request,
                                          as_functions(callbacks))
                   .release();
    });
}

kine_status kine_job_run(kine_job* job) {
    return guarded([&] { required(job, "job").job.run(); });
}

kine_status kine_job_start(kine_job* job) {
    return guarded([&] { required(job, "job").job.start(); });
}

kine_status kine_job_next_frame(kine_job* job, kine_frame* frame, int32_t* has_frame) {
    return guarded([&] {
        required(has_frame, "has_frame") = 0;
        required(frame, "frame") = {};
        std::optional<kine::Frame> next = required(job, "job").job.next_frame();
        if (!next) return;
        job->current = std::move(*next);
        *frame = as_c(job->current);
        *has_frame = 1;
    });
}

kine_status kine_job_cancel(kine_job* job) {
    return guarded([&] { required(job, "job").job.cancel(); });
}

kine_status kine_job_wait(kine_job* job) {
    return guarded([&] { required(job, "job").job.wait(); });
}

kine_status kine_job_report(const kine_job* job, char** json) {
    return guarded([&] {
        required(json, "json") = nullptr;
        *json = copy_json(required(job, "job").job.report());
    });
}

void kine_job_destroy(kine_job* job) { std::unique_ptr<kine_job>{job}.reset(); }
