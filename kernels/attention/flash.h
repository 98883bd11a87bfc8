// Attention by blocks of keys (FlashAttention, Dao et al. 2022, arXiv:2205.14135): the scores of some queries and one
// block live in cache; a running maximum and total per query make the softmax exact. Up to 256 keys are one block, and
// nothing is ever rescaled; later a maximum that rises by little stands, as FlashAttention-4 has it: shares may be
// above one. A query's bits depend on its keys alone, not on the queries beside it.
//
// What multiplies is an Engine, one per thread, which holds the operands of a task as its products want them:
//   Share                         what the shares of a softmax are stored as
//   kTaskQueries, kTileQueries    queries that share one packing of keys, and that are scored at a time
//   kQueryGroup                   queries that its loops take together
//   kKeyGroup                     keys that are scored together; scores beyond the last key exist and are masked
//   kScalesScores                 whether scores still want the scale (or the queries were scaled when loaded)
//   load_queries, load_keys       of one task, of one block
//   score(rows)                   scores(rows, keys) = those of a tile with the block's keys
//   accumulate(rows)              sums(all rows) = or += shares(rows, keys) x the block's values
#pragma once

#include "kernels/attention/row_fetcher.h"
#include "kernels/attention/softmax.h"
#include "kernels/attention/variants.h"
#include "kernels/host/rounding.h"
#include "kernels/host/simd.h"
#include "runtime/context.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kine::kernels {

inline constexpr int64_t kKeyBlock = 256;
inline constexpr float kSlack = 5.0f;  // shares up to e^5 are as exact as those up to 1

struct Span {
    int64_t begin = 0;
    int64_t count = 0;
};

/// Values, their address at hand: asking a tensor means checking its dtype, too much for every row.
template <class T>
struct Values {
    Values(const Context& context, int64_t count)
        : memory(Tensor::empty(context, {count}, std::is_same_v<T, float> ? DType::Float32 : DType::BFloat16)),
          data(memory.data<T>()) {}

    Tensor memory;
    T* data;
};

/// One thread's memory beside its engine's.
struct SoftmaxState {
    Values<float> largest, totals;  // of each query of a task; the largest within kSlack
    Values<float> mask;             // [key block]: 0 or -infinity
    Values<float> bias;             // [key block]: a padded copy of a row

    SoftmaxState(const Context& context, int64_t queries)
        : largest(context, queries), totals(context, queries), mask(context, kKeyBlock), bias(context, kKeyBlock) {}
};

/// Some queries of one head, and where they are.
struct FlashPart {
    HeadIndex index;
    Span queries;
};

/// Some queries of one head against all its keys. `next` is what this thread does afterwards.
template <class T, class Engine>
class FlashTask {
  public:
    FlashTask(AttentionProblem& problem, Engine& engine, SoftmaxState& state, const FlashPart& part,
              const FlashPart& next)
        : problem_(problem), engine_(engine), state_(state), index_(part.index), queries_(part.queries), next_(next) {}

    void run() {
        engine_.load_queries(index_, queries_);
        std::fill_n(state_.largest.data, queries_.count, kLowest);
        std::fill_n(state_.totals.data, queries_.count, 0.0f);
        for (int64_t begin = 0; begin < problem_.keys(); begin += kKeyBlock) {
            keys_ = block_at(begin);
            engine_.load_keys(index_, keys_);
            load_mask();
            aim_at_next_block();
            for (int64_t row = 0; row < queries_.count; row += Engine::kTileQueries) {
                run_tile({row, std::min(Engine::kTileQueries, queries_.count - row)});
                for (RowFetcher& fetcher : fetchers_) fetcher.fetch(rows_to_fetch());
            }
        }
        write_results();
    }

  private:
    Span block_at(int64_t key) const { return {key, std::min(kKeyBlock, problem_.keys() - key)}; }

    void aim_at_next_block() {
        const bool is_last = keys_.begin + keys_.count == problem_.keys();
        const HeadIndex index = is_last ? next_.index : index_;
        const Span keys = block_at(is_last ? 0 : keys_.begin + keys_.count);
        aim(fetchers_[0], problem_.k, index, keys);
        aim(fetchers_[1], problem_.v, index, keys);
        if (is_last) aim(fetchers_[2], problem_.q, index, next_.queries);
    }
    void aim(RowFetcher& fetcher, const Tensor& x, HeadIndex index, Span rows) const {
        fetcher.aim(x.data<T>() + index.offset_in(x) + rows.begin * x.stride(2), x.stride(2), x.dim(4), rows.count);
    }

    /// In each tile, so that all of the next block have been asked for in the end.
    int64_t rows_to_fetch() const {
        const int64_t tiles = divided_up(queries_.count, Engine::kTileQueries);
        return divided_up(std::max(kKeyBlock, next_.queries.count), tiles);
    }

    int64_t padded_keys() const { return rounded_up(keys_.count, Engine::kKeyGroup); }

    void run_tile(Span rows) {
        engine_.score(rows, keys_);
        soften(rows);
        engine_.accumulate(rows, keys_);
    }

    void load_mask() {
        constexpr float kDropped = -std::numeric_limits<float>::infinity();
        is_masked_ = problem_.key_mask || keys_.count % Engine::kKeyGroup != 0;
        if (!is_masked_) return;
        float* mask = state_.mask.data;
        std::fill_n(mask, keys_.count, 0.0f);
        std::fill(mask + keys_.count, mask + padded_keys(), kDropped);
        if (!problem_.key_mask) return;
        const uint8_t* kept = problem_.key_mask.template data<uint8_t>() + index_.outer * problem_.keys();
        for (int64_t key = 0; key < keys_.count; ++key) mask[key] = kept[keys_.begin + key] ? 0.0f : kDropped;
    }

