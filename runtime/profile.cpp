#include "runtime/profile.h"

#include "runtime/io/atomic_file.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

namespace kine {

namespace {

uint64_t thread_number() { return static_cast<uint64_t>(gettid()); }

std::string quoted(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string trace_line(const Profiler::Event& event) {
    constexpr double kMicrosecond = 1e3;
    const bool moves = event.bytes_sent >= 0;
    const std::string bytes = moves ? fmt::format(R"(,"args":{{"bytes_sent":{},"bytes_received":{}}})",
                                                  event.bytes_sent, event.bytes_received)
                                    : "";
    return fmt::format(R"({{"name":{},"cat":"{}","ph":"X","ts":{:.3f},"dur":{:.3f},"pid":{},"tid":{}{}}})",
                       quoted(event.name), moves ? "communication" : "kine",
                       static_cast<double>(event.begin_ns) / kMicrosecond,
                       static_cast<double>(event.duration_ns) / kMicrosecond, event.rank, event.thread, bytes);
}

std::string rank_line(int rank) {
    return fmt::format(R"({{"name":"process_name","ph":"M","pid":{},"args":{{"name":"rank {}"}}}})", rank, rank);
}

bool starts_before(const Profiler::Event& a, const Profiler::Event& b) {
    if (a.begin_ns != b.begin_ns) return a.begin_ns < b.begin_ns;
    return a.duration_ns > b.duration_ns;  // the outer zone first
}

/// Zones of one thread nest, so the depth follows from the intervals alone.
void number_depths(std::vector<Profiler::Event>& sorted) {
    std::map<std::pair<int, uint64_t>, std::vector<int64_t>> open_ends;
    for (Profiler::Event& event : sorted) {
        std::vector<int64_t>& ends = open_ends[{event.rank, event.thread}];
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

std::vector<Profiler::Event> Profiler::in_order(std::vector<Event> events) {
    std::stable_sort(events.begin(), events.end(), starts_before);
    number_depths(events);
    return events;
}

std::vector<Profiler::Event> Profiler::events() const {
    std::unique_lock lock(mutex_);
    std::vector<Event> copy = events_;
    lock.unlock();
    return in_order(std::move(copy));
}

std::vector<Profiler::Event> Profiler::take_events() {
    std::unique_lock lock(mutex_);
    std::vector<Event> taken = std::exchange(events_, {});
    lock.unlock();
    return in_order(std::move(taken));
}

void Profiler::adopt(std::vector<Event> events, int rank, int64_t ahead_ns) {
    for (Event& event : events) {
        event.rank = rank;
        event.begin_ns -= ahead_ns;
    }
    const std::lock_guard lock(mutex_);
    events_.insert(events_.end(), events.begin(), events.end());
}

void Profiler::write_trace(const std::filesystem::path& path) const {
    std::string text = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
    std::string_view separator = "\n";
    const auto add = [&](const std::string& line) {
        text += separator;
        text += line;
        separator = ",\n";
    };
    std::set<int> ranks;
    for (const Event& event : events()) {
        if (ranks.insert(event.rank).second && event.rank > 0) add(rank_line(event.rank));
        add(trace_line(event));
    }
    if (ranks.size() > 1) add(rank_line(0));
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
        profiler_->record({std::move(name_), begin_ns_, duration, thread_number(), 0, 0, bytes_sent_, bytes_received_});
    } catch (const std::bad_alloc&) {  // a missing zone is better than a dead run
    }
}

}  // namespace kine
