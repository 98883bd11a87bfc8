// One maker a file in this folder: `config` is the scheduler's JSON, `where` names its file.
#pragma once

#include "dit/sampling/sampler.h"

#include <string_view>

namespace kine::dit {

std::unique_ptr<Sampler> make_ddim(const Json& config, std::string_view where, int64_t steps);
std::unique_ptr<Sampler> make_euler_flow(const Json& config, std::string_view where, int64_t steps);
std::unique_ptr<Sampler> make_dpmpp_2m(const Json& config, std::string_view where, int64_t steps);
std::unique_ptr<Sampler> make_unipc(const Json& config, std::string_view where, int64_t steps);

}  // namespace kine::dit
