#include "kernels/rope/rope.h"

#include "kernels/dispatch.h"
#include "kernels/host/strided_rows.h"
#include "kernels/host/visit.h"
#include "kernels/rope/rope_device.h"
#include "kernels/rope/turns.h"

namespace kine::kernels {

namespace {

template <class T>
void rotate_row(T* row, const float* turns, int64_t size) {
    for (int64_t k = 0; k < size; k += 2) {
        const auto a = static_cast<float>(row[k]);
        const auto b = static_cast<float>(row[k + 1]);
        row[k] = T(a * turns[k] - b * turns[k + 1]);
        row[k + 1] = T(b * turns[k] + a * turns[k + 1]);
    }
}

}  // namespace

void rotate_pairs(const Context& context, Tensor& heads, const Tensor& turns) {
    check_turns("rotate_pairs", heads, turns);
    const int64_t per_frame = heads.dim(2) * heads.dim(3);  // rows: patches x heads
    const int64_t frames = heads.dim(1);
    const auto host = [&] {
        visit_floating(heads.dtype(), [&]<class T>(T) {
            T* values = heads.data<T>();
            for_strided_rows(context, heads, [&](int64_t row, int64_t offset) {
                const int64_t frame = turns.dim(0) == 1 ? 0 : row / per_frame % frames;
                const int64_t patch = turns.dim(1) == 1 ? 0 : row % per_frame / heads.dim(3);
                const int64_t place = (frame * turns.dim(1) + patch) * turns.dim(2);
                rotate_row(values + offset, turns.data<float>() + place, heads.dim(-1));
            });
        });
    };
    on_device(context, "rotate_pairs", host, [&] { rotate_pairs_device(context, heads, turns); });
}

}  // namespace kine::kernels
