#include "kernels/move/move_host.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace kine::kernels {

namespace {

constexpr int64_t kGrainBytes = 65536;

struct Axis {
    int64_t size;
    int64_t from;  // strides in bytes
    int64_t to;
};

// The axes of a copy, outermost first, with neighbours merged wherever both sides allow it.
std::vector<Axis> merged_axes(const Tensor& from, const Tensor& to) {
    const int64_t item = size_of(from.dtype());
    std::vector<Axis> axes;
    for (int axis = 0; axis < from.rank(); ++axis) {
        const Axis next = {from.dim(axis), from.stride(axis) * item, to.stride(axis) * item};
        if (next.size == 1) continue;
        const bool merges =
            !axes.empty() && axes.back().from == next.from * next.size && axes.back().to == next.to * next.size;
        if (merges) {
            axes.back() = {axes.back().size * next.size, next.from, next.to};
        } else {
            axes.push_back(next);
        }
    }
    return axes;
}

using CopyRun = void (*)(const std::byte* from, std::byte* to, const Axis& run);

template <int64_t kItem>
void copy_items(const std::byte* from, std::byte* to, const Axis& run) {
    for (int64_t i = 0; i < run.size; ++i) std::memcpy(to + i * run.to, from + i * run.from, kItem);
}

void copy_bytes(const std::byte* from, std::byte* to, const Axis& run) {
    std::memcpy(to, from, static_cast<size_t>(run.size * run.to));
}

CopyRun choose_run(const Axis& run, int64_t item) {
    if (run.from == item && run.to == item) return copy_bytes;
    switch (item) {
        case 1:
            return copy_items<1>;
        case 2:
            return copy_items<2>;
        case 4:
            return copy_items<4>;
        default:
            return copy_items<8>;
    }
}

struct Offsets {
    int64_t from = 0;
    int64_t to = 0;
};

Offsets offsets_of(const std::vector<Axis>& outer, int64_t index) {
    Offsets offsets;
    for (size_t axis = outer.size(); axis-- > 0;) {
        const int64_t position = index % outer[axis].size;
        index /= outer[axis].size;
        offsets.from += position * outer[axis].from;
        offsets.to += position * outer[axis].to;
    }
    return offsets;
}

}  // namespace

void copy_host(const Context& context, const Tensor& from, Tensor& to) {
    if (from.elements() == 0) return;
    const int64_t item = size_of(from.dtype());
    std::vector<Axis> outer = merged_axes(from, to);
    const Axis run = outer.empty() ? Axis{1, item, item} : outer.back();
    if (!outer.empty()) outer.pop_back();
    const CopyRun copy = choose_run(run, item);
    const std::byte* source = from.raw();
    std::byte* target = to.raw();
    const int64_t grain = std::max<int64_t>(1, kGrainBytes / (run.size * item));
    context.threads.parallel_for(from.elements() / run.size, grain, [&](int64_t begin, int64_t end) {
        for (int64_t index = begin; index < end; ++index) {
            const Offsets offsets = offsets_of(outer, index);
            copy(source + offsets.from, target + offsets.to, run);
        }
    });
}

void gather_rows_host(const Context& context, const Tensor& table, const Tensor& ids, Tensor& out) {
    const int64_t bytes = table.dim(1) * size_of(table.dtype());
    const int64_t* wanted = ids.data<int64_t>();
    std::byte* to = out.raw();
    context.threads.parallel_for(ids.elements(), std::max<int64_t>(1, kGrainBytes / std::max<int64_t>(1, bytes)),
                                 [&](int64_t begin, int64_t end) {
                                     for (int64_t row = begin; row < end; ++row)
                                         std::memcpy(to + row * bytes, table.raw() + wanted[row] * bytes,
                                                     static_cast<size_t>(bytes));
                                 });
}

}  // namespace kine::kernels
