#include "parallel/partition.h"
#include "parallel/parts.h"
#include "parallel/rings/rings.h"
#include "parallel/rings/travelling.h"

namespace kine::parallel {

namespace {

/// A half of a block [2, B1, B2, L, H, D], the first or the second.
Tensor half_of(const Context& context, const Tensor& block, int which) {
    const Range rows = partition(block.dim(3), which, 2);
    return packed(context, block.slice(3, rows.begin, rows.end));
}

}  // namespace

kernels::PartialAttention both_ways_ring(const Context& context, const Ring& ring, const SplitAttention& attention) {
    const int size = ring.ranks.size(), rank = ring.ranks.rank();
    const auto at = [&](int distance) { return (rank + distance + size) % size; };
    const auto length_at = [&](int distance) { return attention.lengths[static_cast<size_t>(at(distance))]; };
    kernels::PartialAttention sum = kernels::no_attention(context, attention.q.shape());
    Tensor to_right = side_by_side(context, attention.k, attention.v), to_left = to_right;
    std::vector<Tensor> here = {to_right};  // not yet attended to
    const auto attend_here = [&] {
        for (const Tensor& block : here) kernels::merge_into(context, sum, attend_block(context, attention.q, block));
    };
    for (int distance = 1; distance <= size / 2; ++distance) {
        int64_t from_left = length_at(-distance), from_right = length_at(distance);
        if (2 * distance == size) {  // the same rank, seen from both sides
            to_right = half_of(context, to_right, 0);
            to_left = half_of(context, to_left, 1);
            from_left = partition(from_left, 0, 2).size();
            from_right = partition(from_right, 1, 2).size();
        }
        const Parcel sent[] = {{at(1), to_right}, {at(-1), to_left}};
        const Awaited awaited[] = {{at(-1), with_length(to_right.shape(), from_left), to_right.dtype()},
                                   {at(1), with_length(to_right.shape(), from_right), to_right.dtype()}};
        Pending next = ring.ranks.begin_send_receive(context, sent, awaited);
        attend_here();
        here = next.wait();
        to_right = here[0];  // what came from the left goes on
        to_left = here[1];
    }
    attend_here();
    return sum;
}

}  // namespace kine::parallel
