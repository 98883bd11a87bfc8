#include "kernels/linear/panels.h"

#include "kernels/host/panel_product.h"
#include "kernels/host/rounding.h"

namespace kine::kernels {

namespace {

// Only the depth block shows in a result, as the length of the chains that are added up; it follows from K alone.
constexpr int64_t kTileRows = 16 * kMicroRows;     // with kDepthBlock: 120 KiB of left operand, in L2
constexpr int64_t kDepthBlock = 256;               // two panel blocks are 32 KiB, in L1 beside twelve rows
constexpr int64_t kTileColumns = 24 * kPanel;      // work for one thread; small enough that few rows use several
constexpr int64_t kTileStride = kDepthBlock + 16;  // not a power of two, so that rows do not share cache sets

template <class T>
void pack_panel(const T* weight, Range columns, int64_t depth, T* panel) {
    std::fill_n(panel, depth * kPanel, T());
    for (int64_t column = columns.begin; column < columns.end; ++column) {
        const T* row = weight + column * depth;
        for (int64_t k = 0; k < depth; ++k) panel[k * kPanel + column - columns.begin] = row[k];
    }
}

// One thread's memory and its view of the problem.
template <class T>
struct Worker {
    const Rows& rows;
    const Tensor& panels;
    Tensor left;   // [kTileRows, kTileStride]
    Tensor right;  // [2, kDepthBlock, 16], for weights that must be widened
    Tensor sums;   // [kTileRows, kTileColumns]

    Worker(const Context& context, const Rows& source, const Tensor& weight)
        : rows(source),
          panels(weight),
          left(Tensor::empty(context, {kTileRows, kTileStride}, DType::Float32)),
          right(Tensor::empty(context, {2, kDepthBlock, kPanel}, DType::Float32)),
          sums(Tensor::empty(context, {kTileRows, kTileColumns}, DType::Float32)) {}

    /// A panel's block as f32; `place` 0 or 1 says where it is widened to.
    const float* panel_block(int64_t panel, Range depth, int64_t place) {
        const T* block = panels.data<T>() + (panel * panels.dim(1) + depth.begin) * kPanel;
        if constexpr (std::is_same_v<T, float>) {
            return block;
        } else {
            float* widened = right.data<float>() + place * kDepthBlock * kPanel;
            copy_run(block, depth.size() * kPanel, widened);
            return widened;
        }
    }

    void multiply_depth(Range which, Range columns, Range depth) {
        copy_rows<T>(rows, which, depth, left.data<float>(), kTileStride);
        const Start start = depth.begin == 0 ? Start::Zero : Start::Add;
        const int64_t end = divided_up(columns.end, kPanel);
        for (int64_t panel = columns.begin / kPanel; panel < end; panel += 2) {
            const PanelPair pair = {panel_block(panel, depth, 0),
                                    panel + 1 < end ? panel_block(panel + 1, depth, 1) : nullptr};
            multiply_panels(which.size(), depth.size(), {left.data<float>(), kTileStride}, pair,
                            {sums.data<float>() + panel * kPanel - columns.begin, kTileColumns}, start);
        }
    }

    void multiply_tile(Range which, Range columns) {
        const int64_t depth = panels.dim(1);
        const int64_t blocks = divided_up(depth, kDepthBlock);
        const int64_t size = divided_up(depth, blocks);
        for (int64_t begin = 0; begin < depth; begin += size)
            multiply_depth(which, columns, {begin, std::min(depth, begin + size)});
    }
};

}  // namespace

PanelMatrix::PanelMatrix(const Context& context, const Tensor& weight)
    : depth_(weight.dim(1)),
      columns_(weight.dim(0)),
      panels_(Tensor::empty(context, {divided_up(columns_, kPanel), depth_, kPanel}, weight.dtype())) {
    visit_floating(weight.dtype(), [&]<class T>(T) {
        context.threads.parallel_for(panels_.dim(0), 1, [&](int64_t begin, int64_t end) {
            for (int64_t panel = begin; panel < end; ++panel) {
                const Range columns = {panel * kPanel, std::min(columns_, (panel + 1) * kPanel)};
                pack_panel(weight.data<T>(), columns, depth_, panels_.data<T>() + panel * depth_ * kPanel);
            }
        });
    });
}

Tensor PanelMatrix::unpacked(const Context& context) const {
    Tensor weight = Tensor::empty(context, {columns_, depth_}, panels_.dtype());
    visit_floating(weight.dtype(), [&]<class T>(T) {
        T* to = weight.data<T>();
        const T* panels = panels_.data<T>();
        for (int64_t column = 0; column < columns_; ++column) {
            const T* from = panels + column / kPanel * depth_ * kPanel + column % kPanel;
            for (int64_t k = 0; k < depth_; ++k) *to++ = from[k * kPanel];
        }
    });
    return weight;
}

void PanelMatrix::multiply(const Context& context, const Rows& rows, const Epilogue& epilogue) const {
    const int64_t groups = divided_up(columns_, kTileColumns);
    const int64_t tiles = divided_up(rows.count, kTileRows);
    visit_floating(panels_.dtype(), [&]<class T>(T) {
        context.threads.parallel_for(tiles * groups, 1, [&](int64_t begin, int64_t end) {
            Worker<T> worker(context, rows, panels_);
            for (int64_t task = begin; task < end; ++task) {
                const int64_t row = task / groups * kTileRows;
                const int64_t column = task % groups * kTileColumns;
                const Range which = {row, std::min(rows.count, row + kTileRows)};
                const Range columns = {column, std::min(columns_, column + kTileColumns)};
                worker.multiply_tile(which, columns);
                finish_tile(epilogue, worker.sums.template data<float>(), kTileColumns, which, columns);
            }
        });
    });
}

}  // namespace kine::kernels
