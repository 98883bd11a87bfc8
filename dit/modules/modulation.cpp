#include "dit/modules/modulation.h"

#include "kernels/elementwise/elementwise.h"

namespace kine::dit {

Modulation block_modulation(const Context& context, const Tensor& table, const Tensor& time) {
    const int64_t batch = time.dim(0);
    const int64_t channels = time.dim(2);
    const Tensor rows =
        kernels::add_table(context, time.reshape({batch, 6, 1, channels}), table.reshape({6, 1, channels}))
            .reshape({batch, 6, channels});
    const auto row = [&](int64_t index) { return rows.select(1, index); };
    return {{row(0), row(1), row(2)}, {row(3), row(4), row(5)}};
}

FinalModulation final_modulation(const Context& context, const Tensor& table, const Tensor& embedded) {
    const Tensor time = embedded.reshape({embedded.dim(0), 1, 1, embedded.dim(1)});
    const auto row = [&](int64_t index) {
        return kernels::add_table(context, time, table.slice(0, index, index + 1)).reshape(embedded.shape());
    };
    return {row(0), row(1)};
}

}  // namespace kine::dit
