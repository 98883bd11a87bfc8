#include "parallel/rings/rings.h"
#include "parallel/rings/travelling.h"

namespace kine::parallel {

kernels::PartialAttention one_way_ring(const Context& context, const Ring& ring, const SplitAttention& attention) {
    kernels::PartialAttention sum = kernels::no_attention(context, attention.q.shape());
    merge_round(context, ring.ranks, attention.lengths, side_by_side(context, attention.k, attention.v), attention.q,
                sum);
    return sum;
}

}  // namespace kine::parallel
