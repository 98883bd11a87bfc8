#include "kernels/host/panel_product.h"
#include "kernels/host/wide.h"

#include <algorithm>
#include <array>
#include <utility>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {

namespace {

constexpr int64_t kRows = 12;  // 12 rows x 2 panels = 24 sums and 2 vectors of the panels: 26 of 32 registers

template <int Rows, int Panels>
void multiply_block(int64_t depth, ConstMatrix left, PanelPair panels, MutableMatrix sums, Start start) {
    Wide block[Rows][Panels];
    for (auto& row : block) {
        for (Wide& sum : row) sum = wide(0.0f);
    }
    for (int64_t k = 0; k < depth; ++k) {
        Wide columns[Panels];
        columns[0] = load_wide(panels.first + k * kPanel);
        if constexpr (Panels == 2) columns[1] = load_wide(panels.second + k * kPanel);
        for (int row = 0; row < Rows; ++row) {
            const Wide factor = wide(left.data[row * left.stride + k]);
            for (int panel = 0; panel < Panels; ++panel) block[row][panel] += factor * columns[panel];
        }
    }
    for (int row = 0; row < Rows; ++row) {
        for (int panel = 0; panel < Panels; ++panel) {
            float* to = sums.data + row * sums.stride + panel * kPanel;
            const Wide sum = block[row][panel];
            store(to, start == Start::Add ? load_wide(to) + sum : sum);
        }
    }
}

using Block = void (*)(int64_t depth, ConstMatrix left, PanelPair panels, MutableMatrix sums, Start start);

template <int Panels, int... rows>
constexpr std::array<Block, kRows> blocks_of(std::integer_sequence<int, rows...>) {
    return {multiply_block<rows + 1, Panels>...};
}

template <int Panels>
void multiply(int64_t rows, int64_t depth, ConstMatrix left, PanelPair panels, MutableMatrix sums, Start start) {
    static constexpr std::array<Block, kRows> kBlocks = blocks_of<Panels>(std::make_integer_sequence<int, kRows>());
    for (int64_t row = 0; row < rows; row += kRows) {
        const Block block = kBlocks[static_cast<size_t>(std::min(kRows, rows - row) - 1)];
        block(depth, left.from(row, 0), panels, sums.from(row, 0), start);
    }
}

}  // namespace

void multiply_panels_wide(int64_t rows, int64_t depth, ConstMatrix left, PanelPair panels, MutableMatrix sums,
                          Start start) {
    return panels.second ? multiply<2>(rows, depth, left, panels, sums, start)
                         : multiply<1>(rows, depth, left, panels, sums, start);
}

}  // namespace kine::kernels

#pragma GCC pop_options
