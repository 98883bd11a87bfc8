#include "broadcast/policies/policies.h"

#include "broadcast/policies/off.h"

namespace kine::broadcast {

namespace {

std::unique_ptr<Policy> off_from(const PabOptions&, std::string_view options, const Schedule&) {
    check(options.empty(), ErrorCode::Usage, "policy none takes no options, came '{}'", options);
    return make_off();
}

std::vector<PolicyOption> describe_off(const PabOptions&) { return {}; }

std::unique_ptr<Policy> pab_from(const PabOptions& defaults, std::string_view options, const Schedule& schedule) {
    return make_pab(parse_pab_options(defaults, options), schedule);
}

constexpr PolicyRow kPolicies[] = {
    {"none", "compute everything at every step (also: off)", off_from, describe_off},
    {"pab", "pyramid attention broadcast: attention outputs serve the next steps inside a timestep window", pab_from,
     describe_pab},
};

}  // namespace

std::span<const PolicyRow> policies() { return kPolicies; }

const PolicyRow& find_policy(std::string_view name) {
    return find_entry(policies(), "policy", name == "off" ? "none" : name);
}

std::unique_ptr<Policy> make_policy(std::string_view name, const PabOptions& defaults, std::string_view options,
                                    const Schedule& schedule) {
    return find_policy(name).make(defaults, options, schedule);
}

}  // namespace kine::broadcast
