// kinescope compare: how alike two videos are.
#include "apps/cli/commands/commands.h"
#include "apps/cli/run_setup.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace kinescope::cli {

namespace {

using Json = nlohmann::json;

std::string decibel_text(const Json& psnr) {
    return psnr.is_null() ? "equal" : fmt::format("{:.2f}", psnr.get<double>());
}

std::string text_of(const Json& report) {
    std::string text = fmt::format("{:>6} {:>8} {:>8} {:>8}\n", "frame", "PSNR", "SSIM", "largest");
    int index = 0;
    for (const Json& frame : report["frames"]) {
        text += fmt::format("{:>6} {:>8} {:>8.4f} {:>8}\n", index++, decibel_text(frame["psnr"]),
                            frame["ssim"].get<double>(), frame["max_difference"].dump());
    }
    return text + fmt::format("{:>6} {:>8} {:>8.4f} {:>8}\n", "all", decibel_text(report["psnr"]),
                              report["ssim"].get<double>(), report["max_difference"].dump());
}

}  // namespace

int run_compare(const Arguments& arguments, Surroundings&) {
    const std::string sheet = arguments.text("sheet");
    std::error_code ignored;
    if (!sheet.empty() && !arguments.flag("overwrite") && std::filesystem::exists(sheet, ignored)) {
        throw Error(KINE_OUTPUT, fmt::format("'{}' exists, -y replaces it", sheet));
    }
    const Json report = Json::parse(compare(arguments.positional[0], arguments.positional[1], sheet));
    print_data(arguments.flag("json") ? report.dump(2) + "\n" : text_of(report));
    if (!sheet.empty() && !arguments.flag("quiet")) say(fmt::format("wrote {}", sheet));
    return KINE_OK;
}

}  // namespace kinescope::cli
