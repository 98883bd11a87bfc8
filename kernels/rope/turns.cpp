#include "kernels/rope/turns.h"

#include "kernels/check.h"

namespace kine::kernels {

void check_turns(std::string_view op, const Tensor& heads, const Tensor& turns) {
    check_rank(op, "heads", heads, 5);
    check_rank(op, "turns", turns, 3);
    check_last_dim(op, "turns", turns, heads.dim(-1));
    check_contiguous(op, "turns", turns);
    const auto fits = [&](int axis, int64_t size) { return turns.dim(axis) == size || turns.dim(axis) == 1; };
    check(fits(0, heads.dim(1)) && fits(1, heads.dim(2)), ErrorCode::Bug,
          "{}: turns have shape {}, expected [{} or 1, {} or 1, {}]", op, to_string(turns.shape()), heads.dim(1),
          heads.dim(2), heads.dim(-1));
    check(heads.dim(-1) % 2 == 0 && heads.stride(-1) == 1, ErrorCode::Bug,
          "{}: heads have {} channels with stride {}, expected an even number that lies together", op, heads.dim(-1),
          heads.stride(-1));
}

}  // namespace kine::kernels
