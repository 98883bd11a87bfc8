#include "kernels/attention/softmax.h"

#include "kernels/host/simd.h"
#include "runtime/device/host/processor.h"

namespace kine::kernels {

namespace {

bool is_wide() { return instruction_set() >= InstructionSet::Avx512; }

template <class Share>
float exponentiate_narrow(const ScoreRow& row, float largest, Share* shares) {
    Float8 total = {};
    for (int64_t i = 0; i < row.count; i += kLanes) {
        const Float8 share = exp_of_negative(load(row.scores + i) - largest);
        store(shares + i, share);
        total += share;
    }
    return sum_of(total);
}

float prepare_narrow(ScoreRow& row) {
    const bool changes = row.scale != 1.0f || row.bias || row.mask;
    Float8 largest = splat(kLowest);
    for (int64_t i = 0; i < row.count; i += kLanes) {
        Float8 v = load(row.scores + i) * row.scale;
        if (row.bias) v += load(row.bias + i);
        if (row.mask) v += load(row.mask + i);
        if (changes) store(row.scores + i, v);
        largest = max(largest, v);
    }
    row.scale = 1.0f;
    return max_of(largest);
}

}  // namespace

float prepare_scores(ScoreRow& row) { return is_wide() ? prepare_scores_wide(row) : prepare_narrow(row); }

float exponentiate(const ScoreRow& row, float largest, float* shares) {
    return is_wide() ? exponentiate_wide(row, largest, shares) : exponentiate_narrow(row, largest, shares);
}

float exponentiate(const ScoreRow& row, float largest, BFloat16* shares) {
    return is_wide() ? exponentiate_wide(row, largest, shares) : exponentiate_narrow(row, largest, shares);
}

}  // namespace kine::kernels
