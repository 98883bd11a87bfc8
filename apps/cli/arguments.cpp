#include "apps/cli/arguments.h"

#include "apps/cli/config_file.h"
#include "apps/cli/prompts.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <numeric>

namespace kinescope::cli {

namespace {

/// Shows the short and the first long spelling only; aliases are for fingers that know other programs.
class ShortFormatter final : public CLI::Formatter {
  public:
    std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
        if (is_positional) return option->get_name(true, false);
        std::string name = option->get_snames().empty() ? "    " : "-" + option->get_snames().front() + ", ";
        if (!option->get_lnames().empty()) name += "--" + option->get_lnames().front();
        return name;
    }
    std::string make_option_opts(const CLI::Option* option) const override {
        return option->get_positional() || option->get_type_name().empty() ? "" : " " + option->get_type_name();
    }
    std::string make_option_usage(const CLI::Option* option) const override { return option->get_type_name(); }
};

void add_row(CLI::App& app, const OptionRow& row, Arguments& arguments) {
    const std::string names = fmt::format("{}", fmt::join(spellings_of(row), ","));
    const std::string key(row.key);
    const std::string help(row.help);
    const std::string group(row.group);
    if (row.value.empty()) {
        app.add_flag_callback(
               names, [&arguments, key] { arguments.add(key, "true"); }, help)
            ->group(group);
        return;
    }
    const std::string alone = may_be_bare(row) ? "true" : "";
    const auto keep = [&arguments, key, alone](const CLI::results_t& values) {
        for (const std::string& value : values) arguments.add(key, value.empty() ? alone : value);
        return true;
    };
    app.add_option(names, keep, help)
        ->type_name(std::string(row.value))
        ->expected(may_be_bare(row) ? 0 : 1, 1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->group(group);
}

/// "PATH", "VIDEO VIDEO", "CASE...", "[TABLE]".
std::string usage_of(const CommandHelp& help) {
    const std::string name(help.positional);
    if (help.min_positional == 0) return "[" + name + "]";
    if (help.max_positional > help.min_positional) return name + "...";
    return help.max_positional == 2 ? name + " " + name : name;
}

void add_positional(CLI::App& app, const CommandHelp& help, Arguments& arguments) {
    if (help.positional.empty()) return;
    const auto keep = [&arguments](const CLI::results_t& values) {
        arguments.positional = values;
        return true;
    };
    constexpr int kNoLimit = 1 << 20;  // how many are right is said below, in words of ours
    app.add_option(std::string(help.positional), keep, std::string(help.meaning))
        ->type_name(usage_of(help))
        ->expected(1, kNoLimit)
        ->allow_extra_args();
}

void check_positional(const CommandHelp& help, const Arguments& arguments) {
    const auto came = static_cast<int>(arguments.positional.size());
    const int least = help.min_positional;
    const int most = help.max_positional;
    if (help.positional.empty() || (least <= came && came <= most)) return;
    const std::string expected = least == most ? std::to_string(least) : fmt::format("{} to {}", least, most);
    throw Error(KINE_USAGE, fmt::format("{}: expected {} {}, got {}", help.name, expected, help.positional, came));
}

std::vector<std::string> known_spellings(unsigned command) {
    std::vector<std::string> names;
    for (const OptionRow& row : option_rows()) {
        if ((row.commands & command) == 0) continue;
        for (std::string& name : spellings_of(row)) names.push_back(std::move(name));
    }
    return names;
}

[[noreturn]] void refuse_unknown(const std::vector<std::string>& extras, unsigned command) {
    const auto is_flag = [](const std::string& text) { return text.starts_with("-") && text != "-"; };
    const auto found = std::find_if(extras.begin(), extras.end(), is_flag);
    if (found == extras.end()) {
        throw Error(KINE_USAGE, fmt::format("unexpected argument '{}'; a prompt is given with -p", extras.front()));
    }
    const std::string name = found->substr(0, found->find('='));
    const std::string close = nearest(name, known_spellings(command));
    throw Error(KINE_USAGE, close.empty() ? fmt::format("unknown option '{}'", name)
                                          : fmt::format("unknown option '{}', did you mean '{}'?", name, close));
}

void refuse_disagreement(const Arguments& arguments) {
    for (const OptionRow& row : option_rows()) {
        const std::vector<std::string> values = arguments.all(row.key);
        const bool agree =
            std::all_of(values.begin(), values.end(), [&](const auto& v) { return v == values.front(); });
        if (row.repeatable || agree) continue;
        throw Error(KINE_USAGE,
                    fmt::format("{} is given more than once, as '{}'", row.key, fmt::join(values, "' and '")));
    }
}

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// --size WxH stands for width and height, and must agree with them.
void expand_size(Arguments& arguments) {
    if (!arguments.has("size")) return;
    const std::string size = arguments.text("size");
    const size_t cross = std::min(size.find_first_of("xX*"), size.size());
    const std::string width = size.substr(0, cross);
    const std::string height = cross < size.size() ? size.substr(cross + 1) : "";
    if (!is_number(width) || !is_number(height)) {
        throw Error(KINE_USAGE, fmt::format("size: expected WxH in pixels, got '{}'", size));
    }
    arguments.add("width", width);
    arguments.add("height", height);
}

/// What one source says, with its shorthands spelt out.
void settle(Arguments& arguments) {
    refuse_disagreement(arguments);
    expand_size(arguments);
    refuse_disagreement(arguments);
}

}  // namespace

void Arguments::complete(const Arguments& weaker) {
    const bool has_own_prompt = has_prompt(*this);
    for (const auto& [key, values] : weaker.values_) {
        if (!has_own_prompt || !is_prompt_option(key)) values_.emplace(key, values);
    }
}

std::string Arguments::text(std::string_view key, std::string_view otherwise) const {
    const auto found = values_.find(std::string(key));
    return found == values_.end() ? std::string(otherwise) : found->second.front();
}

std::vector<std::string> Arguments::all(std::string_view key) const {
    const auto found = values_.find(std::string(key));
    return found == values_.end() ? std::vector<std::string>() : found->second;
}

int Arguments::number(std::string_view key, int otherwise, int low, int high) const {
    if (!has(key)) return otherwise;
    const std::string value = text(key);
    int result = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    const bool whole = error == std::errc() && end == value.data() + value.size();
    if (whole && result >= low && result <= high) return result;
    throw Error(KINE_USAGE, fmt::format("{}: expected a number from {} to {}, got '{}'", key, low, high, value));
}

Options Arguments::for_target(Target target) const {
    Options options;
    for (const OptionRow& row : option_rows()) {
        if (row.target == target && has(row.key)) options.emplace_back(row.key, text(row.key));
    }
    return options;
}

std::optional<Arguments> parse_arguments(const CommandHelp& help, const std::vector<std::string>& arguments) {
    Arguments parsed;
    CLI::App app(std::string(help.summary), "kinescope " + std::string(help.name));
    app.formatter(std::make_shared<ShortFormatter>());
    app.get_formatter()->column_width(38);
    app.set_help_flag("-h,--help", "print this help");
    app.allow_extras();
    for (const OptionRow& row : option_rows()) {
        if (row.commands & help.command) add_row(app, row, parsed);
    }
    add_positional(app, help, parsed);
    try {
        app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::CallForHelp&) {
        fmt::print("{}", app.help());
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        throw Error(KINE_USAGE, error.what());
    }
    if (app.remaining_size() > 0) refuse_unknown(app.remaining(), help.command);
    check_positional(help, parsed);
    settle(parsed);
    if (!parsed.has("config")) return parsed;
    Arguments from_file = read_config(parsed.text("config"), help.command);
    settle(from_file);
    parsed.complete(from_file);
    return parsed;
}

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
    std::string best;
    const size_t dashes = std::min(name.find_first_not_of('-'), name.size());
    // At most a third of it is mistyped, or two letters, and never all of it.
    size_t best_distance = std::min(std::max<size_t>(2, name.size() / 3) + 1, name.size() - dashes);
    for (const std::string& candidate : candidates) {
        std::vector<size_t> row(candidate.size() + 1);  // Levenshtein, one row at a time
        std::iota(row.begin(), row.end(), 0);
        for (size_t i = 1; i <= name.size(); ++i) {
            size_t diagonal = std::exchange(row[0], i);
            for (size_t j = 1; j <= candidate.size(); ++j) {
                const size_t replaced = diagonal + (name[i - 1] == candidate[j - 1] ? 0 : 1);
                diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
            }
        }
        if (row.back() < best_distance) best = candidate, best_distance = row.back();
    }
    return best;
}

}  // namespace kinescope::cli
