#include "dit/families/dialect.h"

#include <algorithm>
#include <charconv>

namespace kine::dit {

std::string_view without_prefix(std::string_view name) {
    constexpr std::string_view kPrefix = "model.diffusion_model.";
    return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

int64_t count_blocks(const Weights& weights, std::string_view blocks) {
    int64_t count = 0;
    for (const std::string& name : weights.names()) {
        if (!name.starts_with(blocks) || name.size() <= blocks.size() || name[blocks.size()] != '.') continue;
        int64_t index = -1;
        std::from_chars(name.data() + blocks.size() + 1, name.data() + name.size(), index);
        count = std::max(count, index + 1);
    }
    return count;
}

}  // namespace kine::dit
