// Attention to few keys with AVX-512: as short_host.cpp has it, sixteen queries to a register. All heads of a row lie
// side by side, so the rows of the next site are asked for whole, a frame with every head: the processor then reads on
// by itself.
#include "kernels/attention/row_fetcher.h"
#include "kernels/attention/short_tasks.h"
#include "kernels/host/rounding.h"
#include "kernels/host/visit.h"
#include "kernels/host/wide_transpose.h"

namespace kine::kernels {

namespace {

constexpr int64_t kQueries = kWideLanes;
constexpr int64_t kKeyGroup = 8;  // sums of a score in registers: 8 keys x 16 queries
constexpr int kMixRows = 4;       // 4 rows x 5 vectors = 20 sums, 5 vectors of values, 1 share: 26 of 32 registers
constexpr int64_t kMixVectors = 5;

// One thread's, f32; rows end at whole vectors, zeros beyond.
struct Memory {
    const int64_t keys, size, width;
    Tensor query_memory, key_memory, value_memory, score_memory;
    float* queries;     // [width, 16]
    float* key_rows;    // [keys in whole groups, width]
    float* value_rows;  // [keys, width]
    float* scores;      // [keys in whole groups, 16]

    Memory(const Context& context, int64_t count, int64_t head_size)
        : keys(count),
          size(head_size),
          width(rounded_up(head_size, kWideLanes)),
          query_memory(Tensor::zeros(context, {width, kQueries}, DType::Float32)),
          key_memory(Tensor::zeros(context, {rounded_up(count, kKeyGroup), width}, DType::Float32)),
          value_memory(Tensor::zeros(context, {count, width}, DType::Float32)),
          score_memory(Tensor::zeros(context, {rounded_up(count, kKeyGroup), kQueries}, DType::Float32)),
          queries(query_memory.data<float>()),
          key_rows(key_memory.data<float>()),
          value_rows(value_memory.data<float>()),
          scores(score_memory.data<float>()) {}
};

}  // namespace

}  // namespace kine::kernels

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {

namespace {

template <class T>
void widen(const HeadRows<const T>& rows, float* to, int64_t width) {
    for (int64_t row = 0; row < rows.count; ++row, to += width) {
        const T* from = rows.data + row * rows.stride;
        int64_t i = 0;
        for (; i + kWideLanes <= rows.size; i += kWideLanes) store(to + i, load_wide(from + i));
        if (i < rows.size) store(to + i, load_wide(from + i, first_lanes(rows.size - i)));
    }
}

// Up to 16 queries -> [width, 16]; those beyond are zero.
template <class T>
void turn_queries(const HeadRows<const T>& rows, float* to) {
    for (int64_t d = 0; d < rows.size; d += kWideLanes) {
        const __mmask16 lanes = first_lanes(rows.size - d);
        __m512i block[kQueries];
        for (int64_t row = 0; row < kQueries; ++row)
            block[row] = row < rows.count ? _mm512_castps_si512(load_wide(rows.data + row * rows.stride + d, lanes))
                                          : _mm512_setzero_si512();
        store_transposed(block, to + d * kQueries, kQueries);
    }
}

// scores [keys, 16] = scale * keys times queries.
void score(const Memory& memory, float scale) {
    for (int64_t key = 0; key < memory.keys; key += kKeyGroup) {
        const float* keys = memory.key_rows + key * memory.width;
        Wide sums[kKeyGroup];
        for (Wide& sum : sums) sum = wide(0.0f);
        for (int64_t d = 0; d < memory.size; ++d) {
            const Wide queries = load_wide(memory.queries + d * kQueries);
            for (int64_t i = 0; i < kKeyGroup; ++i) sums[i] += wide(keys[i * memory.width + d]) * queries;
        }
        for (int64_t i = 0; i < kKeyGroup; ++i) store(memory.scores + (key + i) * kQueries, sums[i] * scale);
    }
}

// scores [keys, 16] become e^(score - largest of its column); `factors` one over the sums of the columns.
void soften(const Memory& memory, float* factors) {
    constexpr float kLog2E = 1.44269504f;
    float* const scores = memory.scores;
    Wide largest = load_wide(scores);
    for (int64_t key = 1; key < memory.keys; ++key) largest = max(largest, load_wide(scores + key * kQueries));
    Wide total = wide(0.0f);
    for (int64_t key = 0; key < memory.keys; ++key) {
        const Wide share = exp2_of((load_wide(scores + key * kQueries) - largest) * kLog2E);
        store(scores + key * kQueries, share);
        total += share;
    }
    store(factors, 1.0f / total);
}

// What up to four queries take of 16 * Vectors columns of the values, the last of them up to `size`.
template <int Vectors, class T>
void mix(const Memory& memory, const float* shares, const float* factors, const float* values, const HeadRows<T>& out) {
    Wide sums[kMixRows][Vectors];
    for (auto& row : sums) {
        for (Wide& sum : row) sum = wide(0.0f);
    }
    for (int64_t key = 0; key < memory.keys; ++key) {
        Wide columns[Vectors];
        for (int v = 0; v < Vectors; ++v) columns[v] = load_wide(values + key * memory.width + v * kWideLanes);
        for (int row = 0; row < kMixRows; ++row) {
            const Wide share = wide(shares[key * kQueries + row]);
            for (int v = 0; v < Vectors; ++v) sums[row][v] += share * columns[v];
        }
    }
    for (int row = 0; row < kMixRows; ++row) {
        if (row >= out.count) return;
        for (int v = 0; v < Vectors; ++v)
            store(out.data + row * out.stride + v * kWideLanes, sums[row][v] * factors[row],
                  first_lanes(out.size - v * kWideLanes));
    }
}

// The same in all columns, in parts as even as vectors allow.
template <class T>
void mix_rows(const Memory& memory, const float* shares, const float* factors, HeadRows<T> out) {
    const int64_t vectors = memory.width / kWideLanes;
    const int64_t parts = divided_up(vectors, kMixVectors);
    for (int64_t part = 0, begin = 0; part < parts; ++part) {
        const int64_t end = vectors * (part + 1) / parts, column = begin * kWideLanes;
        constexpr void (*kMixes[])(const Memory&, const float*, const float*, const float*, const HeadRows<T>&) = {
            mix<1, T>, mix<2, T>, mix<3, T>, mix<4, T>, mix<5, T>};
        HeadRows<T> rest = out;
        rest.data += column;
        rest.size -= column;
        kMixes[end - begin - 1](memory, shares, factors, memory.value_rows + column, rest);
        begin = end;
    }
}

template <class T>
void attend(const ShortTask<T>& task, float scale, const Memory& memory) {
    float factors[kQueries];
    widen(task.k, memory.key_rows, memory.width);
    widen(task.v, memory.value_rows, memory.width);
    for (int64_t begin = 0; begin < task.q.count; begin += kQueries) {
        const HeadRows<const T> block = task.q.from(begin, kQueries);
        turn_queries(block, memory.queries);
        score(memory, scale);
        soften(memory, factors);
        for (int64_t row = 0; row < block.count; row += kMixRows)
            mix_rows(memory, memory.scores + row, factors + row, task.out.from(begin + row, kMixRows));
    }
}

template void attend(const ShortTask<float>& task, float scale, const Memory& memory);
template void attend(const ShortTask<BFloat16>& task, float scale, const Memory& memory);

}  // namespace

}  // namespace kine::kernels

