// The text form of PabOptions: key=value pairs for a command line, and the same text back for a video's metadata.
//   windows    low:high, both ends exclusive                      100:800
//   mlp maps   key@blocks*skip, joined by '/'; or "none"           720@0-4*2/640@0+2+5-7*3
#pragma once

#include "broadcast/policies/pab.h"

namespace kine::broadcast {

/// One setting for help and reports: its name, its value under some defaults, and what it does.
struct PolicyOption {
    std::string name;
    std::string value;
    std::string help;
};

/// Throws ErrorCode::Usage naming option and value.
void check_pab_options(const PabOptions& options);
/// All settings, in the form that parse_pab_options reads.
std::string to_text(const PabOptions& options);
std::vector<PolicyOption> describe_pab(const PabOptions& defaults);

// The textual MLP map alone. `option` names it in messages.
std::vector<MlpRule> parse_mlp_rules(std::string_view option, std::string_view text);
std::string to_text(const std::vector<MlpRule>& rules);

}  // namespace kine::broadcast
