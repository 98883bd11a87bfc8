#include "apps/cli/progress.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <unistd.h>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace kinescope::cli {

namespace {

constexpr int kBarCells = 24;
constexpr std::chrono::seconds kPlainInterval{5};

bool is_plain_terminal() {
    const char* term = std::getenv("TERM");
    const char* no_color = std::getenv("NO_COLOR");
    return isatty(STDERR_FILENO) == 0 || term == nullptr || std::string_view(term) == "dumb" ||
           (no_color != nullptr && *no_color != '\0');
}

std::string unit_of(std::string_view stage) {
    if (stage == "denoise") return "step";
    return stage == "decode" ? "frame" : "prompt";
}

double seconds_each(const kine_progress& p) { return p.done > 0 ? p.seconds / static_cast<double>(p.done) : 0; }

/// "denoise  step 12/30, 0.051 s/step, 0.9 s left"
std::string line_of(const kine_progress& p) {
    std::string line = fmt::format("{:<7} {} {}/{}", p.stage, unit_of(p.stage), p.done, p.total);
    if (p.done == 0) return line;
    const double each = seconds_each(p);
    line += fmt::format(", {:.3g} s/{}", each, unit_of(p.stage));
    if (p.done < p.total) line += fmt::format(", {} left", duration_text(each * static_cast<double>(p.total - p.done)));
    return line;
}

}  // namespace

Progress::Progress(std::string_view mode) : mode_(choose(mode)) {}

Progress::Mode Progress::choose(std::string_view mode) {
    if (mode == "auto") return is_plain_terminal() ? Mode::Plain : Mode::Bar;
    if (mode == "bar") return Mode::Bar;
    if (mode == "plain") return Mode::Plain;
    if (mode == "json") return Mode::Json;
    if (mode == "none") return Mode::None;
    throw Error(KINE_USAGE, fmt::format("progress: expected auto, bar, plain, json or none, got '{}'", mode));
}

void Progress::show(const kine_progress& p, const PromptNumber& which) {
    const std::lock_guard lock(mutex_);
    if (mode_ == Mode::Bar) show_bar(p, which);
    if (mode_ == Mode::Plain) show_plain(p, which);
    if (mode_ != Mode::Json) return;
    const double left = seconds_each(p) * static_cast<double>(p.total - p.done);
    nlohmann::json row = {
        {"stage", p.stage}, {"done", p.done}, {"total", p.total}, {"seconds", p.seconds}, {"eta_seconds", left}};
    if (which.count > 1) row.update({{"prompt", which.number}, {"prompts", which.count}});
    talk(row.dump() + "\n");
}

void Progress::show_bar(const kine_progress& p, const PromptNumber& which) {
    const auto cells = static_cast<int>(p.total > 0 ? kBarCells * p.done / p.total : 0);
    const std::string bar =
        std::string(static_cast<size_t>(cells), '#') + std::string(static_cast<size_t>(kBarCells - cells), '.');
    talk(fmt::format("\r\x1b[K[{}] {}{}", bar, which.label(), line_of(p)));
    drawn_ = true;
}

/// The end of a stage, and in long stages a line every few seconds.
void Progress::show_plain(const kine_progress& p, const PromptNumber& which) {
    const Clock::time_point now = Clock::now();
    if (p.done < p.total && now - last_line_ < kPlainInterval) return;
    last_line_ = now;
    say(which.label() + line_of(p));
}

void Progress::log(std::string_view level, std::string_view line, const PromptNumber& which) {
    const std::lock_guard lock(mutex_);
    erase_bar();
    if (mode_ == Mode::Json) {
        nlohmann::json row = {{"level", level}, {"line", line}};
        if (which.count > 1) row.update({{"prompt", which.number}, {"prompts", which.count}});
        talk(row.dump() + "\n");
        return;
    }
    say(which.label() + (level == "info" ? std::string(line) : fmt::format("{}: {}", level, line)));
}

void Progress::tell(std::string_view line) {
    const std::lock_guard lock(mutex_);
    erase_bar();
    say(line);
}

void Progress::clear() {
    const std::lock_guard lock(mutex_);
    erase_bar();
}

void Progress::erase_bar() {
    if (!drawn_) return;
    talk("\r\x1b[K");
    drawn_ = false;
}

std::string duration_text(double seconds) {
    if (seconds < 60) return fmt::format("{:.2f} s", seconds);
    const auto whole = std::llround(seconds);
    return fmt::format("{} min {} s", whole / 60, whole % 60);
}

std::string bytes_text(double bytes) { return fmt::format("{:.1f} MiB", bytes / (1 << 20)); }

void talk(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
}

void say(std::string_view line) {
    std::string shown;  // names of files and tensors may hold terminal escapes
    for (size_t i = 0; i < line.size(); ++i) {
        const auto byte = static_cast<unsigned char>(line[i]);
        const bool is_own_list = line.substr(i).starts_with("\n  ");  // a message's indented items
        const bool is_control = (byte < 0x20 && !is_own_list) || byte == 0x7f;
        shown += is_control ? fmt::format("\\x{:02x}", byte) : std::string(1, line[i]);
    }
    talk(fmt::format("kinescope: {}\n", shown));
}

}  // namespace kinescope::cli
