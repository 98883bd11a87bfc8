// What a rank makes of a model's layers when ranks share out weights: those of its heads. Made at first need and kept
// for the run, beside the model's own, which ranks of one process share.
#pragma once

#include "dit/modules/linear.h"

#include <map>

namespace kine::dit {

/// The layers of a self attention, of some of its heads.
struct HeadLayers {
    Linear qkv;  ///< [.., C] -> [q | k | v] of those heads
    Linear out;  ///< of those heads' results -> [.., C], to be summed over ranks; rank 0's has the bias
};

/// Of one rank, one thread at a time.
class WeightParts {
  public:
    /// `heads` of `head_size` channels each, not none. The layers must stay where they are.
    const HeadLayers& of_heads(const Context& context, const Linear& qkv, const Linear& out, int64_t head_size,
                               parallel::Range heads);

  private:
    std::map<const Linear*, HeadLayers> layers_;
};

}  // namespace kine::dit
