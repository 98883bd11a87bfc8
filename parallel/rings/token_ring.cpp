#include "parallel/parts.h"
#include "parallel/rings/rings.h"

#include <optional>

namespace kine::parallel {

namespace {

using kernels::PartialAttention;

/// One exchange: queries to the next rank, results to where their queries live.
struct Letters {
    std::vector<Parcel> sent;
    std::vector<Awaited> awaited;
};

class TokenRing {
  public:
    TokenRing(const Context& context, Communicator& ranks, const SplitAttention& attention)
        : context_(context),
          ranks_(ranks),
          attention_(attention),
          queries_(packed(context, attention.q)),
          sum_(kernels::no_attention(context, attention.q.shape())) {}

    PartialAttention operator()() {
        for (int turn = 0; turn < ranks_.size(); ++turn) {
            Letters letters = letters_of(turn);
            std::optional<Pending> exchange;
            if (!letters.sent.empty()) exchange = ranks_.begin_send_receive(context_, letters.sent, letters.awaited);
            letters.sent.clear();
            attend(turn);
            if (exchange) take(exchange->wait(), turn);
        }
        if (ranks_.size() > 1) return_last();
        return std::move(sum_);
    }

  private:
    int at(int distance) const { return (ranks_.rank() + distance + ranks_.size()) % ranks_.size(); }

    Shape queries_at(int distance) const {
        Shape shape = queries_.shape();
        shape.set(2, attention_.lengths[static_cast<size_t>(at(distance))]);
        return shape;
    }

    bool passes_queries(int turn) const { return turn + 1 < ranks_.size(); }
    bool returns_results(int turn) const { return turn >= 2; }  // those of the turn before

    Letters letters_of(int turn) const {
        Letters letters;
        if (passes_queries(turn)) {
            letters.sent.push_back({at(1), queries_});
            letters.awaited.push_back({at(-1), queries_at(-turn - 1), queries_.dtype()});
        }
        if (returns_results(turn)) add_results(letters, turn - 1);
        return letters;
    }

    /// What was found for the rank `distance` to the left, and what the one as far to the right found for this one.
    void add_results(Letters& letters, int distance) const {
        const Shape own = sum_.values.shape();
        letters.sent.push_back({at(-distance), found_.values});
        letters.sent.push_back({at(-distance), found_.log_sums});
        letters.awaited.push_back({at(distance), own, DType::Float32});
        letters.awaited.push_back({at(distance), {own[0], own[1], own[2], own[3]}, DType::Float32});
    }

    /// The queries that are here, which live `turn` ranks to the left. What was found before may still be on its way.
    void attend(int turn) {
        PartialAttention found = kernels::partial_attention(context_, queries_, attention_.k, attention_.v);
        if (turn == 0) {
            kernels::merge_into(context_, sum_, found);
        } else {
            found_ = std::move(found);
        }
    }

    void take(std::vector<Tensor> came, int turn) {
        if (passes_queries(turn)) queries_ = came.front();
        if (returns_results(turn)) kernels::merge_into(context_, sum_, {came[came.size() - 2], came.back()});
    }

    void return_last() {
        Letters letters;
        add_results(letters, ranks_.size() - 1);
        const auto came = ranks_.send_receive(context_, letters.sent, letters.awaited);
        kernels::merge_into(context_, sum_, {came[0], came[1]});
    }

    const Context& context_;
    Communicator& ranks_;
    const SplitAttention& attention_;
    Tensor queries_;
    PartialAttention found_;  // by the queries of the turn before
    PartialAttention sum_;
};

}  // namespace

PartialAttention token_ring(const Context& context, const Ring& ring, const SplitAttention& attention) {
    return TokenRing(context, ring.ranks, attention)();
}

}  // namespace kine::parallel
