// Attention to few keys, as over the frames of a patch. Sixteen queries lie side by side in lanes, so that the softmax
// needs no sums across lanes; keys and values are read where they lie, or widened. Rows of one head lie pages apart
// there, where the processor does not read ahead by itself: each head asks for the rows of the next.
// A query's bits depend on its keys alone, not on the queries beside it.
#include "kernels/attention/pack.h"
#include "kernels/attention/short_tasks.h"
#include "kernels/attention/variants.h"
#include "kernels/host/visit.h"

#include <algorithm>
#include <limits>

namespace kine::kernels {

namespace {

constexpr int64_t kMostKeys = 64;     // from here on blocks of keys are as fast
constexpr int64_t kFetchedRows = 64;  // as much of the next task as stays in cache
constexpr int kMixRows = 4;           // 4 rows x 3 vectors = 12 sums, 3 vectors of values, 1 share: 16 registers
constexpr int kMixVectors = 3;

// One thread's memory.
struct Memory {
    Memory(const Context& context, int64_t count, int64_t size)
        : queries(Tensor::empty(context, {size, kPanel}, DType::Float32)),
          keys(Tensor::empty(context, {count, size}, DType::Float32)),
          values(Tensor::empty(context, {count, size}, DType::Float32)),
          scores(Tensor::empty(context, {count, kPanel}, DType::Float32)) {}

    Tensor queries;  // [D, 16]
    Tensor keys;     // [Lk, D], where they are widened
    Tensor values;   // likewise
    Tensor scores;   // [Lk, 16]
};

// As f32: where the rows lie, or widened to `to`.
ConstMatrix as_floats(const HeadRows<const float>& rows, Tensor&) { return {rows.data, rows.stride}; }

ConstMatrix as_floats(const HeadRows<const BFloat16>& rows, Tensor& to) {
    float* widened = to.data<float>();
    const auto same = [](Float8 v) { return v; };
    for (int64_t row = 0; row < rows.count; ++row)
        map_lanes(rows.size, widened + row * rows.size, same, rows.data + row * rows.stride);
    return {widened, rows.size};
}

// Asks for rows that are needed soon.
template <class T>
void fetch(const HeadRows<T>& all) {
    constexpr int64_t kLine = 64 / sizeof(T);
    const HeadRows<T> rows = all.from(0, kFetchedRows);
    for (int64_t row = 0; row < rows.count; ++row) {
        const T* at = rows.data + row * rows.stride;
        for (int64_t d = 0; d < rows.size; d += kLine) __builtin_prefetch(at + d);
        __builtin_prefetch(at + rows.size - 1);
    }
}

// scores [keys, 16] = keys [keys, size] times queries [size, 16].
void score(int64_t count, int64_t size, ConstMatrix keys, const float* queries, float* scores) {
    for (int64_t key = 0; key < count; key += kMicroRows) {
        const int64_t rows = std::min<int64_t>(kMicroRows, count - key);
        multiply_strip<2, Start::Zero>(rows, size, keys.from(key, 0), {queries, kPanel},
                                       {scores + key * kPanel, kPanel});
    }
}

// scores [keys, 16] become e^(scale * (score - largest of its column)); `factors` one over the sums of the columns.
void soften(float* scores, int64_t keys, float scale, float* factors) {
    for (int64_t half = 0; half < kPanel; half += kLanes) {
        Float8 largest = splat(std::numeric_limits<float>::lowest());
        for (int64_t key = 0; key < keys; ++key) largest = max(largest, scale * load(scores + key * kPanel + half));
        Float8 total = {};
        for (int64_t key = 0; key < keys; ++key) {
            float* at = scores + key * kPanel + half;
            const Float8 share = exp_of_negative(scale * load(at) - largest);
            store(at, share);
            total += share;
        }
        store(factors + half, 1.0f / total);
    }
}

// What up to four queries take of 8 * Vectors columns of the values. Rows beyond are computed and dropped.
template <int Vectors, class T>
void mix(int64_t keys, const float* shares, const float* factors, ConstMatrix values, const HeadRows<T>& out) {
    Float8 sums[kMixRows][Vectors];
    unrolled<kMixRows * Vectors>([&](auto i) { sums[i / Vectors][i % Vectors] = Float8{}; });
    for (int64_t key = 0; key < keys; ++key) {
        Float8 columns[Vectors];
        unrolled<Vectors>([&](auto v) { columns[v] = load(values.data + key * values.stride + v * kLanes); });
        unrolled<kMixRows>([&](auto row) {
            const Float8 share = splat(shares[key * kPanel + row]);
            unrolled<Vectors>([&](auto v) { sums[row][v] += share * columns[v]; });
        });
    }
    unrolled<kMixRows * Vectors>([&](auto i) {
        constexpr int kRow = i / Vectors, kVector = i % Vectors;
        if (kRow < out.count)
            store(out.data + kRow * out.stride + kVector * kLanes, sums[kRow][kVector] * factors[kRow]);
    });
}

// The same in all columns.
template <class T>
void mix_rows(int64_t keys, const float* shares, const float* factors, ConstMatrix values, HeadRows<T> out) {
    for (int64_t left = out.size / kLanes; left > 0; left -= kMixVectors) {
        const auto part = left >= 3 ? mix<3, T> : left == 2 ? mix<2, T> : mix<1, T>;
        part(keys, shares, factors, values, out);
        out.data += kMixVectors * kLanes;
        values.data += kMixVectors * kLanes;
    }
}

template <class T>
void attend(const ShortTask<T>& task, const ShortTask<T>& next, float scale, Memory& memory) {
    const int64_t keys = task.k.count, size = task.k.size;
    float* queries = memory.queries.data<float>();
    float* scores = memory.scores.data<float>();
    float factors[kPanel];
    const ConstMatrix key_rows = as_floats(task.k, memory.keys);
    fetch(next.k);
    const ConstMatrix value_rows = as_floats(task.v, memory.values);
    fetch(next.q);
    for (int64_t begin = 0; begin < task.q.count; begin += kPanel) {
        const HeadRows<const T> block = task.q.from(begin, kPanel);
        pack_keys(block.data, block.stride, block.count, size, queries);
        score(keys, size, key_rows, queries, scores);
        if (begin == 0) fetch(next.v);
        soften(scores, keys, scale, factors);
        for (int64_t row = 0; row < block.count; row += kMixRows)
            mix_rows(keys, scores + row, factors + row, value_rows, task.out.from(begin + row, kMixRows));
    }
    fetch(next.out);
}

}  // namespace

bool is_short_attention(const AttentionProblem& problem) {
    return problem.keys() <= kMostKeys && problem.head_size() % kLanes == 0 && !problem.bias && !problem.key_mask &&
           !problem.log_sums;
}

void short_attention_host(const Context& context, AttentionProblem& problem) {
    visit_floating(problem.q.dtype(), [&]<class T>(T) {
        const ShortTasks<T> tasks(problem);
        context.threads.parallel_for(tasks.count(), 1, [&](int64_t begin, int64_t end) {
            Memory memory(context, problem.keys(), problem.head_size());
            for (int64_t task = begin; task < end; ++task)
                attend(tasks[task], tasks[std::min(task + 1, end - 1)], problem.scale, memory);
        });
    });
}

}  // namespace kine::kernels
