#include "kernels/attention/attention.h"

#include "kernels/attention/attention_device.h"
#include "kernels/attention/placed_attention.h"
#include "kernels/attention/variants.h"
#include "kernels/check.h"
#include "kernels/dispatch.h"

#include <cmath>

namespace kine::kernels {

namespace {

void check_operand(std::string_view argument, const Tensor& x, const Tensor& q) {
    check_rank("attention", argument, x, 5);
    check_same_dtype("attention", {&q, &x});
    check(x.stride(-1) == 1 || x.dim(-1) == 1, ErrorCode::Bug,
          "attention: last axis of {} {} has stride {}, expected 1", argument, to_string(x.shape()), x.stride(-1));
}

void check_keys(std::string_view argument, const Tensor& x, const Tensor& q, int64_t keys) {
    check_operand(argument, x, q);
    const Shape shared = {x.dim(0) == 1 ? 1 : q.dim(0), x.dim(1) == 1 ? 1 : q.dim(1), keys, q.dim(3), q.dim(4)};
    check_shape("attention", argument, x, shared);
}

void check_options(const AttentionProblem& problem) {
    if (problem.bias) {
        check_shape("attention", "bias", problem.bias, {problem.heads(), problem.queries(), problem.keys()});
        check_contiguous("attention", "bias", problem.bias);
        check(problem.bias.dtype() == DType::Float32, ErrorCode::Bug, "attention: bias is {}, expected f32",
              name_of(problem.bias.dtype()));
    }
    if (problem.key_mask) {
        check_shape("attention", "key mask", problem.key_mask, {problem.q.dim(0), problem.keys()});
        check_contiguous("attention", "key mask", problem.key_mask);
        check(problem.key_mask.dtype() == DType::UInt8, ErrorCode::Bug, "attention: key mask is {}, expected u8",
              name_of(problem.key_mask.dtype()));
    }
}

void check_log_sums(const AttentionProblem& problem) {
    if (!problem.log_sums) return;
    const Tensor& q = problem.q;
    check_shape("attention", "log sums", problem.log_sums, {q.dim(0), q.dim(1), q.dim(2), q.dim(3)});
    check_contiguous("attention", "log sums", problem.log_sums);
}

void check_problem(const AttentionProblem& problem) {
    check_floating("attention", "q", problem.q);
    check_operand("q", problem.q, problem.q);
    check_operand("out", problem.out, problem.q);
    check_same_shape("attention", problem.q, problem.out);
    check_rank("attention", "k", problem.k, 5);
    check(problem.keys() > 0, ErrorCode::Bug, "attention: k has shape {}, expected at least one key",
          to_string(problem.k.shape()));
    check_keys("k", problem.k, problem.q, problem.keys());
    check_keys("v", problem.v, problem.q, problem.keys());
    check_options(problem);
    check_log_sums(problem);
}

void check_turns_of_rows(const AttentionProblem& problem, const Tensor& turns) {
    check_rank("placed_attention", "turns", turns, 3);
    const Shape shared = {turns.dim(0) == 1 ? 1 : problem.q.dim(1), turns.dim(1) == 1 ? 1 : problem.queries(),
                          problem.head_size()};
    check_shape("placed_attention", "turns", turns, shared);
    check(turns.dtype() == DType::Float32 && turns.stride(-1) == 1, ErrorCode::Bug,
          "placed_attention: turns are {} with a last stride of {}, expected f32 and 1", name_of(turns.dtype()),
          turns.stride(-1));
}

float usual_scale(const Tensor& q) { return 1.0f / std::sqrt(static_cast<float>(q.dim(-1))); }

const AttentionVariant& first_that_can_run(std::span<const AttentionVariant> variants,
                                           const AttentionProblem& problem) {
    for (const AttentionVariant& variant : variants) {
        if (variant.can_run(problem)) return variant;
    }
    fail(ErrorCode::Bug, "attention: no variant for q of shape {}", to_string(problem.q.shape()));
}

}  // namespace

void attention_into(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v, Tensor& out,
                    const AttentionOptions& options) {
    AttentionProblem problem = {q, k, v, out, options.bias, options.key_mask, options.scale, options.log_sums};
    check_problem(problem);
    if (problem.scale == 0.0f) problem.scale = usual_scale(q);
    check(problem.scale > 0.0f, ErrorCode::Bug, "attention: scale is {}, expected a positive number", problem.scale);
    if (out.elements() == 0) return;
    on_device(
        context, "attention", [&] { first_that_can_run(attention_variants(), problem).run(context, problem); },
        [&] { first_that_can_run(device_attention_variants(), problem).run(context, problem); });
}

bool placed_attention_into(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v, Tensor& out,
                           const HeadNorms& norms, const Tensor& turns) {
    if (context.device.kind == DeviceKind::Cpu) return false;
    AttentionProblem problem = {q, k, v, out, {}, {}, usual_scale(q)};
    check_problem(problem);
    check_head_norms("placed_attention", norms, problem.head_size());
    if (turns) check_turns_of_rows(problem, turns);
    if (out.elements() == 0) return true;
    use_device(context.device);
    if (!can_place_on_the_way(problem, turns)) return false;
    const ProfileZone zone(context.profiler, "placed_attention");
    placed_attention_device(context, problem, norms, turns);
    return true;
}

Tensor attention(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionOptions& options) {
    Tensor out = Tensor::empty(context, q.shape(), q.dtype());
    attention_into(context, q, k, v, out, options);
    return out;
}

}  // namespace kine::kernels
