// One prompt or several in a run: where they come from, and the number each goes by in names of files and in talk.
#pragma once

#include "apps/cli/arguments.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kinescope::cli {

/// Which of how many.
struct PromptNumber {
    size_t number = 1;
    size_t count = 1;

    /// "2/5: ", and nothing for the only one.
    std::string label() const;
};

/// Whether an option is a way to give prompts.
bool is_prompt_option(std::string_view key);
/// Whether -p, --prompt-file or --prompts is there.
bool has_prompt(const Arguments& arguments);
/// All of them, in order; one that is empty if none is given.
std::vector<std::string> prompts_of(const Arguments& arguments);
/// Of a command that takes only one.
std::string only_prompt_of(const Arguments& arguments);

/// Whether `pattern` says where the number goes: "{n}".
bool has_number(std::string_view pattern);
/// With the number there, padded with zeros to the width of the count.
std::string numbered(std::string pattern, const PromptNumber& which);

}  // namespace kinescope::cli
