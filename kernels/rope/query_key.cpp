#include "kernels/rope/query_key.h"

#include "kernels/check.h"
#include "kernels/dispatch.h"
#include "kernels/norm/norm.h"
#include "kernels/rope/rope.h"
#include "kernels/rope/rope_device.h"
#include "kernels/rope/turns.h"

namespace kine::kernels {

namespace {

void norm_side(const Context& context, Tensor& heads, const Tensor& weight, const Tensor& bias, float eps) {
    if (!weight) return;
    if (bias) return layer_norm_in_place(context, heads, weight, bias, eps);
    rms_norm_in_place(context, heads, weight, eps);
}

void place_by_parts(const Context& context, Tensor& queries, Tensor& keys, const HeadNorms& norms,
                    const Tensor& turns) {
    norm_side(context, queries, norms.query_weight, norms.query_bias, norms.eps);
    norm_side(context, keys, norms.key_weight, norms.key_bias, norms.eps);
    if (!turns) return;
    rotate_pairs(context, queries, turns);
    rotate_pairs(context, keys, turns);
}

void check_sides(const Tensor& queries, const Tensor& keys) {
    check_rank("place_heads", "queries", queries, 5);
    check(keys.shape() == queries.shape() && keys.dtype() == queries.dtype(), ErrorCode::Bug,
          "place_heads: keys are {} {}, expected {} {} like the queries", name_of(keys.dtype()),
          to_string(keys.shape()), name_of(queries.dtype()), to_string(queries.shape()));
}

}  // namespace

void check_head_norms(std::string_view op, const HeadNorms& norms, int64_t size) {
    for (const Tensor& vector : {norms.query_weight, norms.key_weight, norms.query_bias, norms.key_bias}) {
        if (!vector) continue;
        check_rank(op, "a norm's vector", vector, 1);
        check_last_dim(op, "a norm's vector", vector, size);
    }
    check(static_cast<bool>(norms.query_weight) == static_cast<bool>(norms.key_weight) &&
              static_cast<bool>(norms.query_bias) == static_cast<bool>(norms.key_bias) &&
              (norms.query_weight || !norms.query_bias),
          ErrorCode::Bug, "{}: queries and keys are normed in the same way, and a bias comes with a weight", op);
}

void place_heads(const Context& context, Tensor& queries, Tensor& keys, const HeadNorms& norms, const Tensor& turns) {
    check_sides(queries, keys);
    check_head_norms("place_heads", norms, queries.dim(-1));
    if (turns) check_turns("place_heads", queries, turns);
    if (queries.elements() == 0 || (!norms.query_weight && !turns)) return;
    on_device(
        context, "place_heads", [&] { place_by_parts(context, queries, keys, norms, turns); },
        [&] {
            if (can_place_heads(queries, keys)) return place_heads_device(context, queries, keys, norms, turns);
            place_by_parts(context, queries, keys, norms, turns);
        });
}

}  // namespace kine::kernels
