// Attention to few keys, cut into tasks: some queries of one head with all its keys.
#pragma once

#include "kernels/attention/variants.h"

#include <algorithm>

namespace kine::kernels {

inline constexpr int64_t kShortTaskQueries = 256;  // share one reading of the keys

// Rows of one head.
template <class T>
struct HeadRows {
    T* data;
    int64_t stride, count, size;

    HeadRows from(int64_t row, int64_t most) const {
        return {data + row * stride, stride, std::min(most, count - row), size};
    }
};

template <class T>
struct ShortTask {
    HeadRows<const T> q, k, v;
    HeadRows<T> out;
};

// All rows of a tensor, its strides at hand: asking a tensor is too much for every head.
template <class T>
struct AllRows {
    T* data;
    int64_t outer, inner, stride, head, count, size;

    AllRows(T* from, const Tensor& x)
        : data(from),
          outer(x.dim(0) == 1 ? 0 : x.stride(0)),
          inner(x.dim(1) == 1 ? 0 : x.stride(1)),
          stride(x.stride(2)),
          head(x.stride(3)),
          count(x.dim(2)),
          size(x.dim(4)) {}

    HeadRows<T> of(HeadIndex index) const {
        return {data + index.outer * outer + index.inner * inner + index.head * head, stride, count, size};
    }
};

// Tasks in the order in which they are run: heads lie side by side in memory.
template <class T>
class ShortTasks {
  public:
    explicit ShortTasks(AttentionProblem& problem)
        : q_(problem.q.data<T>(), problem.q),
          k_(problem.k.data<T>(), problem.k),
          v_(problem.v.data<T>(), problem.v),
          out_(problem.out.data<T>(), problem.out),
          batches_(problem.q.dim(0) * problem.q.dim(1)),
          inner_(problem.q.dim(1)),
          heads_(problem.heads()),
          parts_((problem.queries() + kShortTaskQueries - 1) / kShortTaskQueries) {}

    int64_t count() const { return batches_ * parts_ * heads_; }
    int64_t heads() const { return heads_; }
    /// Whether the heads of a row lie side by side.
    bool are_heads_adjacent() const {
        return heads_ == 1 ||
               (q_.head == q_.size && k_.head == k_.size && v_.head == v_.size && out_.head == out_.size);
    }

    ShortTask<T> operator[](int64_t number) const {
        const int64_t batch = number / heads_ / parts_;
        const HeadIndex index = {batch / inner_, batch % inner_, number % heads_};
        const int64_t first = number / heads_ % parts_ * kShortTaskQueries;
        return {q_.of(index).from(first, kShortTaskQueries), k_.of(index), v_.of(index),
                out_.of(index).from(first, kShortTaskQueries)};
    }

  private:
    AllRows<const T> q_, k_, v_;
    AllRows<T> out_;
    int64_t batches_, inner_, heads_, parts_;
};

}  // namespace kine::kernels
