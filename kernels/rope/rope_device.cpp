#include "kernels/rope/rope_device.h"

#include "kernels/cuda/tensor_rows.h"
#include "kernels/elementwise/strided.h"
#include "kernels/host/visit.h"
#include "kernels/rope/query_key_cuda.h"
#include "kernels/rope/side_norm.h"

namespace kine::kernels {

namespace {

/// Whether a token's heads lie together, and all tokens the same distance apart.
bool are_even(const Tensor& heads) {
    if (heads.dim(3) > 1 && heads.stride(3) != heads.dim(4)) return false;
    const auto tokens = cuda::row_places(heads.select(3, 0));
    return tokens && tokens->run_stride == 0;
}

/// Where queries, and keys if there are any, lie. The steps of both sides are still to be told.
template <class T>
cuda::QueryKeyArguments<T> arguments_of(Tensor& queries, Tensor* keys, const Tensor& turns) {
    cuda::QueryKeyArguments<T> all;
    all.queries = queries.address<T>();
    all.keys = keys ? keys->address<T>() : nullptr;
    all.tokens = queries.dim(0) * queries.dim(1) * queries.dim(2);
    all.token_stride = cuda::row_places(queries.select(3, 0))->stride;
    all.heads = static_cast<int>(queries.dim(3));
    all.head_size = static_cast<int>(queries.dim(4));
    all.frames = queries.dim(1);
    all.patches = queries.dim(2);
    all.by_words = cuda::moves_by_words({&queries}) && (!keys || cuda::moves_by_words({keys}));
    if (!turns) return all;
    all.frame_turns = turns.dim(0) == 1 ? 0 : turns.stride(0);
    all.patch_turns = turns.dim(1) == 1 ? 0 : turns.stride(1);
    all.query_steps.turns = all.key_steps.turns = turns.address<const float>();
    return all;
}

void rotate_even(const Context& context, Tensor& heads, const Tensor& turns) {
    check(heads.dim(4) <= cuda::kWidestHead, ErrorCode::Unsupported,
          "rotate_pairs: heads of {} channels on {}, expected at most {}", heads.dim(4), to_string(context.device),
          cuda::kWidestHead);
    visit_on_device(heads.dtype(), [&]<class T>(T) {
        cuda::launch_query_key(arguments_of<T>(heads, nullptr, turns), context.stream);
    });
}

}  // namespace

bool can_place_heads(const Tensor& queries, const Tensor& keys) {
    bool is_alike = true;
    for (int axis = 0; axis < queries.rank(); ++axis) is_alike = is_alike && queries.stride(axis) == keys.stride(axis);
    return is_alike && are_even(queries) && queries.dim(4) <= cuda::kWidestHead;
}

void place_heads_device(const Context& context, Tensor& queries, Tensor& keys, const HeadNorms& norms,
                        const Tensor& turns) {
    const SideNorm query_norm(context, norms.query_weight, norms.query_bias);
    const SideNorm key_norm(context, norms.key_weight, norms.key_bias);
    visit_on_device(queries.dtype(), [&]<class T>(T) {
        cuda::QueryKeyArguments<T> all = arguments_of<T>(queries, &keys, turns);
        query_norm.tell(all.query_steps, norms.eps);
        key_norm.tell(all.key_steps, norms.eps);
        cuda::launch_query_key(all, context.stream);
    });
}

void rotate_pairs_device(const Context& context, Tensor& heads, const Tensor& turns) {
    if (heads.elements() == 0) return;
    if (are_even(heads)) return rotate_even(context, heads, turns);
    Tensor packed = Tensor::empty(context, heads.shape(), heads.dtype());
    cuda::run_copy(context, heads, packed);
    rotate_even(context, packed, turns);
    cuda::run_copy(context, packed, heads);
}

}  // namespace kine::kernels
