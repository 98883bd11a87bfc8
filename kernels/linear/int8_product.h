// The product of quantised rows with a quantised weight in tiles (host/tile_product.h), by blocks of rows, columns and
// depth as tile_matrix.h has them. Rows are quantised once, a chunk of them at a time, before any is multiplied.
#pragma once

#include "kernels/host/tile_product.h"
#include "kernels/linear/epilogue.h"
#include "kernels/linear/quantize.h"
#include "kernels/linear/tile_blocks.h"
#include "kernels/scratch.h"
#include "runtime/context.h"

namespace kine::kernels {

/// A weight as the product reads it.
struct Int8Panels {
    const int8_t* values;  ///< as host/tile_pack.h says
    const float* scales;   ///< of each column
    int64_t depth;
    int64_t columns;
};

/// One call's chunk of rows times a weight. `Tiles` is AmxTiles or what stands in for it.
template <class Tiles>
class Int8Product {
  public:
    Int8Product(const Context& context, const Int8Panels& weight, const QuantizedRows& rows, Range which,
                const Epilogue& epilogue)
        : context_(context), weight_(weight), rows_(rows), which_(which), epilogue_(epilogue) {}

    void run() const {
        const int64_t width = group_width();
        const int64_t groups = divided_up(weight_.columns, width);
        const int64_t height = block_height(which_.size(), groups, context_.threads.size());
        const int64_t blocks = divided_up(which_.size(), height);
        // Blocks of rows are the inner loop, so that a thread keeps its group of panels in cache.
        context_.threads.parallel_for(blocks * groups, 1, [&](int64_t begin, int64_t end) {
            Worker worker(*this, height, width);
            for (int64_t task = begin; task < end; ++task)
                worker.multiply(part_of(which_.size(), task % blocks, height),
                                part_of(weight_.columns, task / blocks, width));
        });
    }

  private:
    static constexpr int64_t kDepthBlock = 2304;               // x 32 rows: 72 KB
    static constexpr int64_t kGroupBytes = 384 * kDepthBlock;  // of a block of depth of its panels, in 2 MB of L2

    /// One thread's memory, and what it does with a block of rows and a group of columns; rows count from the chunk's.
    /// Where depth is one block, a tile of sums is finished at once, and its place, in L1, serves the next.
    struct Worker {
        const Int8Product& product;
        const bool has_one_block;
        const int64_t sums_stride;
        Tensor sums_memory;  // [rows of a block or 32, sums_stride]
        int32_t* const sums;
        Tiles tiles;

        Worker(const Int8Product& whole, int64_t height, int64_t width)
            : product(whole),
              has_one_block(whole.depth_step() >= whole.weight_.depth),
              sums_stride(has_one_block ? kTileBlock : width + kTilePadding),
              sums_memory(
                  Tensor::empty(whole.context_, {has_one_block ? kTileBlock : height, sums_stride}, DType::Int32)),
              sums(sums_memory.data<int32_t>()) {}

        void multiply(Range rows, Range columns) {
            const int64_t depth = rounded_up(product.weight_.depth, kInt8TileDepth);
            const int64_t step = product.depth_step();
            for (int64_t k = 0; k < depth; k += step) {
                for (int64_t row = rows.begin; row < rows.end; row += kTileBlock)
                    multiply_strip({row, std::min(rows.end, row + kTileBlock)}, columns, {k, std::min(depth, k + step)},
                                   has_one_block ? sums : sums + (row - rows.begin) * sums_stride);
            }
        }

        void multiply_strip(Range rows, Range columns, Range depth, int32_t* to) {
            const Int8Panels& weight = product.weight_;
            const Start start = depth.begin == 0 ? Start::Zero : Start::Add;
            const bool is_last = depth.end >= weight.depth;
            const Int8TileRows left = {product.rows_.values + rows.begin * product.rows_.stride + depth.begin,
                                       product.rows_.stride};
            for (int64_t column = columns.begin; column < columns.end; column += kTileBlock) {
                const int8_t* panel =
                    weight.values + int8_panel_offset(weight.depth, column) + depth.begin * kTileBlock;
                multiply_panel(tiles, depth.size(), left, panel, Int32Matrix{to, sums_stride}, start);
                if (is_last) finish(rows, {column, std::min(columns.end, column + kTileBlock)}, to);
                if (!has_one_block) to += kTileBlock;
            }
        }

        void finish(Range rows, Range columns, const int32_t* from) {
            const int64_t first = product.which_.begin;
            finish_tile(product.epilogue_,
                        {from, sums_stride, product.rows_.scales + rows.begin, product.weight_.scales},
                        {first + rows.begin, first + rows.end}, columns);
        }
    };

    /// Depth of a block and columns of a group: even shares of all, in whole tiles and panels.
    int64_t depth_step() const { return even_share(weight_.depth, kDepthBlock, kInt8TileDepth); }
    int64_t group_width() const {
        return even_share(weight_.columns, kGroupBytes / depth_step() / kTileBlock * kTileBlock, kTileBlock);
    }

    const Context& context_;
    const Int8Panels& weight_;
    const QuantizedRows& rows_;
    const Range which_;
    const Epilogue& epilogue_;
};

/// All rows times the weight, through the epilogue. A row's bits depend on that row alone.
template <class Tiles>
void multiply_int8_by(const Context& context, const Int8Panels& weight, const Rows& rows, const Epilogue& epilogue) {
    constexpr int64_t kGrain = 32;
    const int64_t stride = rounded_up(weight.depth, kInt8TileDepth) + kInt8TileDepth;  // rarely a multiple of a page
    const int64_t most =
        std::max(quantized_rows_bytes(context.threads.size()) / stride / kTileBlock * kTileBlock, kTileBlock);
    const int64_t height = std::min(rounded_up(rows.count, kTileBlock), most);
    Tensor values = Tensor::empty(context, {height, stride}, DType::UInt8);
    Tensor scales = Tensor::empty(context, {height}, DType::Float32);
    const QuantizedRows quantized = {reinterpret_cast<int8_t*>(values.data<uint8_t>()), stride, scales.data<float>()};
    for (int64_t first = 0; first < rows.count; first += height) {
        const Range which = {first, std::min(rows.count, first + height)};
        context.threads.parallel_for(which.size(), kGrain, [&](int64_t begin, int64_t end) {
            quantize_rows(rows, {first + begin, first + end}, weight.depth,
                          {quantized.values + begin * stride, stride, quantized.scales + begin});
        });
        Int8Product<Tiles>(context, weight, quantized, which, epilogue).run();
    }
}

}  // namespace kine::kernels
