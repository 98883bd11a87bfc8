#include "parallel/ring.h"

#include "kernels/attention/merge.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "parallel/partition.h"

namespace kine::parallel {

namespace {

/// Keys and values side by side, so that they travel as one: [2, B1, B2, L, H, D].
Tensor packed(const Context& context, const SplitAttention& attention) {
    Shape shape{2};
    for (const int64_t size : attention.k.shape()) shape.append(size);
    Tensor both = Tensor::empty(context, shape, attention.k.dtype());
    Tensor keys = both.select(0, 0), values = both.select(0, 1);
    if (both.elements() == 0) return both;
    kernels::copy_into(context, attention.k, keys);
    kernels::copy_into(context, attention.v, values);
    return both;
}

}  // namespace

Tensor ring_attention(const Context& context, Communicator& communicator, const SplitAttention& attention) {
    const int ranks = communicator.size();
    const int rank = communicator.rank();
    const Tensor& q = attention.q;
    Tensor travelling = packed(context, attention);
    kernels::PartialAttention sum = kernels::no_attention(context, q.shape());
    for (int turn = 0; turn < ranks; ++turn) {
        kernels::merge_into(context, sum,
                            kernels::partial_attention(context, q, travelling.select(0, 0), travelling.select(0, 1)));
        if (turn + 1 == ranks) break;
        Shape next = travelling.shape();
        next.set(3, partition(attention.whole, (rank - turn - 1 + ranks) % ranks, ranks).size());
        const Parcel sent[] = {{(rank + 1) % ranks, travelling}};
        const Awaited awaited[] = {{(rank + ranks - 1) % ranks, next}};
        travelling = communicator.send_receive(context, sent, awaited, q.dtype())[0];
    }
    return q.dtype() == DType::Float32 ? sum.values : kernels::cast(context, sum.values, q.dtype());
}

}  // namespace kine::parallel
