// Every rank holds everything.
#pragma once

#include "parallel/strategies/strategies.h"

namespace kine::parallel {

inline constexpr Strategy kNone{
    .name = "none",
    .summary = "tokens are not split between ranks",
    .resident = {Split::None},
    .spatial = {Split::None},
    .temporal = {Split::None},
    .joint = {Split::None},
};

}  // namespace kine::parallel
