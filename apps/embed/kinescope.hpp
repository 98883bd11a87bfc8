// The C interface as C++ values: handles that destroy themselves, exceptions rebuilt from status, a range over frames.
// Header only; nothing here is compiled into the library. C++20.
#pragma once

#include "apps/embed/kinescope.h"

#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kinescope {

class Error : public std::exception {
  public:
    Error(kine_status status, std::string message) : status_(status), message_(std::move(message)) {}
    const char* what() const noexcept override { return message_.c_str(); }
    kine_status status() const noexcept { return status_; }

  private:
    kine_status status_;
    std::string message_;
};

inline void check(kine_status status) {
    if (status != KINE_OK) throw Error(status, kine_last_error());
}

/// Takes over a text of the library.
inline std::string take(char* text) {
    const std::unique_ptr<char, decltype(&kine_text_destroy)> owner(text, &kine_text_destroy);
    return text == nullptr ? std::string() : std::string(text);
}

using Options = std::vector<std::pair<std::string, std::string>>;

/// Points into `options`, which must outlive the result.
inline std::vector<kine_option> view(const Options& options) {
    std::vector<kine_option> rows;
    rows.reserve(options.size());
    for (const auto& [name, value] : options) rows.push_back({name.c_str(), value.c_str()});
    return rows;
}

inline std::string list(const std::string& table) {
    char* json = nullptr;
    check(kine_list(table.c_str(), &json));
    return take(json);
}

struct Destroy {
    void operator()(kine_session* session) const { kine_session_destroy(session); }
    void operator()(kine_request* request) const { kine_request_destroy(request); }
    void operator()(kine_job* job) const { kine_job_destroy(job); }
};

class Request {
  public:
    Request() {
        kine_request* raw = nullptr;
        check(kine_request_create(&raw));
        handle_.reset(raw);
    }

    Request& set(const std::string& name, const std::string& value) {
        check(kine_request_set(handle_.get(), name.c_str(), value.c_str()));
        return *this;
    }
    Request& add_output(const std::string& target, const Options& options = {}) {
        const auto rows = view(options);
        check(kine_request_add_output(handle_.get(), target.c_str(), rows.data(), rows.size()));
        return *this;
    }
    std::string describe() const {
        char* json = nullptr;
        check(kine_request_describe(handle_.get(), &json));
        return take(json);
    }
    kine_request* get() const { return handle_.get(); }

  private:
    std::unique_ptr<kine_request, Destroy> handle_;
};

class Session {
  public:
    explicit Session(const Options& options = {}) {
        const auto rows = view(options);
        kine_session* raw = nullptr;
        check(kine_session_create(rows.data(), rows.size(), &raw));
        handle_.reset(raw);
    }

    std::string plan_text(const Request& request) {
        char* text = nullptr;
        check(kine_plan(handle_.get(), request.get(), &text, nullptr));
        return take(text);
    }
    std::string plan_json(const Request& request) {
        char* json = nullptr;
        check(kine_plan(handle_.get(), request.get(), nullptr, &json));
        return take(json);
    }
    std::string inspect(const std::string& path) {
        char* json = nullptr;
        check(kine_inspect(handle_.get(), path.c_str(), &json));
        return take(json);
    }
    /// This machine as a cluster; written to `path` if that is not empty.
    std::string calibrate(const std::string& path, bool overwrite) {
        char* json = nullptr;
        check(kine_calibrate(handle_.get(), path.empty() ? nullptr : path.c_str(), overwrite ? 1 : 0, &json));
        return take(json);
    }
    /// Whether all stages that ran are ok. What `report` throws is thrown once the case has been gone through.
    bool verify(const std::string& golden_case, const std::function<void(const kine_stage_result&)>& report) {
        struct Listener {
            const std::function<void(const kine_stage_result&)>& report;
            std::exception_ptr failure;  // must not pass through C

            void hear(const kine_stage_result& row) noexcept {
                try {
                    if (!failure) report(row);
                } catch (...) {
                    failure = std::current_exception();
                }
            }
        } listener{report, nullptr};
        const auto forward = [](void* data, const kine_stage_result* row) { static_cast<Listener*>(data)->hear(*row); };
        int32_t passed = 0;
        check(kine_verify(handle_.get(), golden_case.c_str(), forward, &listener, &passed));
        if (listener.failure) std::rethrow_exception(listener.failure);
        return passed != 0;
    }
    void share(const kine_ranks* ranks) { check(kine_session_share(handle_.get(), ranks)); }
    /// Among the groups that share() parted processes into, and whether this process gets its group's frames.
    int group() const { return kine_session_group(handle_.get()); }
    bool tells() const { return kine_session_tells(handle_.get()) != 0; }
    /// Throws what making a job of it would.
    void check_request(const Request& request) { check(kine_job_check(handle_.get(), request.get())); }
    kine_session* get() const { return handle_.get(); }

  private:
    std::unique_ptr<kine_session, Destroy> handle_;
};

/// Of processes, before several jobs: see kine_ranks_agree.
inline void agree(const kine_ranks* ranks, const std::vector<Request>& requests) {
    std::vector<kine_request*> rows;
    for (const Request& request : requests) rows.push_back(request.get());
    check(kine_ranks_agree(ranks, rows.data(), rows.size()));
}

inline std::string compare(const std::string& first, const std::string& second, const std::string& sheet = "") {
    char* json = nullptr;
    check(kine_compare(first.c_str(), second.c_str(), sheet.empty() ? nullptr : sheet.c_str(), &json));
    return take(json);
}

class Job;

/// Frames of a started job, pulled one by one; a frame is valid until the next one is asked for.
class FrameIterator {
  public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = kine_frame;
    using difference_type = std::ptrdiff_t;
    using pointer = const kine_frame*;
    using reference = const kine_frame&;

    explicit FrameIterator(kine_job* job = nullptr) : job_(job) { advance(); }
    reference operator*() const { return frame_; }
    pointer operator->() const { return &frame_; }
    FrameIterator& operator++() {
        advance();
        return *this;
    }
    void operator++(int) { advance(); }
    bool operator==(const FrameIterator& other) const { return job_ == other.job_; }

  private:
    void advance() {
        if (job_ == nullptr) return;
        int32_t has_frame = 0;
        check(kine_job_next_frame(job_, &frame_, &has_frame));
        if (has_frame == 0) job_ = nullptr;
    }

    kine_job* job_;
    kine_frame frame_ = {};
};

struct FrameRange {
    kine_job* job;
    FrameIterator begin() const { return FrameIterator(job); }
    FrameIterator end() const { return FrameIterator(); }
};

/// The callbacks' user data must outlive the job.
class Job {
  public:
    Job(const Session& session, const Request& request, kine_callbacks callbacks = {}) {
        callbacks.struct_size = sizeof(kine_callbacks);
        kine_job* raw = nullptr;
        check(kine_job_create(session.get(), request.get(), &callbacks, &raw));
        handle_.reset(raw);
    }

    void run() { check(kine_job_run(handle_.get())); }
    void start() { check(kine_job_start(handle_.get())); }
    void cancel() { check(kine_job_cancel(handle_.get())); }
    void wait() { check(kine_job_wait(handle_.get())); }
    /// `for (const kine_frame& frame : job.frames())`, after start().
    FrameRange frames() { return {handle_.get()}; }
    std::string report() const {
        char* json = nullptr;
        check(kine_job_report(handle_.get(), &json));
        return take(json);
    }
    kine_job* get() const { return handle_.get(); }

  private:
    std::unique_ptr<kine_job, Destroy> handle_;
};

}  // namespace kinescope
