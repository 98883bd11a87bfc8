#include "apps/embed/run_request.h"

#include "apps/embed/session.h"
#include "runtime/io/json.h"
#include "runtime/rng/noise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

namespace kine::embed {

namespace {

/// What no model could do; the model's own limits are checked when a job is made.
struct Range {
    std::string_view name;
    double low;
    double high;
};
constexpr std::array kRanges = {
    Range{"width", 1, 16384},          Range{"height", 1, 16384},        Range{"num_frames", 1, 100000},
    Range{"steps", 1, 1000},           Range{"decode_chunk", 0, 100000}, Range{"vae_tile", 0, 16384},
    Range{"vae_tile_overlap", 0, 0.5}, Range{"guidance_scale", 0, 1000}, Range{"guidance_scale_2", 0, 1000},
    Range{"ranks", 1, 1024},           Range{"rank_timeout", 0, 86400},  Range{"group_size", 0, 1024},
};

double as_number(const Json& value) { return value.is_number() ? value.get<double>() : 0.0; }

void describe_group(Json& table, std::string_view group, const FieldList& fields) {
    for (const OptionField& field : fields.fields()) {
        table.push_back({{"name", field.name},
                         {"type", field.type},
                         {"default", field.write()},
                         {"help", field.help},
                         {"group", group}});
    }
}

void set_output_options(codecs::SinkOptions& options, const KeyValues& values) {
    const FieldList fields(options);
    for (const auto& [name, value] : values) fields.find(option_name(name)).parse(value);
    check(!options.crf || (*options.crf >= 0 && *options.crf <= 255), ErrorCode::Usage,
          "crf: expected 0 to 255, got {}", options.crf.value_or(0));
    check(options.encoder_threads >= 0 && options.encoder_threads <= 1024, ErrorCode::Usage,
          "encoder_threads: expected 0 to 1024, got {}", options.encoder_threads);
}

std::filesystem::path canonical(const std::string& path) {
    std::error_code failed;
    const std::filesystem::path absolute = std::filesystem::weakly_canonical(std::filesystem::absolute(path), failed);
    return failed ? std::filesystem::path(path) : absolute;
}

}  // namespace

std::string option_name(std::string_view name) {
    std::string result(name);
    std::replace(result.begin(), result.end(), '-', '_');
    return result;
}

void RunRequest::set(std::string_view name, std::string_view value) {
    const std::string key = option_name(name);
    if (key == "prompt" || key == "negative_prompt") check_prompt(key, value);
    if (key == "seed" && value == "-1") {
        generation.seed = random_seed();
        is_seed_drawn = true;
        return;
    }
    check(key != "seed" || !value.starts_with('-'), ErrorCode::Usage,
          "seed: expected an integer from 0, or -1 for a random one, got '{}'", value);
    if (key == "cache_budget") {
        generation.cache_budget = parse_bytes(key, value);
        return;
    }
    if (key == "fps") parse_rate(value);
    if (key == "rng") noise_from_name(value);
    FieldList run_fields(run);
    const auto& known = run_fields.fields();
    const bool is_run_option = std::any_of(known.begin(), known.end(), [&](const auto& f) { return f.name == key; });
    if (is_run_option) {
        run_fields.find(key).parse(value);
        return;
    }
    dit::Request changed = generation;
    FieldList(changed).find(key).parse(value);
    std::swap(generation, changed);
    if (key == "seed") is_seed_drawn = false;
    try {
        check_range(key);
    } catch (const Error&) {
        std::swap(generation, changed);
        throw;
    }
}

void RunRequest::check_range(std::string_view name) const {
    const auto range = std::find_if(kRanges.begin(), kRanges.end(), [&](const Range& row) { return row.name == name; });
    if (range == kRanges.end()) return;
    dit::Request copy = generation;
    const double value = as_number(FieldList(copy).find(name).write());
    check(value >= range->low && value <= range->high, ErrorCode::Usage, "{}: expected {} to {}, got {}", name,
          range->low, range->high, value);
}

void RunRequest::add_output(std::string target, const KeyValues& options) {
    check(!target.empty(), ErrorCode::Usage, "output: expected a file, a pattern or '-', got nothing");
    for (const OutputRequest& other : outputs) {
        check(other.target != target && (target == "-" || canonical(other.target) != canonical(target)),
              ErrorCode::Usage, "output '{}' is given twice", target);
    }
    OutputRequest output{std::move(target), {}};
    set_output_options(output.options, options);
    outputs.push_back(std::move(output));
}

Json RunRequest::describe() const {
    dit::Request generation_copy = generation;
    RunOptions run_copy = run;
    Json description = to_json(FieldList(generation_copy));
    description.update(to_json(FieldList(run_copy)));
    description["outputs"] = Json::array();
    for (const OutputRequest& output : outputs) description["outputs"].push_back(output.target);
    return description;
}

Json option_table() {
    Json table = Json::array();
    SessionOptions session;
    dit::Request generation;
    RunOptions run;
    codecs::SinkOptions output;
    describe_group(table, "session", FieldList(session));
    describe_group(table, "request", FieldList(generation));
    describe_group(table, "request", FieldList(run));
    describe_group(table, "output", FieldList(output));
    return table;
}

}  // namespace kine::embed
