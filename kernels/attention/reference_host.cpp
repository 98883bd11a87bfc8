// Attention as the formula says it, one query at a time, sums in double: slow, and what the other variants must equal.
#include "kernels/attention/variants.h"
#include "kernels/host/visit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace kine::kernels {

namespace {

template <class T>
double dot(const T* a, const T* b, int64_t count) {
    double sum = 0.0;
    for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(static_cast<float>(a[i])) * static_cast<float>(b[i]);
    return sum;
}

template <class T>
std::vector<double> scores_of(const AttentionProblem& problem, HeadIndex index, int64_t query) {
    const T* q = problem.q.data<T>() + index.offset_in(problem.q) + query * problem.q.stride(2);
    const T* k = problem.k.data<T>() + index.offset_in(problem.k);
    std::vector<double> scores(static_cast<size_t>(problem.keys()));
    for (int64_t key = 0; key < problem.keys(); ++key) {
        double& score = scores[static_cast<size_t>(key)];
        score = problem.scale * dot(q, k + key * problem.k.stride(2), problem.head_size());
        if (problem.bias) score += problem.bias.select(0, index.head).select(0, query).data<float>()[key];
        const bool dropped = problem.key_mask && !problem.key_mask.select(0, index.outer).data<uint8_t>()[key];
        if (dropped) score = -std::numeric_limits<double>::infinity();
    }
    return scores;
}

/// Returns the log of the sum of exponentials.
double softmax(std::vector<double>& scores) {
    const double largest = *std::max_element(scores.begin(), scores.end());
    double total = 0.0;
    for (double& score : scores) total += score = std::exp(score - largest);
    for (double& score : scores) score /= total;
    return largest + std::log(total);
}

template <class T>
void attend(AttentionProblem& problem, HeadIndex index, int64_t query) {
    std::vector<double> shares = scores_of<T>(problem, index, query);
    const double log_sum = softmax(shares);
    if (problem.log_sums) {
        float* log_sums = problem.log_sums.template data<float>();
        *log_sum_of(problem, index, query, log_sums) = static_cast<float>(log_sum);
    }
    const T* v = problem.v.template data<T>() + index.offset_in(problem.v);
    T* out = problem.out.data<T>() + index.offset_in(problem.out) + query * problem.out.stride(2);
    for (int64_t d = 0; d < problem.head_size(); ++d) {
        double sum = 0.0;
        for (int64_t key = 0; key < problem.keys(); ++key)
            sum += shares[static_cast<size_t>(key)] * static_cast<float>(v[key * problem.v.stride(2) + d]);
        out[d] = T(static_cast<float>(sum));
    }
}

}  // namespace

void reference_attention_host(const Context& context, AttentionProblem& problem) {
    const int64_t heads = problem.heads();
    const int64_t inner = problem.q.dim(1);
    visit_floating(problem.q.dtype(), [&]<class T>(T) {
        context.threads.parallel_for(problem.q.dim(0) * inner * heads, 1, [&](int64_t begin, int64_t end) {
            for (int64_t task = begin; task < end; ++task) {
                const HeadIndex index = {task / heads / inner, task / heads % inner, task % heads};
                for (int64_t query = 0; query < problem.queries(); ++query) attend<T>(problem, index, query);
            }
        });
    });
}

}  // namespace kine::kernels
