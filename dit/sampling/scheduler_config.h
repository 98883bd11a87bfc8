// What all samplers ask of a scheduler_config.json: known words, numbers in range, and no setting that we would ignore.
// Messages name `where`, the file, and the key.
#pragma once

#include "runtime/error.h"
#include "runtime/io/json.h"

#include <fmt/ranges.h>

#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace kine::dit {

/// The value that `word` stands for; ErrorCode::BadInput listing the known words.
template <class Value>
Value known_word(std::string_view where, std::string_view key, std::string_view word,
                 std::initializer_list<std::pair<std::string_view, Value>> words) {
    std::vector<std::string_view> known;
    for (const auto& [name, value] : words) {
        if (name == word) return value;
        known.push_back(name);
    }
    fail(ErrorCode::BadInput, "{}: {} is '{}', known are {}", where, key, word, fmt::join(known, ", "));
}

/// ErrorCode::BadInput unless low <= value <= high.
void check_range(std::string_view where, std::string_view key, double value, double low, double high);

/// A setting of the class that we lack: fine while it has the value that means "off".
struct LackedSetting {
    std::string_view key;
    Json off;
};
/// ErrorCode::Unsupported naming key and value.
void check_lacked(const Json& config, std::string_view where, std::initializer_list<LackedSetting> settings);

/// ErrorCode::Usage outside 1 .. num_train_timesteps.
void check_steps(int64_t steps, int64_t num_train_timesteps);

}  // namespace kine::dit
