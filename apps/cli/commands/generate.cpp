// kinescope generate: a prompt becomes a video, or every one of several.
#include "apps/cli/batch.h"
#include "apps/cli/commands/commands.h"
#include "apps/cli/config_file.h"
#include "apps/cli/requests.h"
#include "apps/cli/run_setup.h"

namespace kinescope::cli {

namespace {

/// Groups of threads each have a share here; of groups of processes, this is in one.
std::vector<Share> shares_of(const Arguments& arguments, const Session& session, const Ranks& ranks) {
    constexpr int kMostGroups = 1024;
    const auto groups = static_cast<size_t>(arguments.number("request_parallel", 1, 1, kMostGroups));
    if (ranks.are_several()) return {{static_cast<size_t>(session.group()), groups}};
    std::vector<Share> shares;
    for (size_t group = 0; group < groups; ++group) shares.push_back({group, groups});
    return shares;
}

int print_only(const Arguments& arguments) {
    for (const std::string& prompt : prompts_of(arguments)) make_request(arguments, prompt);
    print_data(print_config(arguments) + "\n");
    return KINE_OK;
}

}  // namespace

int run_generate(const Arguments& arguments, Surroundings& around) {
    Progress progress(arguments.flag("quiet") ? "none" : arguments.text("progress", "auto"));
    if (arguments.flag("print_config")) return print_only(arguments);
    around.ranks.join();
    if (!has_prompt(arguments)) {
        throw Error(KINE_USAGE, "a prompt is needed: -p TEXT, --prompt-file FILE, --prompts FILE or -p -");
    }
    const std::vector<Request> requests = make_requests(arguments, around.ranks);
    Session session = make_session(arguments);
    session.share(around.ranks.get());
    const Loudness loudness{arguments.flag("quiet"), arguments.flag("verbose"), session.tells()};
    const OnFailure on_failure = around.ranks.are_several() ? OnFailure::Stop : OnFailure::GoOn;
    Batch batch(session, requests, progress, {loudness, on_failure});
    const std::vector<Share> shares = shares_of(arguments, session, around.ranks);
    if (requests.size() > 1) batch.check(shares);
    around.ranks.agree(requests);  // on beginning, too: what another group finds wrong is known before anything is made
    return batch.run(shares, around.signals);
}

}  // namespace kinescope::cli
