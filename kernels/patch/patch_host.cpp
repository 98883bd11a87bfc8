#include "kernels/patch/patch_host.h"

#include "kernels/host/visit.h"

namespace kine::kernels {

namespace {

// The strides of latents [B, C, T, Y, X] that a patch is read along.
struct Strides {
    int64_t channel, row, column;

    explicit Strides(const Tensor& x) : channel(x.stride(1)), row(x.stride(3)), column(x.stride(4)) {}
};

template <class In, class Out>
void read_patch(const In* corner, const Strides& strides, int64_t channels, int64_t patch, Out* vector) {
    for (int64_t c = 0; c < channels; ++c) {
        for (int64_t pixel = 0; pixel < patch * patch; ++pixel) {
            const int64_t at = c * strides.channel + pixel / patch * strides.row + pixel % patch * strides.column;
            *vector++ = Out(static_cast<float>(corner[at]));
        }
    }
}

template <class In>
void write_patch(const In* vector, const Strides& strides, int64_t channels, int64_t patch, float* corner) {
    for (int64_t pixel = 0; pixel < patch * patch; ++pixel) {
        float* to = corner + pixel / patch * strides.row + pixel % patch * strides.column;
        for (int64_t c = 0; c < channels; ++c) to[c * strides.channel] = static_cast<float>(*vector++);
    }
}

// Where in latents the upper left pixel of a token lies. `row` numbers the rows of patches of all frames of all
// batches.
int64_t corner_of(const Tensor& x, PatchGrid grid, int64_t row) {
    const int64_t y = row % grid.rows * grid.patch;
    const int64_t frame = row / grid.rows % x.dim(2);
    const int64_t batch = row / grid.rows / x.dim(2);
    return batch * x.stride(0) + frame * x.stride(2) + y * x.stride(3);
}

}  // namespace

void patchify_host(const Context& context, const Tensor& x, int64_t patch, Tensor& out) {
    const PatchGrid grid = {patch, x.dim(3) / patch, x.dim(4) / patch};
    const int64_t width = out.dim(-1);
    visit_floating(x.dtype(), [&]<class In>(In) {
        visit_floating(out.dtype(), [&]<class Out>(Out) {
            context.threads.parallel_for(x.dim(0) * x.dim(2) * grid.rows, 1, [&](int64_t begin, int64_t end) {
                for (int64_t row = begin; row < end; ++row) {
                    const In* corner = x.data<In>() + corner_of(x, grid, row);
                    Out* to = out.data<Out>() + row * grid.columns * width;
                    for (int64_t column = 0; column < grid.columns; ++column)
                        read_patch(corner + column * patch * x.stride(4), Strides(x), x.dim(1), patch,
                                   to + column * width);
                }
            });
        });
    });
}

void unpatchify_host(const Context& context, const Tensor& tokens, PatchGrid grid, Tensor& out) {
    const int64_t width = tokens.dim(-1);
    visit_floating(tokens.dtype(), [&]<class In>(In) {
        context.threads.parallel_for(out.dim(0) * out.dim(2) * grid.rows, 1, [&](int64_t begin, int64_t end) {
            for (int64_t row = begin; row < end; ++row) {
                const In* from = tokens.data<In>() + row * grid.columns * width;
                float* corner = out.data<float>() + corner_of(out, grid, row);
                for (int64_t column = 0; column < grid.columns; ++column)
                    write_patch(from + column * width, Strides(out), out.dim(1), grid.patch,
                                corner + column * grid.patch);
            }
        });
    });
}

}  // namespace kine::kernels
