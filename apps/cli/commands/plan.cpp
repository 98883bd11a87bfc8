// kinescope plan: what a run would do, without doing it.
#include "apps/cli/commands/commands.h"
#include "apps/cli/config_file.h"
#include "apps/cli/run_setup.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace kinescope::cli {

int run_plan(const Arguments& arguments, Surroundings&) {
    if (!is_first_process()) return KINE_OK;
    const Request request = make_request(arguments);
    if (arguments.flag("print_config")) {
        print_data(print_config(arguments) + "\n");
        return KINE_OK;
    }
    Session session = make_plan_session(arguments);
    const std::string json = session.plan_json(request);
    print_data(arguments.flag("json") ? json + "\n" : session.plan_text(request));
    const nlohmann::json plan = nlohmann::json::parse(json);
    if (plan["fits"].get<bool>()) return KINE_OK;
    throw Error(KINE_DOES_NOT_FIT,
                fmt::format("the run needs {} at its peak, --max-ram allows {}",
                            bytes_text(plan["memory"]["peak_bytes"]), bytes_text(plan["memory"]["budget_bytes"])));
}

}  // namespace kinescope::cli
