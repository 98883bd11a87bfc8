// What the user asked for, as text: from the command line and a configuration file. Values are judged by the library,
// so that every door has the same rules.
#pragma once

#include "apps/cli/option_rows.h"
#include "apps/embed/kinescope.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kinescope::cli {

class Arguments {
  public:
    bool has(std::string_view key) const { return values_.contains(std::string(key)); }
    bool flag(std::string_view key) const { return has(key); }
    std::string text(std::string_view key, std::string_view otherwise = "") const;
    std::vector<std::string> all(std::string_view key) const;
    /// A whole number of the program's own options, in range.
    int number(std::string_view key, int otherwise, int low, int high) const;
    /// The values of all options with this target, by the library's names.
    Options for_target(Target target) const;

    void add(std::string_view key, std::string value) { values_[std::string(key)].push_back(std::move(value)); }
    /// Takes over from `weaker` what is not given here; a prompt, however given, counts as one option.
    void complete(const Arguments& weaker);

    std::vector<std::string> positional;

  private:
    std::map<std::string, std::vector<std::string>> values_;
};

/// What a command is called and takes, for its help.
struct CommandHelp {
    std::string_view name;
    std::string_view summary;
    unsigned command = 0;
    std::string_view positional = {};  ///< placeholder, empty for none
    std::string_view meaning = {};     ///< of the positional
    int min_positional = 0;
    int max_positional = 0;
};

/// Parses what follows the command's name; nothing if help was asked for, and printed. Throws Error(KINE_USAGE).
std::optional<Arguments> parse_arguments(const CommandHelp& help, const std::vector<std::string>& arguments);

/// The candidate most like `name`, empty if none is close.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace kinescope::cli
