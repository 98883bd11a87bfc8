// Rows that lie apart, pages often, where the processor does not read ahead by itself: it is asked to, some rows at a
// time while other work goes on.
#pragma once

#include <cstdint>

namespace kine::kernels {

class RowFetcher {
  public:
    /// `rows` of `size` values, `stride` from row to row.
    template <class T>
    void aim(const T* first, int64_t stride, int64_t size, int64_t rows) {
        constexpr auto kItem = static_cast<int64_t>(sizeof(T));
        at_ = reinterpret_cast<const char*>(first);
        stride_ = stride * kItem;
        bytes_ = size * kItem;
        left_ = rows;
    }
    /// Asks for the next `rows`, as far as there are any, into the L2.
    void fetch(int64_t rows) {
        constexpr int64_t kLine = 64;
        for (; rows > 0 && left_ > 0; --rows, --left_, at_ += stride_) {
            for (int64_t byte = 0; byte < bytes_; byte += kLine) __builtin_prefetch(at_ + byte, 0, 2);
            __builtin_prefetch(at_ + bytes_ - 1, 0, 2);
        }
    }

  private:
    const char* at_ = nullptr;
    int64_t stride_ = 0, bytes_ = 0, left_ = 0;
};

}  // namespace kine::kernels
