#include "dit/families/open_sora/prompt.h"

#include "dit/text/caption_cleaning.h"
#include "runtime/error.h"
#include "runtime/options.h"

#include <fmt/format.h>

namespace kine::dit::open_sora {

namespace {

struct PromptOptions {
    std::string aesthetic_score = "6.5";
    std::string motion_score = "none";
    std::string camera_motion = "none";

    template <class Visitor>
    void visit(Visitor& v) {
        v("aesthetic_score", aesthetic_score, "how beautiful, 4 to 7, or none");
        v("motion_score", motion_score, "how lively, 0 and up, or none");
        v("camera_motion", camera_motion, "e.g. pan left, or none");
    }
};

PromptOptions parse_options(std::string_view text) {
    PromptOptions options;
    const FieldList fields(options);
    while (!text.empty()) {
        const size_t comma = text.find(',');
        const std::string_view item = text.substr(0, comma);
        const size_t equals = item.find('=');
        check(equals != std::string_view::npos && equals > 0, ErrorCode::Usage,
              "prompt option '{}': expected key=value", item);
        fields.find(item.substr(0, equals)).parse(item.substr(equals + 1));
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return options;
}

/// Segments serve the loops of a long video from their number on; a video of one loop is the first that is not empty of
/// loops.
std::string_view first_segment(std::string_view prompt) {
    if (!prompt.starts_with("|0|")) return prompt;
    int64_t begin = 0;
    prompt.remove_prefix(3);
    for (;;) {
        const size_t bar = prompt.find('|');
        if (bar == std::string_view::npos) return prompt;
        const size_t next_bar = prompt.find('|', bar + 1);
        check(next_bar != std::string_view::npos, ErrorCode::Usage, "prompt: segment number without a closing '|'");
        const int64_t next = parse_int("prompt: segment number", prompt.substr(bar + 1, next_bar - bar - 1));
        if (next > begin) return prompt.substr(0, bar);
        begin = next;
        prompt.remove_prefix(next_bar + 1);
    }
}

void append_score(std::string& prompt, std::string_view name, const std::string& value) {
    if (value == "none" || prompt.find(fmt::format("{}:", name)) != std::string::npos) return;
    prompt += fmt::format(" {}: {:.1f}.", name, parse_number(name, value));
}

}  // namespace

std::string final_prompt(std::string_view prompt, std::string_view options) {
    const PromptOptions scores = parse_options(options);
    std::string text(first_segment(prompt.substr(0, prompt.find('{'))));
    append_score(text, "aesthetic score", scores.aesthetic_score);
    append_score(text, "motion score", scores.motion_score);
    if (scores.camera_motion != "none" && text.find("camera motion:") == std::string::npos) {
        text += fmt::format(" camera motion: {}.", scores.camera_motion);
    }
    return clean_caption(clean_caption(text));
}

}  // namespace kine::dit::open_sora
