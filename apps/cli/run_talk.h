// What is said of one run, on standard error: how it starts, goes and ends. Of several prompts, each line has its
// number.
#pragma once

#include "apps/cli/progress.h"

#include <nlohmann/json_fwd.hpp>

namespace kinescope::cli {

struct Loudness {
    bool is_quiet = false;    ///< nothing but how it failed
    bool is_verbose = false;  ///< what each rank did, too
    bool is_heard = true;     ///< of ranks that are processes, one talks
};

/// Must outlive the job that it is told of.
class RunTalk {
  public:
    explicit RunTalk(Progress& progress, PromptNumber which = {}, Loudness loudness = {})
        : progress_(progress), which_(which), loudness_(loudness) {}

    /// Feed the progress; warnings always, other lines with -v.
    kine_callbacks callbacks();
    void start(const nlohmann::json& report) const;
    void end(const nlohmann::json& report) const;
    /// A failed run leaves what it had under the temporary name.
    void failure(const nlohmann::json& report) const;
    void interruption(const nlohmann::json& report) const;

  private:
    void line(const std::string& text) const { progress_.tell(which_.label() + text); }
    void files(const nlohmann::json& report) const;
    void ranks(const nlohmann::json& report) const;

    Progress& progress_;
    PromptNumber which_;
    Loudness loudness_;
};

}  // namespace kinescope::cli