    /// The tile's scores become shares; what earlier blocks gave is brought to the same maximum.
    void soften(Span rows) {
        const RowTile<float> scores = engine_.scores(rows.count, padded_keys());
        float scale = Engine::kScalesScores ? problem_.scale : 1.0f;
        if (is_masked_ || problem_.bias) {
            const float* mask = is_masked_ ? state_.mask.data : nullptr;
            for (int64_t row = 0; row < rows.count; ++row)
                add_terms(scores.data + row * scores.stride, scores.count, scale, bias_row(rows.begin + row), mask);
            scale = 1.0f;
        }
        float before[Engine::kTileQueries], sums[Engine::kTileQueries];
        float* const largest = state_.largest.data + rows.begin;
        std::copy_n(largest, rows.count, before);
        raise_largest(scores, scale, largest);
        for (int64_t row = 0; row < rows.count; ++row)
            if (largest[row] - before[row] <= kSlack) largest[row] = before[row];
        exponentiate(scores, scale, largest, engine_.shares(rows.count, padded_keys()), sums);
        for (int64_t row = 0; row < rows.count; ++row) {
            float& total = state_.totals.data[rows.begin + row];
            if (keys_.begin > 0 && largest[row] > before[row])
                total *= rescale(rows.begin + row, before[row] - largest[row]);
            total += sums[row];
        }
    }

    float rescale(int64_t query, float exponent) {
        const float factor = exp(splat(exponent))[0];
        const RowTile<float> sums = engine_.sums(queries_.count);
        float* values = sums.data + query * sums.stride;
        for (int64_t d = 0; d < problem_.head_size(); d += kLanes) store(values + d, load(values + d) * factor);
        return factor;
    }

    /// A row of the bias for this block, padded to whole groups where it has to be.
    const float* bias_row(int64_t query) {
        if (!problem_.bias) return nullptr;
        const int64_t at = (index_.head * problem_.queries() + queries_.begin + query) * problem_.keys() + keys_.begin;
        const float* bias = problem_.bias.template data<float>() + at;
        if (keys_.count == padded_keys()) return bias;
        float* padded = state_.bias.data;
        std::copy_n(bias, keys_.count, padded);
        std::fill(padded + keys_.count, padded + padded_keys(), 0.0f);
        return padded;
    }

    void write_results() {
        Tensor& out = problem_.out;
        const int64_t stride = out.stride(2);
        T* to = out.data<T>() + index_.offset_in(out) + queries_.begin * stride;
        divide_rows(engine_.sums(queries_.count), state_.totals.data,
                    {to, stride, queries_.count, problem_.head_size()});
        if (problem_.log_sums) write_log_sums();
    }

    void write_log_sums() {
        float* log_sums = problem_.log_sums.template data<float>();
        for (int64_t row = 0; row < queries_.count; ++row)
            *log_sum_of(problem_, index_, queries_.begin + row, log_sums) =
                state_.largest.data[row] + std::log(state_.totals.data[row]);
    }

    AttentionProblem& problem_;
    Engine& engine_;
    SoftmaxState& state_;
    const HeadIndex index_;
    const Span queries_;
    const FlashPart next_;
    RowFetcher fetchers_[3];  // of keys, values and queries
    Span keys_;
    bool is_masked_ = false;  // this block has keys that do not count
};

/// Queries of batches that share their keys, as those of all frames share the text's, become one long row of queries:
/// keys are then packed once for all of a task's queries instead of once for each batch.
inline void merge_queries_of_shared_keys(AttentionProblem& problem) {
    Tensor& q = problem.q;
    const bool is_shared = problem.k.dim(1) == 1 && problem.v.dim(1) == 1 && !problem.bias;
    if (!is_shared || !q.is_contiguous() || !problem.out.is_contiguous()) return;
    const Shape merged = {q.dim(0), 1, q.dim(1) * q.dim(2), q.dim(3), q.dim(4)};
    q = q.reshape(merged);
    problem.out = problem.out.reshape(merged);
    if (problem.log_sums) problem.log_sums = problem.log_sums.reshape({merged[0], 1, merged[2], merged[3]});
}

/// `Engine` is made from (context, problem, queries of a task at most); T is the dtype of the problem.
template <class T, class Engine>
void run_flash_attention(const Context& context, AttentionProblem& problem) {
    merge_queries_of_shared_keys(problem);
    const int64_t heads = problem.heads();
    const int64_t inner = problem.q.dim(1);
    const int64_t parts = divided_up(problem.queries(), Engine::kTaskQueries);
    const int64_t part = rounded_up(divided_up(problem.queries(), parts), Engine::kQueryGroup);
    // Heads are the inner loop: they lie side by side in memory.
    context.threads.parallel_for(problem.q.dim(0) * inner * parts * heads, 1, [&](int64_t begin, int64_t end) {
        Engine engine(context, problem, part);
        SoftmaxState state(context, part);
        const auto part_of = [&](int64_t task) {
            const int64_t first = task / heads % parts * part;
            const int64_t batch = task / heads / parts;
            const Span queries = {first, std::max<int64_t>(0, std::min(part, problem.queries() - first))};
            return FlashPart{{batch / inner, batch % inner, task % heads}, queries};
        };
        for (int64_t task = begin; task < end; ++task) {
            const FlashPart now = part_of(task), next = part_of(std::min(task + 1, end - 1));
            if (now.queries.count > 0) FlashTask<T, Engine>(problem, engine, state, now, next).run();
        }
    });
}

}  // namespace kine::kernels