#pragma GCC pop_options

namespace kine::kernels {

namespace {

/// Asks for the rows of the next site, with all heads, while this one's heads are done one by one.
template <class T>
class SiteFetcher {
  public:
    explicit SiteFetcher(const ShortTasks<T>& tasks) : tasks_(tasks) {}

    void before(int64_t number) {
        const int64_t heads = tasks_.heads();
        if (!tasks_.are_heads_adjacent()) return;
        if (number % heads == 0 || share_ == 0) aim(std::min(number - number % heads + heads, tasks_.count() - heads));
        for (RowFetcher& rows : fetchers_) rows.fetch(share_);
    }

  private:
    void aim(int64_t number) {
        const ShortTask<T> next = tasks_[number];
        fetchers_[0].aim(next.q.data, next.q.stride, next.q.size * tasks_.heads(), next.q.count);
        fetchers_[1].aim(next.k.data, next.k.stride, next.k.size * tasks_.heads(), next.k.count);
        fetchers_[2].aim(next.v.data, next.v.stride, next.v.size * tasks_.heads(), next.v.count);
        fetchers_[3].aim(next.out.data, next.out.stride, next.out.size * tasks_.heads(), next.out.count);
        share_ = divided_up(std::max(next.q.count, next.k.count), tasks_.heads());
    }

    const ShortTasks<T>& tasks_;
    RowFetcher fetchers_[4];
    int64_t share_ = 0;  // rows for each head
};

}  // namespace

void short_attention_wide(const Context& context, AttentionProblem& problem) {
    visit_floating(problem.q.dtype(), [&]<class T>(T) {
        const ShortTasks<T> tasks(problem);
        context.threads.parallel_for(tasks.count(), 1, [&](int64_t begin, int64_t end) {
            const Memory memory(context, problem.keys(), problem.head_size());
            SiteFetcher<T> fetcher(tasks);
            for (int64_t task = begin; task < end; ++task) {
                fetcher.before(task);
                attend(tasks[task], problem.scale, memory);
            }
        });
    });
}

}  // namespace kine::kernels
