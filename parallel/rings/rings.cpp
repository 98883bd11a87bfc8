#include "parallel/rings/rings.h"

namespace kine::parallel {

namespace {

using Executor = kernels::PartialAttention (*)(const Context&, const Ring&, const SplitAttention&);

struct Row {
    Keys keys;
    Executor run;
};
constexpr Row kExecutors[] = {{Keys::Ring, one_way_ring},
                              {Keys::BothWays, both_ways_ring},
                              {Keys::DoubleRing, double_ring},
                              {Keys::Resident, token_ring}};

}  // namespace

kernels::PartialAttention ring_attention(const Context& context, const Ring& ring, Keys keys,
                                         const SplitAttention& attention) {
    check(static_cast<int>(attention.lengths.size()) == ring.ranks.size(), ErrorCode::Bug,
          "ring_attention: {} lengths for {} ranks", attention.lengths.size(), ring.ranks.size());
    for (const Row& row : kExecutors) {
        if (row.keys == keys) return row.run(context, ring, attention);
    }
    fail(ErrorCode::Bug, "ring_attention: keys of kind {} do not go round", static_cast<int>(keys));
}

kernels::PartialAttention attention_of_all(const Context& context, Communicator& ranks, const Tensor& queries,
                                           const SplitAttention& attention) {
    const kernels::PartialAttention own = kernels::partial_attention(context, queries, attention.k, attention.v);
    const auto count = static_cast<size_t>(ranks.size());
    const std::vector<Shape> values_shapes(count, own.values.shape()), log_shapes(count, own.log_sums.shape());
    const std::vector<Tensor> values = ranks.all_gather(context, own.values, values_shapes);
    const std::vector<Tensor> log_sums = ranks.all_gather(context, own.log_sums, log_shapes);
    kernels::PartialAttention sum = kernels::no_attention(context, queries.shape());
    for (size_t rank = 0; rank < count; ++rank) kernels::merge_into(context, sum, {values[rank], log_sums[rank]});
    return sum;
}

}  // namespace kine::parallel
