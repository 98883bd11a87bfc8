#include "kernels/rope/rope_device.h"

#include "kernels/cuda/tensor_rows.h"
#include "kernels/elementwise/strided.h"
#include "kernels/host/visit.h"
#include "kernels/rope/query_key_cuda.h"

namespace kine::kernels {

namespace {

/// Whether a token's heads lie together, and all tokens the same distance apart.
bool are_even(const Tensor& heads) {
    if (heads.dim(3) > 1 && heads.stride(3) != heads.dim(4)) return false;
    const auto tokens = cuda::row_places(heads.select(3, 0));
    return tokens && tokens->run_stride == 0;
}

void rotate_even(const Context& context, Tensor& heads, const Tensor& turns) {
    check(heads.dim(4) <= cuda::kWidestHead, ErrorCode::Unsupported,
          "rotate_pairs: heads of {} channels on {}, expected at most {}", heads.dim(4), to_string(context.device),
          cuda::kWidestHead);
    visit_floating(heads.dtype(), [&]<class T>(T) {
        cuda::QueryKeyArguments<T> all;
        all.queries = heads.address<T>();
        all.tokens = heads.dim(0) * heads.dim(1) * heads.dim(2);
        all.token_stride = cuda::row_places(heads.select(3, 0))->stride;
        all.heads = static_cast<int>(heads.dim(3));
        all.head_size = static_cast<int>(heads.dim(4));
        all.query_steps.turns = turns.address<const float>();
        all.frames = heads.dim(1);
        all.patches = heads.dim(2);
        all.frame_turns = turns.dim(0) == 1 ? 0 : turns.stride(0);
        all.patch_turns = turns.dim(1) == 1 ? 0 : turns.stride(1);
        all.by_words = cuda::moves_by_words({&heads});
        cuda::launch_query_key(all, context.stream);
    });
}

}  // namespace

void rotate_pairs_device(const Context& context, Tensor& heads, const Tensor& turns) {
    if (heads.elements() == 0) return;
    if (are_even(heads)) return rotate_even(context, heads, turns);
    Tensor packed = Tensor::empty(context, heads.shape(), heads.dtype());
    cuda::run_copy(context, heads, packed);
    rotate_even(context, packed, turns);
    cuda::run_copy(context, packed, heads);
}

}  // namespace kine::kernels
