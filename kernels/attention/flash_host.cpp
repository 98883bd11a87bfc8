// Flash attention on vectors of eight floats: f32, and bf16 where there are no matrix units.
#include "kernels/attention/flash.h"
#include "kernels/attention/pack.h"
#include "kernels/host/panel_product.h"
#include "kernels/host/visit.h"

namespace kine::kernels {

namespace {

/// Queries are scaled when loaded; the shares of a softmax take the place of its scores. Sizes of memory are those of
/// the problem where they are smaller than a block.
template <class T>
class FloatEngine {
  public:
    using Share = float;
    static constexpr int64_t kTaskQueries = 288;  // a multiple of a tile
    static constexpr int64_t kTileQueries = 4 * kMicroRows;
    static constexpr int64_t kQueryGroup = kMicroRows;
    static constexpr int64_t kKeyGroup = kLanes;
    static constexpr bool kScalesScores = false;

    FloatEngine(const Context& context, const AttentionProblem& problem, int64_t queries)
        : problem_(problem),
          size_(problem.head_size()),
          key_block_(std::min(kKeyBlock, rounded_up(problem.keys(), kPanel))),
          value_stride_(rounded_up(size_, kLanes)),
          queries_(context, queries * size_),
          keys_(context, key_block_ * size_),
          values_(context, key_block_ * rounded_up(size_, kPanel)),
          scores_(context, kTileQueries * key_block_),
          sums_(context, queries * value_stride_) {}

    void load_queries(HeadIndex index, Span queries) {
        const Tensor& q = problem_.q;
        const int64_t stride = q.stride(2);
        const T* from = q.data<T>() + index.offset_in(q) + queries.begin * stride;
        const auto scaled = [scale = problem_.scale](Float8 v) { return v * scale; };
        for (int64_t row = 0; row < queries.count; ++row)
            map_lanes(size_, queries_.data + row * size_, scaled, from + row * stride);
    }

    void load_keys(HeadIndex index, Span keys) {
        const Tensor& k = problem_.k;
        const Tensor& v = problem_.v;
        pack_keys(k.data<T>() + index.offset_in(k) + keys.begin * k.stride(2), k.stride(2), keys.count, size_,
                  keys_.data);
        pack_values(v.data<T>() + index.offset_in(v) + keys.begin * v.stride(2), v.stride(2), keys.count, size_,
                    values_.data);
    }

    void score(Span rows, Span keys) {
        const ConstMatrix queries = {queries_.data + rows.begin * size_, size_};
        for (int64_t key = 0; key < keys.count; key += 2 * kPanel) {
            const float* panel = keys_.data + key * size_;
            const PanelPair pair = {panel, key + kPanel < keys.count ? panel + kPanel * size_ : nullptr};
            multiply_panels(rows.count, size_, queries, pair, {scores_.data + key, key_block_}, Start::Zero);
        }
    }

    void accumulate(Span rows, Span keys) {
        const Start start = keys.begin == 0 ? Start::Zero : Start::Add;
        const int64_t rest = size_ % kPanel, end = rest <= kLanes ? size_ - rest : size_;
        for (int64_t column = 0; column < end; column += 2 * kPanel) {
            const float* panel = values_.data + column * keys.count;
            const PanelPair pair = {panel, column + kPanel < end ? panel + kPanel * keys.count : nullptr};
            multiply_panels(rows.count, keys.count, {scores_.data, key_block_}, pair,
                            {sums_.data + rows.begin * value_stride_ + column, value_stride_}, start);
        }
        if (end < size_) accumulate_narrow(rows, keys, end, start);
    }

    RowTile<float> scores(int64_t rows, int64_t keys) { return {scores_.data, key_block_, rows, keys}; }
    RowTile<Share> shares(int64_t rows, int64_t keys) { return scores(rows, keys); }
    RowTile<float> sums(int64_t rows) { return {sums_.data, value_stride_, rows, size_}; }

  private:
    /// The last columns where they are 8 or fewer.
    void accumulate_narrow(Span rows, Span keys, int64_t column, Start start) {
        const ConstMatrix panel = {values_.data + column * keys.count, kLanes};
        const auto multiply = start == Start::Zero ? multiply_strip<1, Start::Zero> : multiply_strip<1, Start::Add>;
        for (int64_t row = 0; row < rows.count; row += kMicroRows)
            multiply(std::min<int64_t>(kMicroRows, rows.count - row), keys.count,
                     {scores_.data + row * key_block_, key_block_}, panel,
                     {sums_.data + (rows.begin + row) * value_stride_ + column, value_stride_});
    }

    const AttentionProblem& problem_;
    const int64_t size_;          // of a head
    const int64_t key_block_;     // keys in a block, a multiple of 16
    const int64_t value_stride_;  // head size in whole vectors
    Values<float> queries_;       // [queries, D], scaled
    Values<float> keys_;          // [key block / 16][D][16]
    Values<float> values_;        // panels of [key block][16 or 8]
    Values<float> scores_;        // [kTileQueries, key block]
    Values<float> sums_;          // [queries, value_stride]
};

}  // namespace

void flash_attention_host(const Context& context, AttentionProblem& problem) {
    visit_floating(problem.q.dtype(), [&]<class T>(T) { run_flash_attention<T, FloatEngine<T>>(context, problem); });
}

}  // namespace kine::kernels
