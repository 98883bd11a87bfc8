// Profile zones: what ran when on which thread of which rank, written as a Chrome trace that Perfetto opens.
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
        int rank = 0;
        int64_t bytes_sent = -1;  ///< of a zone that moves tokens between ranks
        int64_t bytes_received = -1;
    };

    Profiler() = default;
    /// With a clock of another origin, in nanoseconds of this machine's steady one.
    explicit Profiler(int64_t start_ns) : start_ns_(start_ns) {}

    void enable() { enabled_.store(true, std::memory_order_relaxed); }
    bool is_enabled() const { return enabled_.load(std::memory_order_relaxed); }
    int64_t now_ns() const;
    void record(Event event);
    std::vector<Event> events() const;
    /// The same, and forgets them.
    std::vector<Event> take_events();
    int64_t start_ns() const { return start_ns_; }
    /// Takes in what rank `rank` saw by a clock that is `ahead_ns` ahead of this one.
    void adopt(std::vector<Event> events, int rank, int64_t ahead_ns);
    /// Chrome trace event format (JSON), a process for each rank. Written under a temporary name, then renamed.
    void write_trace(const std::filesystem::path& path) const;

  private:
    std::atomic<bool> enabled_ = false;
    mutable std::mutex mutex_;
    std::vector<Event> events_;
    int64_t start_ns_ = steady_ns();

    static int64_t steady_ns();
    static std::vector<Event> in_order(std::vector<Event> events);
};

/// Records its own lifetime.
class ProfileZone {
  public:
    ProfileZone(Profiler& profiler, std::string_view name);
    ~ProfileZone();
    void set_bytes(int64_t sent, int64_t received) { bytes_sent_ = sent, bytes_received_ = received; }
    ProfileZone(const ProfileZone&) = delete;
    ProfileZone& operator=(const ProfileZone&) = delete;

  private:
    Profiler* profiler_;  // null while profiling is off
    std::string name_;
    int64_t begin_ns_ = 0;
    int64_t bytes_sent_ = -1;
    int64_t bytes_received_ = -1;
};

}  // namespace kine
