// A T5 encoder's sizes as its tensors show them.
#pragma once

#include "runtime/io/json_fwd.h"
#include "runtime/weights.h"

namespace kine::dit {

/// `config`, a published one, with the sizes of tensors that have transformers' names.
Json t5_sizes(const Weights& ours, Json config);

}  // namespace kine::dit
