// What the environment switches off, as comparisons want.
#pragma once

#include "runtime/registry.h"

#include <array>
#include <cstdlib>

namespace kine {

/// Whether the environment's `variable` is "on", or nothing. ErrorCode::Usage for anything but that and "off".
inline bool is_switched_on(const char* variable) {
    struct Wish {
        std::string_view name;
        bool is_on;
    };
    static constexpr std::array<Wish, 2> kWishes = {{{"on", true}, {"off", false}}};
    const char* const wish = std::getenv(variable);
    if (wish == nullptr || *wish == '\0') return true;
    return find_entry(std::span<const Wish>(kWishes), variable, wish).is_on;
}

}  // namespace kine
