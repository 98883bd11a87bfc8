#include "parallel/linear_sequence.h"

namespace kine::parallel {

namespace {

Tensor own_state(const Context& context, const kernels::LinearAttention& part) {
    Tensor state = kernels::no_linear_state(context, part);
    kernels::take_keys(context, part, state);
    return state;
}

}  // namespace

Tensor linear_attention_of_all(const Context& context, Communicator& ranks, const SplitLinearAttention& attention) {
    check(!attention.part.decay, ErrorCode::Bug, "linear_attention_of_all: a decay needs an order of keys");
    const Tensor state = ranks.all_reduce(context, own_state(context, attention.part));
    return kernels::linear_attention(context, attention.part, state);
}

Tensor causal_by_gather(const Context& context, Communicator& ranks, const SplitLinearAttention& attention) {
    const auto& [part, lengths] = attention;
    const Tensor own = own_state(context, part);
    const std::vector<Shape> shapes(static_cast<size_t>(ranks.size()), own.shape());
    const std::vector<Tensor> all = ranks.all_gather(context, own, shapes);
    Tensor before = kernels::no_linear_state(context, part);
    for (size_t rank = 0; rank < static_cast<size_t>(ranks.rank()); ++rank)
        kernels::follow_state(context, before, all[rank], part.decay, lengths[rank]);
    return kernels::causal_linear_attention(context, part, before);
}

Tensor causal_by_ring(const Context& context, Communicator& ranks, const SplitLinearAttention& attention) {
    Tensor state = kernels::no_linear_state(context, attention.part);
    Tensor result;
    for (int turn = 0; turn < ranks.size(); ++turn) {  // that of rank `turn`
        const bool has_turn = turn == ranks.rank();
        if (has_turn) result = kernels::causal_linear_attention(context, attention.part, state);
        if (turn + 1 == ranks.size()) break;
        std::vector<Parcel> sent;
        std::vector<Awaited> awaited;
        if (has_turn) sent.push_back({turn + 1, state});
        if (turn + 1 == ranks.rank()) awaited.push_back({turn, state.shape(), DType::Float32});
        const std::vector<Tensor> came = ranks.send_receive(context, sent, awaited);
        if (!came.empty()) state = came[0];
    }
    return result;
}

}  // namespace kine::parallel
