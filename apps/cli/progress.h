// How a run is told on standard error: a bar on a terminal, now and then a line elsewhere, or one JSON object a line.
#pragma once

#include "apps/cli/prompts.h"
#include "apps/embed/kinescope.hpp"

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

namespace kinescope::cli {

/// Safe for several threads, each of which runs a prompt: a bar then shows the one that moved last.
class Progress {
  public:
    /// `mode`: auto, bar, plain, json or none.
    explicit Progress(std::string_view mode);
    ~Progress() { clear(); }

    void show(const kine_progress& progress, const PromptNumber& which);
    void log(std::string_view level, std::string_view line, const PromptNumber& which);
    /// A line of talk, in place of the bar.
    void tell(std::string_view line);
    /// Takes the bar away, so that other lines may be printed.
    void clear();

  private:
    enum class Mode { Bar, Plain, Json, None };
    using Clock = std::chrono::steady_clock;

    static Mode choose(std::string_view mode);
    void show_bar(const kine_progress& progress, const PromptNumber& which);
    void show_plain(const kine_progress& progress, const PromptNumber& which);
    void erase_bar();

    std::mutex mutex_;
    Mode mode_;
    bool drawn_ = false;
    Clock::time_point last_line_ = Clock::now();
};

/// "0.42 s", "3 min 20 s".
std::string duration_text(double seconds);
/// "12.5 MiB".
std::string bytes_text(double bytes);
/// To standard error. What nobody can be told is lost, and the work goes on.
void talk(std::string_view text);
/// A line on standard error, starting with "kinescope: ".
void say(std::string_view line);

}  // namespace kinescope::cli
