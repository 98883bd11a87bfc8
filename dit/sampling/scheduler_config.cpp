#include "dit/sampling/scheduler_config.h"

namespace kine::dit {

void check_range(std::string_view where, std::string_view key, double value, double low, double high) {
    check(value >= low && value <= high, ErrorCode::BadInput, "{}: {} is {}, expected {} to {}", where, key, value, low,
          high);
}

void check_lacked(const Json& config, std::string_view where, std::initializer_list<LackedSetting> settings) {
    for (const auto& [key, off] : settings) {
        const auto stated = config.find(key);
        if (stated == config.end() || stated->is_null() || *stated == off) continue;
        fail(ErrorCode::Unsupported, "{}: {} is {}, only {} is supported", where, key, stated->dump(), off.dump());
    }
}

void check_steps(int64_t steps, int64_t num_train_timesteps) {
    check(steps >= 1 && steps <= num_train_timesteps, ErrorCode::Usage, "steps is {}, expected 1 to {}", steps,
          num_train_timesteps);
}

}  // namespace kine::dit
