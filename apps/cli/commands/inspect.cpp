// kinescope inspect: what a model directory, a safetensors file or a video holds.
#include "apps/cli/commands/commands.h"
#include "apps/cli/run_setup.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace kinescope::cli {

namespace {

using Json = nlohmann::json;

std::string plain(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

/// "name  value" rows of an object's simple members.
std::string rows_of(const Json& object, std::string_view indent) {
    std::string text;
    for (const auto& [name, value] : object.items()) {
        if (!value.is_structured()) text += fmt::format("{}{:<16} {}\n", indent, name, plain(value));
    }
    return text;
}

std::string component_text(const Json& component) {
    std::string text = fmt::format("  {:<16} {}\n", plain(component["name"]), plain(component["class"]));
    if (!component.contains("parameters") || component["parameters"] == 0) return text;
    text += fmt::format("  {:<16} {} parameters in {} tensors, {}", "", component["parameters"].dump(),
                        component["tensors"].dump(), bytes_text(component["bytes"]));
    for (const auto& [dtype, count] : component["dtypes"].items()) text += fmt::format(", {} {}", dtype, count.dump());
    return text + "\n";
}

/// A line for each kind of words that the model knows.
std::string words_text(const Json& kinds) {
    std::string text;
    for (const auto& [kind, words] : kinds.items()) {
        text += fmt::format("  {:<16}", kind);
        for (const Json& word : words) text += " " + plain(word);
        text += "\n";
    }
    return text;
}

std::string list_text(const Json& report, const char* name) {
    if (!report.contains(name) || report[name].empty()) return "";
    std::string text = fmt::format("{}\n", name);
    for (const Json& line : report[name]) text += fmt::format("  {}\n", plain(line));
    return text;
}

std::string model_text(const Json& report) {
    std::string text = rows_of(report, "");
    text += "components\n";
    for (const Json& component : report["components"]) text += component_text(component);
    if (report.contains("defaults")) text += "defaults\n" + rows_of(report["defaults"], "  ");
    if (report.contains("words")) text += "words\n" + words_text(report["words"]);
    return text + list_text(report, "problems") + list_text(report, "unused");
}

std::string video_text(const Json& report) {
    std::string text = rows_of(report, "");
    const Json parameters = report.value("parameters", Json::object());
    if (parameters.is_object() && !parameters.empty()) text += "parameters\n" + rows_of(parameters, "  ");
    if (parameters.is_object() && parameters.contains("plan")) text += "plan\n" + rows_of(parameters["plan"], "  ");
    text += "metadata\n";
    for (const auto& [name, value] : report["metadata"].items()) {
        if (name != "kinescope") text += fmt::format("  {:<16} {}\n", name, plain(value));
    }
    if (report.contains("words")) text += "words\n" + words_text(report["words"]);
    return text + list_text(report, "problems");
}

std::string tensors_text(const Json& report) {
    std::string text = rows_of(report, "");
    for (const Json& tensor : report["tensors"]) {
        text +=
            fmt::format("  {:<48} {:<5} {}\n", plain(tensor["name"]), plain(tensor["dtype"]), tensor["shape"].dump());
    }
    return text;
}

std::string text_of(const Json& report) {
    if (report["kind"] == "model") return model_text(report);
    return report["kind"] == "video" ? video_text(report) : tensors_text(report);
}

}  // namespace

int run_inspect(const Arguments& arguments, Surroundings&) {
    Session session = make_session(arguments, false);
    const Json report = Json::parse(session.inspect(arguments.positional.front()));
    print_data(arguments.flag("json") ? report.dump(2) + "\n" : text_of(report));
    const bool has_problems = report.contains("problems") && !report["problems"].empty();
    return has_problems ? KINE_BAD_INPUT : KINE_OK;
}

}  // namespace kinescope::cli
