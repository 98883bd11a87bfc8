#include "runtime/profile.h"

#include "runtime/io/atomic_file.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace kine {

namespace {

uint64_t thread_number() { return static_cast<uint64_t>(gettid()); }

std::string quoted(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string trace_line(const Profiler::Event& event) {
    constexpr double kMicrosecond = 1e3;
    return fmt::format(R"({{"name":{},"cat":"kine","ph":"X","ts":{:.3f},"dur":{:.3f},"pid":{},"tid":{}}})",
                       quoted(event.name), static_cast<double>(event.begin_ns) / kMicrosecond,
                       static_cast<double>(event.duration_ns) / kMicrosecond, getpid(), event.thread);
}

bool starts_before(const Profiler::Event& a, const Profiler::Event& b) {
    if (a.begin_ns != b.begin_ns) return a.begin_ns < b.begin_ns;
    return a.duration_ns > b.duration_ns;  // the outer zone first
}

/// Zones of one thread nest, so the depth follows from the intervals alone.
void number_depths(std::vector<Profiler::Event>& sorted) {
    std::map<uint64_t, std::vector<int64_t>> open_ends;
    for (Profiler::Event& event : sorted) {
        std::vector<int64_t>& ends = open_ends[event.thread];
        while (!ends.empty() && ends.back() <= event.begin_ns && ends.back() < event.begin_ns + event.duration_ns) {
            ends.pop_back();
        }
        event.depth = static_cast<int>(ends.size());
        ends.push_back(event.begin_ns + event.duration_ns);
    }
}

}  // namespace

int64_t Profiler::steady_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

int64_t Profiler::now_ns() const { return steady_ns() - start_ns_; }

void Profiler::record(Event event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
}

std::vector<Profiler::Event> Profiler::events() const {
    std::vector<Event> sorted = [this] {
        const std::lock_guard lock(mutex_);
        return events_;
    }();
    std::stable_sort(sorted.begin(), sorted.end(), starts_before);
    number_depths(sorted);
    return sorted;
}

void Profiler::write_trace(const std::filesystem::path& path) const {
    std::string text = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
    std::string_view separator = "\n";
    for (const Event& event : events()) {
        text += separator;
        text += trace_line(event);
        separator = ",\n";
    }
    text += "\n]}\n";
    write_file(path, text);
}

ProfileZone::ProfileZone(Profiler& profiler, std::string_view name)
    : profiler_(profiler.is_enabled() ? &profiler : nullptr) {
    if (!profiler_) return;
    name_ = name;
    begin_ns_ = profiler_->now_ns();
}

ProfileZone::~ProfileZone() {
    if (!profiler_) return;
    try {
        const int64_t duration = profiler_->now_ns() - begin_ns_;
        profiler_->record({std::move(name_), begin_ns_, duration, thread_number(), 0});
    } catch (const std::bad_alloc&) {  // a missing zone is better than a dead run
    }
}

}  // namespace kine
