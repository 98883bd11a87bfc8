// What the names and shapes of a component's tensors tell of its configuration.
#pragma once

#include "runtime/weights.h"

#include <string>
#include <string_view>

namespace kine {

/// The number of blocks: the largest N of "BLOCKS.N." plus one.
int64_t count_blocks(const Weights& weights, std::string_view blocks);
/// One axis of a tensor's shape; ErrorCode::BadInput where there is no such tensor or axis, or it is empty.
int64_t size_of(const Weights& weights, const std::string& name, int axis);

}  // namespace kine
