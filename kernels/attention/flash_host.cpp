// Attention by blocks of keys (FlashAttention, Dao et al. 2022, arXiv:2205.14135): the scores of 24 queries and one
// block live in cache; a running maximum and total per query make the softmax exact. Up to 256 keys are one block, and
// nothing is ever rescaled. A query's bits depend on its keys alone, not on the queries beside it.
#include "kernels/attention/pack.h"
#include "kernels/attention/variants.h"
#include "kernels/host/visit.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kine::kernels {

namespace {

constexpr int64_t kTaskQueries = 288;  // share one packing of the keys; a multiple of a tile
constexpr int64_t kTileQueries = 4 * kMicroRows;
constexpr int64_t kKeyBlock = 256;
constexpr float kLowest = std::numeric_limits<float>::lowest();  // not -infinity: lowest - lowest is 0

int64_t rounded_up(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

// Adds bias and mask and returns the largest of `count` scores, a multiple of 8.
float prepare_scores(float* scores, int64_t count, const float* bias, const float* mask) {
    Float8 largest = splat(kLowest);
    for (int64_t i = 0; i < count; i += kLanes) {
        Float8 v = load(scores + i);
        if (bias) v += load(bias + i);
        if (mask) v += load(mask + i);
        if (bias || mask) store(scores + i, v);
        largest = max(largest, v);
    }
    return max_of(largest);
}

// scores = e^(scores - largest); returns their sum.
float exponentiate(float* scores, int64_t count, float largest) {
    Float8 total = {};
    for (int64_t i = 0; i < count; i += kLanes) {
        const Float8 share = exp_of_negative(load(scores + i) - largest);
        store(scores + i, share);
        total += share;
    }
    return sum_of(total);
}

// Floats, their address at hand: asking a tensor means checking its dtype, too much for every row.
struct Floats {
    Floats(const Context& context, int64_t count)
        : memory(Tensor::empty(context, {count}, DType::Float32)), data(memory.data<float>()) {}

    Tensor memory;
    float* data;
};

// One thread's memory. Sizes are those of the problem where they are smaller than a block.
struct Scratch {
    int64_t key_block;        // keys in a block, a multiple of 16
    int64_t value_stride;     // head size in whole vectors
    int64_t queries_in_task;  // at most
    Floats queries;           // [queries_in_task, D], scaled
    Floats keys;              // [key_block / 16][D][16]
    Floats values;            // panels of [key_block][16 or 8]
    Floats scores;            // [kTileQueries, key_block]
    Floats sums;              // [queries_in_task, value_stride]
    Floats largest;           // [queries_in_task]
    Floats totals;            // [queries_in_task]
    Floats mask;              // [key_block]: 0 or -infinity
    Floats bias;              // [key_block]: a padded copy of a row

    Scratch(const Context& context, const AttentionProblem& problem)
        : key_block(std::min(kKeyBlock, rounded_up(problem.keys(), kPanel))),
          value_stride(rounded_up(problem.head_size(), kLanes)),
          queries_in_task(std::min(kTaskQueries, rounded_up(problem.queries(), kMicroRows))),
          queries(context, queries_in_task * problem.head_size()),
          keys(context, key_block * problem.head_size()),
          values(context, key_block * rounded_up(problem.head_size(), kPanel)),
          scores(context, kTileQueries * key_block),
          sums(context, queries_in_task * value_stride),
          largest(context, queries_in_task),
          totals(context, queries_in_task),
          mask(context, key_block),
          bias(context, key_block) {}
};

struct Span {
    int64_t begin = 0;
    int64_t count = 0;
};

// Some queries of one head against all its keys.
template <class T>
class Task {
  public:
    Task(AttentionProblem& problem, Scratch& scratch, HeadIndex index, Span queries)
        : problem_(problem), scratch_(scratch), index_(index), queries_(queries), size_(problem.head_size()) {}

    void run() {
        load_queries();
        for (int64_t begin = 0; begin < problem_.keys(); begin += scratch_.key_block) {
            keys_ = {begin, std::min(scratch_.key_block, problem_.keys() - begin)};
            load_keys();
            for (int64_t row = 0; row < queries_.count; row += kTileQueries)
                run_tile({row, std::min(kTileQueries, queries_.count - row)});
        }
        write_results();
    }

  private:
    void load_queries();
    void load_keys();
    void load_mask();
    void run_tile(Span rows);
    void score(Span rows);
    void soften(Span rows);
    void rescale(int64_t row, float factor);
    void accumulate(Span rows);
    void accumulate_panel(Span rows, int64_t column);
    const float* bias_row(int64_t row);
    void write_results();
    void write_log_sums();

    float* sums(int64_t row) { return scratch_.sums.data + row * scratch_.value_stride; }
    int64_t padded_keys() const { return rounded_up(keys_.count, kLanes); }

    AttentionProblem& problem_;
    Scratch& scratch_;
    const HeadIndex index_;
    const Span queries_;
    const int64_t size_;
    Span keys_;
    bool is_masked_ = false;  // this block has keys that do not count
};

template <class T>
void Task<T>::load_queries() {
    const Tensor& q = problem_.q;
    const int64_t stride = q.stride(2);
    const T* from = q.data<T>() + index_.offset_in(q) + queries_.begin * stride;
    float* to = scratch_.queries.data;
    const auto scaled = [scale = problem_.scale](Float8 v) { return v * scale; };
    for (int64_t row = 0; row < queries_.count; ++row) map_lanes(size_, to + row * size_, scaled, from + row * stride);
    std::fill_n(scratch_.largest.data, queries_.count, kLowest);
    std::fill_n(scratch_.totals.data, queries_.count, 0.0f);
}

template <class T>
void Task<T>::load_keys() {
    const Tensor& k = problem_.k;
    const Tensor& v = problem_.v;
    pack_keys(k.data<T>() + index_.offset_in(k) + keys_.begin * k.stride(2), k.stride(2), keys_.count, size_,
              scratch_.keys.data);
    pack_values(v.data<T>() + index_.offset_in(v) + keys_.begin * v.stride(2), v.stride(2), keys_.count, size_,
                scratch_.values.data);
    load_mask();
}

template <class T>
void Task<T>::load_mask() {
    constexpr float kDropped = -std::numeric_limits<float>::infinity();
    is_masked_ = problem_.key_mask || keys_.count % kLanes != 0;
    if (!is_masked_) return;
    float* mask = scratch_.mask.data;
    std::fill_n(mask, keys_.count, 0.0f);
    std::fill(mask + keys_.count, mask + padded_keys(), kDropped);
    if (!problem_.key_mask) return;
    const uint8_t* kept = problem_.key_mask.template data<uint8_t>() + index_.outer * problem_.keys();
    for (int64_t key = 0; key < keys_.count; ++key) mask[key] = kept[keys_.begin + key] ? 0.0f : kDropped;
}

template <class T>
void Task<T>::run_tile(Span rows) {
    score(rows);
    soften(rows);
    accumulate(rows);
}

template <class T>
void Task<T>::score(Span rows) {
    const ConstMatrix queries = {scratch_.queries.data + rows.begin * size_, size_};
    const MutableMatrix scores = {scratch_.scores.data, scratch_.key_block};
    for (int64_t key = 0; key < keys_.count; key += kPanel) {
        const ConstMatrix panel = {scratch_.keys.data + key * size_, kPanel};
        for (int64_t row = 0; row < rows.count; row += kMicroRows)
            multiply_strip<2, Start::Zero>(std::min<int64_t>(kMicroRows, rows.count - row), size_, queries.from(row, 0),
                                           panel, scores.from(row, key));
    }
}

template <class T>
void Task<T>::soften(Span rows) {
    const float* mask = is_masked_ ? scratch_.mask.data : nullptr;
    for (int64_t row = 0; row < rows.count; ++row) {
        float* scores = scratch_.scores.data + row * scratch_.key_block;
        float& largest = scratch_.largest.data[rows.begin + row];
        float& total = scratch_.totals.data[rows.begin + row];
        const float before = largest;
        largest = std::max(before, prepare_scores(scores, padded_keys(), bias_row(rows.begin + row), mask));
        const float sum = exponentiate(scores, padded_keys(), largest);
        if (keys_.begin > 0 && largest > before) {
            const float factor = exp(splat(before - largest))[0];
            rescale(rows.begin + row, factor);
            total *= factor;
        }
        total += sum;
    }
}

template <class T>
void Task<T>::rescale(int64_t row, float factor) {
    float* values = sums(row);
    for (int64_t d = 0; d < scratch_.value_stride; d += kLanes) store(values + d, load(values + d) * factor);
}

// A row of the bias for this block, padded to whole vectors where it has to be.
template <class T>
const float* Task<T>::bias_row(int64_t row) {
    if (!problem_.bias) return nullptr;
    const int64_t at = (index_.head * problem_.queries() + queries_.begin + row) * problem_.keys() + keys_.begin;
    const float* bias = problem_.bias.template data<float>() + at;
    if (keys_.count == padded_keys()) return bias;
    float* padded = scratch_.bias.data;
    std::copy_n(bias, keys_.count, padded);
    std::fill(padded + keys_.count, padded + padded_keys(), 0.0f);
    return padded;
}

template <class T>
void Task<T>::accumulate(Span rows) {
    for (int64_t column = 0; column < size_; column += kPanel) accumulate_panel(rows, column);
}

template <class T>
void Task<T>::accumulate_panel(Span rows, int64_t column) {
    const bool is_narrow = size_ - column <= kLanes;
    const bool is_first = keys_.begin == 0;
    const float* values = scratch_.values.data + column * keys_.count;
    const ConstMatrix panel = {values, is_narrow ? kLanes : kPanel};
    const auto multiply = is_narrow ? (is_first ? multiply_strip<1, Start::Zero> : multiply_strip<1, Start::Add>)
                                    : (is_first ? multiply_strip<2, Start::Zero> : multiply_strip<2, Start::Add>);
    for (int64_t row = 0; row < rows.count; row += kMicroRows) {
        const ConstMatrix shares = {scratch_.scores.data + row * scratch_.key_block, scratch_.key_block};
        const MutableMatrix result = {sums(rows.begin + row) + column, scratch_.value_stride};
        multiply(std::min<int64_t>(kMicroRows, rows.count - row), keys_.count, shares, panel, result);
    }
}

template <class T>
void Task<T>::write_results() {
    Tensor& out = problem_.out;
    const int64_t stride = out.stride(2);
    T* to = out.data<T>() + index_.offset_in(out) + queries_.begin * stride;
    const float* totals = scratch_.totals.data;
    for (int64_t row = 0; row < queries_.count; ++row) {
        const float share = 1.0f / totals[row];
        map_lanes(
            size_, to + row * stride, [=](Float8 v) { return v * share; }, static_cast<const float*>(sums(row)));
    }
    if (problem_.log_sums) write_log_sums();
}

template <class T>
void Task<T>::write_log_sums() {
    float* log_sums = problem_.log_sums.template data<float>();
    for (int64_t row = 0; row < queries_.count; ++row)
        *log_sum_of(problem_, index_, queries_.begin + row, log_sums) =
            scratch_.largest.data[row] + std::log(scratch_.totals.data[row]);
}

// Queries of batches that share their keys, as those of all frames share the text's, become one long row of queries:
// keys are then packed once for 192 queries instead of once for each batch.
void merge_queries_of_shared_keys(AttentionProblem& problem) {
    Tensor& q = problem.q;
    const bool is_shared = problem.k.dim(1) == 1 && problem.v.dim(1) == 1 && !problem.bias;
    if (!is_shared || !q.is_contiguous() || !problem.out.is_contiguous()) return;
    const Shape merged = {q.dim(0), 1, q.dim(1) * q.dim(2), q.dim(3), q.dim(4)};
    q = q.reshape(merged);
    problem.out = problem.out.reshape(merged);
    if (problem.log_sums) problem.log_sums = problem.log_sums.reshape({merged[0], 1, merged[2], merged[3]});
}

}  // namespace

void flash_attention_host(const Context& context, AttentionProblem& problem) {
    merge_queries_of_shared_keys(problem);
    const int64_t heads = problem.heads();
    const int64_t inner = problem.q.dim(1);
    const int64_t parts = (problem.queries() + kTaskQueries - 1) / kTaskQueries;
    const int64_t part = rounded_up((problem.queries() + parts - 1) / parts, kMicroRows);
    visit_floating(problem.q.dtype(), [&]<class T>(T) {
        // Heads are the inner loop: they lie side by side in memory.
        context.threads.parallel_for(problem.q.dim(0) * inner * parts * heads, 1, [&](int64_t begin, int64_t end) {
            Scratch scratch(context, problem);
            for (int64_t task = begin; task < end; ++task) {
                const int64_t first = task / heads % parts * part;
                const int64_t batch = task / heads / parts;
                const Span queries = {first, std::min(part, problem.queries() - first)};
                if (queries.count > 0)
                    Task<T>(problem, scratch, {batch / inner, batch % inner, task % heads}, queries).run();
            }
        });
    });
}

}  // namespace kine::kernels
