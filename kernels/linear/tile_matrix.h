// The product on matrix units (host/amx.h): the weight lies packed in panels of 32 columns, and 32 rows at a time go
// through a group of panels that stays in the thread's L2. Rows that lie apart evenly are read where they are.
#pragma once

#include "kernels/host/tile_product.h"
#include "kernels/linear/epilogue.h"
#include "runtime/context.h"

#include <optional>

namespace kine::kernels {

/// Immutable; safe for several threads. `Tiles` is AmxTiles, or what tests have in its place.
template <class Tiles>
class TileMatrix {
  public:
    /// `weight` [N, K] bf16, contiguous.
    TileMatrix(const Context& context, const Tensor& weight)
        : depth_(weight.dim(1)),
          columns_(weight.dim(0)),
          packed_(Tensor::empty(context, {packed_values(depth_, columns_)}, DType::BFloat16)) {
        const int64_t panels = divided_up(columns_, kTileBlock);
        context.threads.parallel_for(panels, 1, [&](int64_t begin, int64_t end) {
            const Range part = {begin * kTileBlock, std::min(columns_, end * kTileBlock)};
            pack_transposed(weight.data<BFloat16>() + part.begin * depth_, depth_, part.size(), depth_,
                            packed_.data<BFloat16>() + panel_offset(depth_, part.begin));
        });
    }

    Tensor unpacked(const Context& context) const {
        Tensor weight = Tensor::empty(context, {columns_, depth_}, DType::BFloat16);
        BFloat16* to = weight.data<BFloat16>();
        for (int64_t column = 0; column < columns_; ++column) {
            for (int64_t k = 0; k < depth_; ++k) *to++ = packed()[value_offset(depth_, k, column)];
        }
        return weight;
    }

    void multiply(const Context& context, const Rows& rows, const Epilogue& epilogue) const {
        const int64_t strips = divided_up(rows.count, kTileBlock);
        const int64_t groups = divided_up(columns_, group());
        // Strips are the inner loop, so that a thread keeps its group of panels in cache.
        context.threads.parallel_for(strips * groups, 1, [&](int64_t begin, int64_t end) {
            Worker worker(context, *this);
            for (int64_t task = begin; task < end; ++task) {
                const Range which = part_of(rows.count, task % strips, kTileBlock);
                const Range columns = part_of(columns_, task / strips, group());
                worker.multiply(rows, which, columns);
                finish_tile(epilogue, worker.sums.template data<float>(), group(), which, columns);
            }
        });
    }

  private:
    static constexpr int64_t kWidestGroup = 512;  // x 1,152 values of depth: 1.2 MB, beside the rows in 2 MB of L2
    static constexpr int64_t kPadding = 32;       // rows of a multiple of 4 KiB would share the sets of the L1

    struct Worker {
        const TileMatrix& matrix;
        int64_t left_stride;
        Tensor left;  // [32, left_stride]
        Tensor sums;  // [32, group]
        Tiles tiles;

        Worker(const Context& context, const TileMatrix& whole)
            : matrix(whole),
              left_stride(whole.whole_depth() + kPadding),
              left(Tensor::zeros(context, {kTileBlock, left_stride}, DType::BFloat16)),
              sums(Tensor::empty(context, {kTileBlock, whole.group()}, DType::Float32)) {}

        void multiply(const Rows& rows, Range which, Range columns) {
            const TileRows source = find_rows(rows, which);
            for (int64_t column = columns.begin; column < columns.end; column += kTileBlock) {
                const BFloat16* panel = matrix.packed() + panel_offset(matrix.depth_, column);
                multiply_panel(tiles, matrix.whole_depth(), source, panel,
                               {sums.data<float>() + column - columns.begin, matrix.group()}, Start::Zero);
            }
        }

        /// Where tiles can be loaded from: the rows themselves, or a copy.
        TileRows find_rows(const Rows& rows, Range which) {
            if (const std::optional<TileRows> in_place = matrix.find_in_place(rows, which)) return *in_place;
            copy_rows<BFloat16>(rows, which, {0, matrix.depth_}, left.data<BFloat16>(), left_stride);
            return {left.data<BFloat16>(), left_stride};
        }
    };

    static Range part_of(int64_t count, int64_t index, int64_t size) {
        return {index * size, std::min(count, (index + 1) * size)};
    }

    int64_t whole_depth() const { return rounded_up(depth_, kTileDepth); }
    const BFloat16* packed() const { return packed_.data<BFloat16>(); }
    /// Columns of a group: even shares of all, in whole panels.
    int64_t group() const {
        const int64_t groups = divided_up(columns_, kWidestGroup);
        return rounded_up(divided_up(columns_, groups), kTileBlock);
    }

    std::optional<TileRows> find_in_place(const Rows& rows, Range which) const {
        constexpr int64_t kSets = 4096;  // bytes after which addresses meet in the same set
        if (which.size() < kTileBlock || depth_ % kTileDepth != 0) return std::nullopt;
        const Run first = rows.run(which.begin, 0), second = rows.run(which.begin + 1, 0);
        if (first.values == nullptr || second.values == nullptr) return std::nullopt;
        const int64_t stride = second.values - first.values;
        if (stride % kSets == 0) return std::nullopt;
        for (int64_t row = 0; row < kTileBlock; ++row) {
            const Run run = rows.run(which.begin + row, 0);
            if (run.count < depth_ || run.values != first.values + row * stride) return std::nullopt;
        }
        return TileRows{reinterpret_cast<const BFloat16*>(first.values), stride / 2};
    }

    int64_t depth_;
    int64_t columns_;
    Tensor packed_;
};

}  // namespace kine::kernels
