// The product on matrix units (host/amx.h): the weight lies packed in panels of 32 columns; a block of rows goes
// through a group of panels, a block of depth at a time, so that both stay in the thread's L2 (Goto and van de Geijn,
// 2008). Sums that wait for the next block of depth lose nothing: they are f32 in the units too. Rows that lie apart
// evenly are read in place.
#pragma once

#include "kernels/host/tile_product.h"
#include "kernels/linear/epilogue.h"
#include "kernels/linear/tile_blocks.h"
#include "kernels/linear/weight_panels.h"
#include "runtime/context.h"

#include <optional>

namespace kine::kernels {

/// Immutable; safe for several threads. `Tiles` is AmxTiles, or what tests have in its place.
template <class Tiles>
class TileMatrix {
  public:
    /// `weight` [N, K] bf16, contiguous.
    TileMatrix(const Context& context, const Tensor& weight, WeightPanels::Short which = WeightPanels::Short::Large)
        : panels_(context, weight, which) {}

    Tensor unpacked(const Context& context) const { return panels_.unpacked(context); }
    const WeightPanels& panels() const { return panels_; }

    void multiply(const Context& context, const Rows& rows, const Epilogue& epilogue) const {
        const int64_t width = group_width();
        const int64_t groups = divided_up(panels_.columns(), width);
        const int64_t height = block_height(rows.count, groups, context.threads.size());
        const int64_t blocks = divided_up(rows.count, height);
        // Blocks of rows are the inner loop, so that a thread keeps its group of panels in cache.
        context.threads.parallel_for(blocks * groups, 1, [&](int64_t begin, int64_t end) {
            const bool is_revisited = end - begin > 1 && blocks > 1;
            Worker worker(context, *this, height, is_revisited);
            for (int64_t task = begin; task < end; ++task) {
                const Range which = part_of(rows.count, task % blocks, height);
                worker.multiply(rows, which, part_of(panels_.columns(), task / blocks, width), epilogue);
            }
        });
    }

  private:
    static constexpr int64_t kWidestGroup = 384;  // x a block of depth: 0.9 MB, beside 0.2 MB of sums in 2 MB of L2
    static constexpr int64_t kDepthBlock = 1152;  // x 32 rows: 72 KB

    /// One thread's memory, and what it does with a block of rows and a group of columns.
    struct Worker {
        const TileMatrix& matrix;
        const int64_t left_stride, sums_stride;
        Tensor left_memory;  // [32, left_stride]
        Tensor sums_memory;  // [rows of a block, sums_stride]
        BFloat16* const left;
        float* const sums;
        WeightPanels::Reader panels;
        Tiles tiles;

        Worker(const Context& context, const TileMatrix& whole, int64_t height, bool is_revisited)
            : matrix(whole),
              left_stride(whole.depth_block() + kTilePadding),
              sums_stride(whole.group_width() + kTilePadding),
              left_memory(Tensor::zeros(context, {kTileBlock, left_stride}, DType::BFloat16)),
              sums_memory(Tensor::empty(context, {height, sums_stride}, DType::Float32)),
              left(left_memory.data<BFloat16>()),
              sums(sums_memory.data<float>()),
              panels(context, whole.panels_, whole.group_width(), whole.depth_block(), is_revisited) {}

        void multiply(const Rows& rows, Range which, Range columns, const Epilogue& epilogue) {
            const int64_t whole = matrix.panels_.depth();
            for (int64_t k = 0; k < whole; k += matrix.depth_block()) {
                const Range depth = {k, std::min(whole, k + matrix.depth_block())};
                panels.open(columns, depth);
                for (int64_t row = which.begin; row < which.end; row += kTileBlock) {
                    const Range strip = {row, std::min(which.end, row + kTileBlock)};
                    float* const to = sums + (row - which.begin) * sums_stride;
                    multiply_strip(find_rows(rows, strip, depth), depth, columns, to);
                    if (depth.end == whole) finish_tile(epilogue, to, sums_stride, strip, columns);
                }
            }
        }

        void multiply_strip(TileRows source, Range depth, Range columns, float* to) {
            const Start start = depth.begin == 0 ? Start::Zero : Start::Add;
            for (int64_t column = columns.begin; column < columns.end; column += kTileBlock, to += kTileBlock) {
                const BFloat16* panel = panels.panel(column, depth.begin);
                multiply_panel(tiles, rounded_up(depth.size(), kTileDepth), source, panel, {to, sums_stride}, start);
            }
        }

        /// Where tiles can be loaded from: the rows themselves, or a copy.
        TileRows find_rows(const Rows& rows, Range strip, Range depth) {
            if (const std::optional<TileRows> in_place = find_in_place(rows, strip, depth)) return *in_place;
            copy_rows<BFloat16>(rows, strip, depth, left, left_stride);
            return {left, left_stride};
        }
    };

    /// Columns of a group, depth of a block: even shares of all, in whole panels and tiles.
    int64_t group_width() const { return even_share(panels_.columns(), kWidestGroup, kTileBlock); }
    int64_t depth_block() const { return even_share(panels_.depth(), kDepthBlock, kTileDepth); }

    static std::optional<TileRows> find_in_place(const Rows& rows, Range strip, Range depth) {
        constexpr int64_t kSets = 4096;  // bytes after which addresses meet in the same set
        if (strip.size() < kTileBlock || depth.size() % kTileDepth != 0) return std::nullopt;
        const Run first = rows.run(strip.begin, depth.begin), second = rows.run(strip.begin + 1, depth.begin);
        if (first.values == nullptr || second.values == nullptr) return std::nullopt;
        const int64_t stride = second.values - first.values;
        if (stride % kSets == 0) return std::nullopt;
        for (int64_t row = 0; row < kTileBlock; ++row) {
            const Run run = rows.run(strip.begin + row, depth.begin);
            if (run.count < depth.size() || run.values != first.values + row * stride) return std::nullopt;
        }
        return TileRows{reinterpret_cast<const BFloat16*>(first.values), stride / 2};
    }

    WeightPanels panels_;
};

}  // namespace kine::kernels
