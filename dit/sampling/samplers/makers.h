// One maker a file in this folder: `config` is the scheduler's JSON, `where` names its file. Beside it the names of the
// settings that it reads.
#pragma once

#include "dit/sampling/sampler.h"
#include "runtime/io/json_fwd.h"

#include <string>
#include <string_view>
#include <vector>

namespace kine::dit {

std::unique_ptr<Sampler> make_ddim(const Json& config, std::string_view where, int64_t steps);
std::vector<std::string> ddim_options();
std::unique_ptr<Sampler> make_euler_flow(const Json& config, std::string_view where, int64_t steps);
std::vector<std::string> euler_flow_options();
std::unique_ptr<Sampler> make_rflow(const Json& config, std::string_view where, int64_t steps);
std::vector<std::string> rflow_options();
std::unique_ptr<Sampler> make_dpmpp_2m(const Json& config, std::string_view where, int64_t steps);
std::vector<std::string> dpmpp_2m_options();
std::unique_ptr<Sampler> make_unipc(const Json& config, std::string_view where, int64_t steps);
std::vector<std::string> unipc_options();

std::unique_ptr<Sampler> make_cogvideox_ddim(const Json& config, std::string_view where, int64_t steps);
std::unique_ptr<Sampler> make_cogvideox_dpm(const Json& config, std::string_view where, int64_t steps);
std::vector<std::string> cogvideox_options();

}  // namespace kine::dit
