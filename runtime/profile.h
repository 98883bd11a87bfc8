// Profile zones: what ran when on which thread, written as a Chrome trace that Perfetto opens.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace kine {

/// Safe for several threads. Off by default: a zone then costs one load.
class Profiler {
  public:
    struct Event {
        std::string name;
        int64_t begin_ns = 0;  ///< since the profiler was made
        int64_t duration_ns = 0;
        uint64_t thread = 0;
        int depth = 0;
    };

    void enable() { enabled_.store(true, std::memory_order_relaxed); }
    bool is_enabled() const { return enabled_.load(std::memory_order_relaxed); }
    int64_t now_ns() const;
    void record(Event event);
    std::vector<Event> events() const;
    /// Chrome trace event format (JSON). Written under a temporary name, then renamed.
    void write_trace(const std::filesystem::path& path) const;

  private:
    std::atomic<bool> enabled_ = false;
    mutable std::mutex mutex_;
    std::vector<Event> events_;
    int64_t start_ns_ = steady_ns();

    static int64_t steady_ns();
};

/// Records its own lifetime.
class ProfileZone {
  public:
    ProfileZone(Profiler& profiler, std::string_view name);
    ~ProfileZone();
    ProfileZone(const ProfileZone&) = delete;
    ProfileZone& operator=(const ProfileZone&) = delete;

  private:
    Profiler* profiler_;  // null while profiling is off
    std::string name_;
    int64_t begin_ns_ = 0;
};

}  // namespace kine
