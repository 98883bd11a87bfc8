#include "kernels/attention/variants.h"

#include "runtime/device/host/processor.h"

#include <array>

namespace kine::kernels {

namespace {

bool always(const AttentionProblem&) { return true; }

bool is_wide_short_attention(const AttentionProblem& problem) { return is_short_attention(problem) && uses_avx512(); }

constexpr std::array<AttentionVariant, 5> kVariants = {{
    {"short-wide", "few keys, sixteen queries to a register of AVX-512", is_wide_short_attention, short_attention_wide},
    {"short", "few keys, queries side by side in lanes", is_short_attention, short_attention_host},
    {"amx", "blocks of keys with online softmax, on matrix units", is_amx_attention, amx_attention_host},
    {"flash", "blocks of keys with online softmax, packed for registers", always, flash_attention_host},
    {"reference", "plain loops in double, one query at a time", always, reference_attention_host},
}};

}  // namespace

std::span<const AttentionVariant> attention_variants() { return kVariants; }

}  // namespace kine::kernels
