#include "parallel/rings/travelling.h"

#include "kernels/move/move.h"

#include <optional>

namespace kine::parallel {

Tensor side_by_side(const Context& context, const Tensor& k, const Tensor& v) {
    Shape shape{2};
    for (const int64_t size : k.shape()) shape.append(size);
    Tensor both = Tensor::empty(context, shape, k.dtype());
    Tensor keys = both.select(0, 0), values = both.select(0, 1);
    if (both.elements() == 0) return both;
    kernels::copy_into(context, k, keys);
    kernels::copy_into(context, v, values);
    return both;
}

Shape with_length(const Shape& block, int64_t length) {
    Shape shape = block;
    shape.set(3, length);
    return shape;
}

kernels::PartialAttention attend_block(const Context& context, const Tensor& q, const Tensor& block) {
    return kernels::partial_attention(context, q, block.select(0, 0), block.select(0, 1));
}

void merge_round(const Context& context, Communicator& ranks, std::span<const int64_t> lengths, Tensor block,
                 const Tensor& q, kernels::PartialAttention& sum) {
    const int size = ranks.size(), rank = ranks.rank();
    const int right = (rank + 1) % size, left = (rank + size - 1) % size;
    for (int turn = 0; turn < size; ++turn) {
        std::optional<Pending> next;
        if (turn + 1 < size) {
            const auto coming = static_cast<size_t>((rank - turn - 1 + size) % size);
            const Parcel sent[] = {{right, block}};
            const Awaited awaited[] = {{left, with_length(block.shape(), lengths[coming]), block.dtype()}};
            next = ranks.begin_send_receive(context, sent, awaited);
        }
        kernels::merge_into(context, sum, attend_block(context, q, block));
        if (next) block = next->wait()[0];
    }
}

}  // namespace kine::parallel
