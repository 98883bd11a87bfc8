// The C interface, except jobs: each function is a guarded call of one thing in this folder.
#include "apps/embed/c_handles.h"
#include "apps/embed/calibration.h"
#include "apps/embed/reports.h"
#include "apps/embed/tables.h"
#include "codecs/av/quiet.h"
#include "dit/verification.h"
#include "runtime/config.h"

#include <cstdlib>

using kine::embed::copy_json;
using kine::embed::copy_text;
using kine::embed::guarded;
using kine::embed::required;

namespace {

void forward(const kine::dit::StageResult& row, void (*report)(void*, const kine_stage_result*), void* user_data) {
    const kine_stage_result result{row.stage.c_str(), row.error, row.allowed, row.ok, row.skipped, row.note.c_str()};
    if (report != nullptr) report(user_data, &result);
}

}  // namespace

const char* kine_version(void) { return kine::kVersion; }

void kine_silence_codecs(void) { kine::codecs::silence_libav(); }

void kine_text_destroy(char* text) { std::free(text); }

kine_status kine_list(const char* table, char** json) {
    return guarded([&] {
        required(json, "json") = nullptr;
        *json = copy_json(kine::embed::list_table(&required(table, "table")));
    });
}

kine_status kine_session_create(const kine_option* options, size_t count, kine_session** session) {
    return guarded([&] {
        required(session, "session") = nullptr;
        const char* missing = kine_missing_processor();
        kine::check(missing == nullptr, kine::ErrorCode::Unsupported,
                    "this library is built for processors of level {}, which this one is not", missing ? missing : "");
        auto made = std::make_shared<kine::embed::Session>(kine::embed::key_values(options, count));
        *session = std::make_unique<kine_session>(kine_session{std::move(made)}).release();
    });
}

void kine_session_destroy(kine_session* session) { std::unique_ptr<kine_session>{session}.reset(); }

kine_status kine_request_create(kine_request** request) {
    return guarded([&] {
        required(request, "request") = nullptr;
        *request = std::make_unique<kine_request>().release();
    });
}

kine_status kine_request_set(kine_request* request, const char* name, const char* value) {
    return guarded(
        [&] { required(request, "request").request.set(&required(name, "name"), &required(value, "value")); });
}

kine_status kine_request_add_output(kine_request* request, const char* target, const kine_option* options,
                                    size_t count) {
    return guarded([&] {
        required(request, "request")
            .request.add_output(&required(target, "target"), kine::embed::key_values(options, count));
    });
}

kine_status kine_request_describe(const kine_request* request, char** json) {
    return guarded([&] {
        required(json, "json") = nullptr;
        *json = copy_json(required(request, "request").request.describe());
    });
}

void kine_request_destroy(kine_request* request) { std::unique_ptr<kine_request>{request}.reset(); }

kine_status kine_plan(kine_session* session, const kine_request* request, char** text, char** json) {
    return guarded([&] {
        if (text != nullptr) *text = nullptr;
        if (json != nullptr) *json = nullptr;
        const kine::embed::PlanReport report =
            kine::embed::plan_report(*required(session, "session").session, required(request, "request").request);
        std::unique_ptr<char, decltype(&std::free)> first(copy_text(report.text), &std::free);
        if (json != nullptr) *json = copy_json(report.json);
        if (text != nullptr) *text = first.release();
    });
}

kine_status kine_inspect(kine_session* session, const char* path, char** json) {
    return guarded([&] {
        required(json, "json") = nullptr;
        const auto report = kine::embed::inspection(*required(session, "session").session, &required(path, "path"));
        *json = copy_json(report);
    });
}

kine_status kine_verify(kine_session* session, const char* golden_case,
                        void (*report)(void* user_data, const kine_stage_result* result), void* user_data,
                        int32_t* passed) {
    return guarded([&] {
        required(passed, "passed") = 0;
        kine::embed::Session& runner = *required(session, "session").session;
        const auto claim = runner.claim();
        const bool ok = kine::dit::verify_case(claim.context, &required(golden_case, "golden_case"), runner.dtype(),
                                               [&](const auto& row) { forward(row, report, user_data); });
        *passed = ok ? 1 : 0;
    });
}

kine_status kine_compare(const char* first, const char* second, const char* sheet, char** json) {
    return guarded([&] {
        required(json, "json") = nullptr;
        const auto report = kine::embed::comparison(&required(first, "first"), &required(second, "second"),
                                                    sheet != nullptr ? sheet : "");
        *json = copy_json(report);
    });
}

kine_status kine_calibrate(kine_session* session, const char* path, int32_t overwrite, char** json) {
    return guarded([&] {
        required(json, "json") = nullptr;
        const auto cluster = kine::embed::calibration(*required(session, "session").session,
                                                      path != nullptr ? path : "", overwrite != 0);
        *json = copy_json(cluster);
    });
}
