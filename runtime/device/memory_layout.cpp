#include "runtime/device/memory_layout.h"

#include <algorithm>
#include <numeric>

namespace kine {

namespace {

struct Placed {
    int64_t offset = 0;
    int64_t end = 0;  // in space
    const Lifetime* held = nullptr;
};

bool meet(const Lifetime& a, const Lifetime& b) { return a.begin < b.end && b.begin < a.end; }

int64_t aligned(int64_t bytes, int64_t alignment) { return (bytes + alignment - 1) / alignment * alignment; }

/// The lowest place beside those that are held meanwhile; `placed` is in the order of offsets.
int64_t lowest_gap(const std::vector<Placed>& placed, const Lifetime& block, int64_t bytes) {
    int64_t offset = 0;
    for (const Placed& other : placed) {
        if (!meet(*other.held, block)) continue;
        if (offset + bytes <= other.offset) break;
        offset = std::max(offset, other.end);
    }
    return offset;
}

}  // namespace

MemoryLayout lay_out(std::span<const Lifetime> blocks, int64_t alignment) {
    std::vector<size_t> order(blocks.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return blocks[a].bytes > blocks[b].bytes; });
    MemoryLayout layout{std::vector<int64_t>(blocks.size())};
    std::vector<Placed> placed;
    for (const size_t index : order) {
        const int64_t bytes = aligned(blocks[index].bytes, alignment);
        const int64_t offset = lowest_gap(placed, blocks[index], bytes);
        const Placed place = {offset, offset + bytes, &blocks[index]};
        placed.insert(std::ranges::upper_bound(placed, offset, {}, &Placed::offset), place);
        layout.offsets[index] = offset;
        layout.bytes = std::max(layout.bytes, place.end);
    }
    return layout;
}

}  // namespace kine
