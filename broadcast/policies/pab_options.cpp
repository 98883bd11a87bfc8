#include "broadcast/policies/pab_options.h"

#include "runtime/error.h"
#include "runtime/options.h"

#include <fmt/format.h>

#include <algorithm>

namespace kine::broadcast {

namespace {

/// What the user types. Empty text: as the defaults say.
struct PabText {
    int spatial_range;
    int temporal_range;
    int cross_range;
    int mlp_range;
    std::string spatial_window;
    std::string temporal_window;
    std::string cross_window;
    std::string window;
    std::string mlp;
    std::string mlp_spatial;
    std::string mlp_temporal;
    std::string mlp_window;
    std::string keep;

    explicit PabText(const PabOptions& defaults)
        : spatial_range(defaults.spatial.range),
          temporal_range(defaults.temporal.range),
          cross_range(defaults.cross.range),
          mlp_range(defaults.mlp.range) {}

    template <class Visitor>
    void visit(Visitor& v) {
        v("spatial_range", spatial_range, "spatial attention computes every N-th step, 1 never reuses");
        v("temporal_range", temporal_range, "temporal attention computes every N-th step, 1 never reuses");
        v("cross_range", cross_range, "cross attention computes every N-th step, 1 never reuses");
        v("spatial_window", spatial_window,
          "low:high, spatial attention reuses only at timesteps between, ends excluded");
        v("temporal_window", temporal_window, "low:high for temporal attention");
        v("cross_window", cross_window, "low:high for cross attention");
        v("window", window, "low:high for all attentions whose own window is not given");
        v("mlp", mlp, "on: reuse mlp outputs as said below, off: compute them always");
        v("mlp_spatial", mlp_spatial,
          "key@blocks*skip/...: store these blocks' mlp output at timestep key, reuse it at the next skip steps; "
          "720@0-4*2/640@0+2*1, or none");
        v("mlp_temporal", mlp_temporal, "the same for temporal blocks");
        v("mlp_range", mlp_range,
          "mlps of all blocks compute every N-th step, whatever the schedule, instead of by those rules; 1: by the "
          "rules");
        v("mlp_window", mlp_window, "low:high for mlp_range");
        v("keep", keep, "gated: keep an output with its gate (VideoSys), ungated: the gate stays fresh (diffusers)");
    }
};

std::string window_text(const PabRule& rule) { return fmt::format("{}:{}", rule.low, rule.high); }

void set_window(PabRule& rule, std::string_view option, std::string_view text) {
    if (text.empty()) return;
    const size_t colon = text.find(':');
    check(colon != text.npos, ErrorCode::Usage, "{}: expected low:high such as 100:800, came '{}'", option, text);
    rule.low = parse_int(option, text.substr(0, colon));
    rule.high = parse_int(option, text.substr(colon + 1));
}

void set_windows(PabOptions& options, const PabText& text) {
    for (PabRule* rule : {&options.spatial, &options.temporal, &options.cross})
        set_window(*rule, "window", text.window);
    set_window(options.spatial, "spatial_window", text.spatial_window);
    set_window(options.temporal, "temporal_window", text.temporal_window);
    set_window(options.cross, "cross_window", text.cross_window);
}

bool has_mlp_rules(const PabOptions& options) { return !options.mlp_spatial.empty() || !options.mlp_temporal.empty(); }

bool reuses_mlp(const PabOptions& options) { return has_mlp_rules(options) || options.mlp.range > 1; }

bool gives_rules(std::string_view text) { return !text.empty() && text != "none"; }

void drop_mlp_rules(PabOptions& options) {
    options.mlp_spatial.clear();
    options.mlp_temporal.clear();
}

/// A range takes the place of the model's rules; rules that the user gives beside it contradict it.
void set_mlp_range(PabOptions& options, const PabText& text) {
    options.mlp.range = text.mlp_range;
    set_window(options.mlp, "mlp_window", text.mlp_window);
    if (text.mlp_range <= 1) return;
    check(!gives_rules(text.mlp_spatial) && !gives_rules(text.mlp_temporal), ErrorCode::Usage,
          "mlp_range: {} disagrees with the mlp rules given", text.mlp_range);
    drop_mlp_rules(options);
}

void set_mlp(PabOptions& options, const PabText& text) {
    const int previous_range = options.mlp.range;
    if (!text.mlp_spatial.empty()) options.mlp_spatial = parse_mlp_rules("mlp_spatial", text.mlp_spatial);
    if (!text.mlp_temporal.empty()) options.mlp_temporal = parse_mlp_rules("mlp_temporal", text.mlp_temporal);
    set_mlp_range(options, text);
    if (text.mlp.empty()) return;
    if (parse_bool("mlp", text.mlp)) {
        check(reuses_mlp(options), ErrorCode::Usage,
              "mlp: 'on', but the model has no mlp rules: give mlp_spatial, mlp_temporal or mlp_range");
        return;
    }
    check(!gives_rules(text.mlp_spatial) && !gives_rules(text.mlp_temporal) && text.mlp_range == previous_range,
          ErrorCode::Usage, "mlp: '{}' disagrees with the mlp rules or the mlp_range given", text.mlp);
    drop_mlp_rules(options);
    options.mlp.range = 1;
}

void set_keep(PabOptions& options, std::string_view text) {
    if (text.empty()) return;
    check(text == "gated" || text == "ungated", ErrorCode::Usage, "keep: expected gated or ungated, came '{}'", text);
    options.keep = text == "gated" ? Keep::Gated : Keep::Ungated;
}

void check_rule(std::string_view kind, const PabRule& rule) {
    check(rule.range >= 1, ErrorCode::Usage, "{}_range: expected 1 or more, came {}", kind, rule.range);
    check(rule.low <= rule.high, ErrorCode::Usage, "{}_window: expected low:high with low not above high, came {}",
          kind, window_text(rule));
}

void check_mlp_rules(std::string_view option, const std::vector<MlpRule>& rules) {
    for (auto rule = rules.begin(); rule != rules.end(); ++rule) {
        const auto same_key = [&](const MlpRule& other) { return other.timestep == rule->timestep; };
        check(std::none_of(rules.begin(), rule, same_key), ErrorCode::Usage, "{}: key {} is given twice", option,
              rule->timestep);
        check(!rule->blocks.empty(), ErrorCode::Usage, "{}: key {} lists no block", option, rule->timestep);
        check(rule->skip >= 0, ErrorCode::Usage, "{}: key {} skips {} steps, expected 0 or more", option,
              rule->timestep, rule->skip);
        const int lowest = *std::min_element(rule->blocks.begin(), rule->blocks.end());
        check(lowest >= 0, ErrorCode::Usage, "{}: key {} lists block {}, expected 0 or more", option, rule->timestep,
              lowest);
    }
}

/// Every text spelled out, for reports.
PabText spelled_out(const PabOptions& options) {
    PabText text(options);
    text.spatial_window = window_text(options.spatial);
    text.temporal_window = window_text(options.temporal);
    text.cross_window = window_text(options.cross);
    text.mlp_window = window_text(options.mlp);
    text.mlp = reuses_mlp(options) ? "on" : "off";
    text.mlp_spatial = to_text(options.mlp_spatial);
    text.mlp_temporal = to_text(options.mlp_temporal);
    text.keep = name_of(options.keep);
    return text;
}

}  // namespace

PabOptions parse_pab_options(const PabOptions& defaults, std::string_view options) {
    PabText text(defaults);
    set_options(FieldList(text), options);
    PabOptions parsed = defaults;
    parsed.spatial.range = text.spatial_range;
    parsed.temporal.range = text.temporal_range;
    parsed.cross.range = text.cross_range;
    set_windows(parsed, text);
    set_mlp(parsed, text);
    set_keep(parsed, text.keep);
    check_pab_options(parsed);
    return parsed;
}

void check_pab_options(const PabOptions& options) {
    check_rule("spatial", options.spatial);
    check_rule("temporal", options.temporal);
    check_rule("cross", options.cross);
    check_rule("mlp", options.mlp);
    check_mlp_rules("mlp_spatial", options.mlp_spatial);
    check_mlp_rules("mlp_temporal", options.mlp_temporal);
}

std::vector<PolicyOption> describe_pab(const PabOptions& defaults) {
    PabText text = spelled_out(defaults);
    const FieldList list(text);
    std::vector<PolicyOption> described;
    for (const OptionField& field : list.fields()) described.push_back({field.name, field.value, field.help});
    return described;
}

std::string to_text(const PabOptions& options) {
    std::string text;
    for (const PolicyOption& option : describe_pab(options)) {
        if (option.value.empty()) continue;  // `window` is shorthand for the three that are there
        text += text.empty() ? "" : ",";
        text += fmt::format("{}={}", option.name, option.value);
    }
    return text;
}

}  // namespace kine::broadcast
