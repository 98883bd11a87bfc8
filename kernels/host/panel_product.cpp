#include "kernels/host/panel_product.h"

#include "runtime/device/host/processor.h"

#include <algorithm>

namespace kine::kernels {

namespace {

void multiply_panel(int64_t rows, int64_t depth, ConstMatrix left, const float* panel, MutableMatrix sums,
                    Start start) {
    const auto multiply = start == Start::Zero ? multiply_strip<2, Start::Zero> : multiply_strip<2, Start::Add>;
    for (int64_t row = 0; row < rows; row += kMicroRows)
        multiply(std::min<int64_t>(kMicroRows, rows - row), depth, left.from(row, 0), {panel, kPanel},
                 sums.from(row, 0));
}

}  // namespace

void multiply_panels(int64_t rows, int64_t depth, ConstMatrix left, PanelPair panels, MutableMatrix sums, Start start) {
    if (uses_avx512()) return multiply_panels_wide(rows, depth, left, panels, sums, start);
    multiply_panel(rows, depth, left, panels.first, sums, start);
    if (panels.second) multiply_panel(rows, depth, left, panels.second, sums.from(0, kPanel), start);
}

}  // namespace kine::kernels
