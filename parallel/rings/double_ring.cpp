#include "parallel/rings/rings.h"
#include "parallel/rings/travelling.h"

#include <optional>

namespace kine::parallel {

kernels::PartialAttention double_ring(const Context& context, const Ring& ring, const SplitAttention& attention) {
    check(ring.group && ring.peers, ErrorCode::Bug, "double_ring: rank {} knows no groups", ring.ranks.rank());
    Communicator &group = *ring.group, &peers = *ring.peers;
    const int groups = peers.size();
    const auto size = static_cast<size_t>(group.size());
    const auto lengths_of = [&](int which) {
        return std::span(attention.lengths).subspan(static_cast<size_t>((which + groups) % groups) * size, size);
    };
    kernels::PartialAttention sum = kernels::no_attention(context, attention.q.shape());
    Tensor block = side_by_side(context, attention.k, attention.v);
    for (int round = 0; round < groups; ++round) {
        std::optional<Pending> next;
        if (round + 1 < groups) {
            const int64_t coming = lengths_of(peers.rank() - round - 1)[static_cast<size_t>(group.rank())];
            const Parcel sent[] = {{(peers.rank() + 1) % groups, block}};
            const Awaited awaited[] = {
                {(peers.rank() + groups - 1) % groups, with_length(block.shape(), coming), block.dtype()}};
            next = peers.begin_send_receive(context, sent, awaited);
        }
        merge_round(context, group, lengths_of(peers.rank() - round), block, attention.q, sum);
        if (next) block = next->wait()[0];
    }
    return sum;
}

}  // namespace kine::parallel
