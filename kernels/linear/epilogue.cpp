#include "kernels/linear/epilogue.h"

#include "runtime/device/host/processor.h"

namespace kine::kernels {

void finish_tile(const Epilogue& epilogue, const float* sums, int64_t stride, Range rows, Range columns) {
    if (instruction_set() >= InstructionSet::Avx512) return finish_tile_wide(epilogue, sums, stride, rows, columns);
    Tensor& out = *epilogue.out;
    const int64_t width = out.dim(1);
    const float* bias = epilogue.bias + columns.begin;
    visit_floating(out.dtype(), [&]<class T>(T) {
        T* to = out.data<T>() + rows.begin * width + columns.begin;
        with_activation(epilogue.activation, [&](auto function) {
            const auto finish = [&](Float8 sum, Float8 b) { return function(sum + b); };
            for (int64_t row = 0; row < rows.size(); ++row)
                map_lanes(columns.size(), to + row * width, finish, sums + row * stride, bias);
        });
    });
}

}  // namespace kine::kernels
