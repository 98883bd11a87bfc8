// Ranks that are processes, in the C interface.
#include "apps/embed/agreement.h"
#include "apps/embed/c_handles.h"

using kine::embed::guarded;
using kine::embed::remember;
using kine::embed::required;

kine_status kine_ranks_join(kine_ranks** ranks) {
    return guarded([&] {
        required(ranks, "ranks") = nullptr;
        *ranks = std::make_unique<kine_ranks>(kine_ranks{kine::parallel::Processes::join()}).release();
    });
}

int32_t kine_ranks_rank(const kine_ranks* ranks) {
    return ranks != nullptr && ranks->processes ? ranks->processes->rank() : 0;
}

int32_t kine_ranks_size(const kine_ranks* ranks) {
    return ranks != nullptr && ranks->processes ? ranks->processes->size() : 1;
}

kine_status kine_session_share(kine_session* session, const kine_ranks* ranks) {
    return guarded([&] { required(session, "session").session->share_runs(required(ranks, "ranks").processes); });
}

int32_t kine_session_group(const kine_session* session) { return session != nullptr ? session->session->group() : 0; }

int32_t kine_session_tells(const kine_session* session) {
    return session == nullptr || session->session->tells() ? 1 : 0;
}

kine_status kine_ranks_agree(const kine_ranks* ranks, kine_request* const* requests, size_t count) {
    return guarded([&] {
        kine::parallel::Processes* processes = required(ranks, "ranks").processes.get();
        std::vector<kine::embed::RunRequest*> rows;
        if (count > 0) required(requests, "requests");
        for (size_t i = 0; i < count; ++i) rows.push_back(&required(requests[i], "request").request);
        if (processes != nullptr) kine::embed::agree(*processes, rows);
    });
}

int kine_ranks_leave(kine_ranks* ranks, int status, const char* reason) {
    if (ranks == nullptr || !ranks->processes) return status;
    int result = status;
    const kine_status own = guarded([&] {
        std::string why = reason != nullptr ? reason : "";
        result = ranks->processes->leave(status, why);
        if (result != status) throw kine::Error(static_cast<kine::ErrorCode>(result), why);
    });
    return own == KINE_OK ? status : own;
}

void kine_ranks_destroy(kine_ranks* ranks, int status) {
    const std::unique_ptr<kine_ranks> held(ranks);
    if (held && held->processes && status != 0) held->processes->end_others(status);
}
