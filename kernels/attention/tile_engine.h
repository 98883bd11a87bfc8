// The products of flash attention on matrix units (host/amx.h), for bf16: sums are f32, the shares of a softmax are
// rounded to bf16 before they meet the values.
#pragma once

#include "kernels/attention/flash.h"
#include "kernels/host/tile_product.h"

namespace kine::kernels {

/// One thread's. `Tiles` is AmxTiles, or what tests have in its place.
template <class Tiles>
class TileEngine {
  public:
    using Share = BFloat16;
    static constexpr int64_t kTaskQueries = 512;
    static constexpr int64_t kTileQueries = kTileBlock;
    static constexpr int64_t kQueryGroup = kTileBlock;
    static constexpr int64_t kKeyGroup = kTileBlock;
    static constexpr bool kScalesScores = true;

    TileEngine(const Context& context, const AttentionProblem& problem, int64_t queries)
        : problem_(problem),
          size_(problem.head_size()),
          depth_(rounded_up(size_, kTileDepth)),
          width_(rounded_up(size_, kTileBlock)),
          queries_(context, rounded_up(queries, kTileBlock) * depth_),
          keys_(context, packed_values(size_, kKeyBlock)),
          values_(context, packed_values(kKeyBlock, size_)),
          scores_(context, kTileBlock * kScoreStride),
          shares_(context, kTileBlock * kShareStride),
          sums_(context, rounded_up(queries, kTileBlock) * width_) {
        std::memset(static_cast<void*>(queries_.data), 0, static_cast<size_t>(queries_.memory.bytes()));
        std::memset(static_cast<void*>(shares_.data), 0, static_cast<size_t>(shares_.memory.bytes()));
    }

    void load_queries(HeadIndex index, Span queries) {
        const Tensor& q = problem_.q;
        const BFloat16* from = q.data<BFloat16>() + index.offset_in(q) + queries.begin * q.stride(2);
        copy_rows(from, q.stride(2), queries.count, size_, queries_.data, depth_);
    }

    void load_keys(HeadIndex index, Span keys) {
        const Tensor& k = problem_.k;
        const Tensor& v = problem_.v;
        pack_transposed(k.data<BFloat16>() + index.offset_in(k) + keys.begin * k.stride(2), k.stride(2), keys.count,
                        size_, keys_.data);
        pack_rows(v.data<BFloat16>() + index.offset_in(v) + keys.begin * v.stride(2), v.stride(2), keys.count, size_,
                  values_.data);
    }

    void score(Span rows, Span keys) {
        const TileRows queries = {queries_.data + rows.begin * depth_, depth_};
        for (int64_t key = 0; key < keys.count; key += kTileBlock)
            multiply_panel(tiles_, depth_, queries, keys_.data + panel_offset(size_, key),
                           {scores_.data + key, kScoreStride}, Start::Zero);
    }

    void accumulate(Span rows, Span keys) {
        const int64_t depth = rounded_up(keys.count, kTileDepth);
        const Start start = keys.begin == 0 ? Start::Zero : Start::Add;
        const TileRows shares = {shares_.data, kShareStride};
        for (int64_t column = 0; column < size_; column += kTileBlock) {
            const BFloat16* panel = values_.data + panel_offset(keys.count, column);
            const MutableMatrix sums = {sums_.data + rows.begin * width_ + column, width_};
            const bool is_half = size_ - column <= kTileSide;
            const auto multiply = is_half ? multiply_panel<1, Tiles> : multiply_panel<2, Tiles>;
            multiply(tiles_, depth, shares, panel, sums, start);
        }
    }

    RowTile<float> scores(int64_t rows, int64_t keys) { return {scores_.data, kScoreStride, rows, keys}; }
    RowTile<Share> shares(int64_t rows, int64_t keys) { return {shares_.data, kShareStride, rows, keys}; }
    RowTile<float> sums(int64_t rows) { return {sums_.data, width_, rows, size_}; }

  private:
    // Rows of a multiple of 512 bytes would share a few sets of the L1.
    static constexpr int64_t kScoreStride = kKeyBlock + 16;
    static constexpr int64_t kShareStride = kKeyBlock + 32;

    const AttentionProblem& problem_;
    const int64_t size_;        // of a head
    const int64_t depth_;       // head size in whole tiles
    const int64_t width_;       // head size in whole blocks
    Values<BFloat16> queries_;  // [queries in whole blocks, depth], zeros beyond the head size
    Values<BFloat16> keys_;     // packed [D, key block]
    Values<BFloat16> values_;   // packed [key block, D]
    Values<float> scores_;      // [32, score stride]
    Values<BFloat16> shares_;   // [32, share stride]
    Values<float> sums_;        // [queries in whole blocks, width]
    Tiles tiles_;
};

}  // namespace kine::kernels
