#include "kernels/linear/weight_panels.h"

#include <algorithm>
#include <mutex>
#include <vector>

namespace kine::kernels {

namespace {

constexpr int64_t kLeastValues = int64_t{1} << 20;  // 2 MB
constexpr int64_t kMostOdd = 64;                    // one value in so many: as many bytes again as a bit for each

constexpr int64_t short_bytes(int64_t values) { return values / kShortRun * kShortRunBytes; }

int64_t odd_value(int64_t place, BFloat16 value) { return place << 16 | value.bits; }

/// Packs the 32 columns from `column` on.
void pack_panel(const Tensor& weight, int64_t column, BFloat16* to) {
    const int64_t depth = weight.dim(1);
    const int64_t count = std::min(weight.dim(0) - column, kTileBlock);
    pack_transposed(weight.data<BFloat16>() + column * depth, depth, count, depth, to);
}

}  // namespace

WeightPanels::WeightPanels(const Context& context, const Tensor& weight, Short which)
    : depth_(weight.dim(1)), columns_(weight.dim(0)) {
    const bool may_be = which == Short::Always || (which == Short::Large && weight.elements() >= kLeastValues);
    if (!may_be || !pack_short(context, weight)) pack_whole(context, weight);
}

void WeightPanels::pack_whole(const Context& context, const Tensor& weight) {
    whole_ = Tensor::empty(context, {packed_values(depth_, columns_)}, DType::BFloat16);
    BFloat16* const to = whole_.data<BFloat16>();
    context.threads.parallel_for(divided_up(columns_, kTileBlock), 1, [&](int64_t begin, int64_t end) {
        for (int64_t column = begin * kTileBlock; column < std::min(columns_, end * kTileBlock); column += kTileBlock)
            pack_panel(weight, column, to + panel_offset(depth_, column));
    });
}

bool WeightPanels::pack_short(const Context& context, const Tensor& weight) {
    const int64_t values = packed_values(depth_, columns_), of_panel = panel_offset(depth_, kTileBlock);
    names_ = name_exponents({weight.data<BFloat16>(), static_cast<size_t>(weight.elements())});
    Tensor bytes = Tensor::empty(context, {short_bytes(values)}, DType::UInt8);
    auto* const to = bytes.data<uint8_t>();
    const int64_t most_odd = values / kMostOdd;
    std::mutex mutex;
    std::vector<int64_t> odd;
    context.threads.parallel_for(values / of_panel, 1, [&](int64_t begin, int64_t end) {
        Tensor scratch = Tensor::empty(context, {of_panel}, DType::BFloat16);
        auto* const panel = scratch.data<BFloat16>();
        std::vector<int64_t> found;
        for (int64_t index = begin; index < end && static_cast<int64_t>(found.size()) <= most_odd; ++index) {
            pack_panel(weight, index * kTileBlock, panel);
            const int64_t place = index * of_panel;
            shorten(panel, of_panel, names_, to + short_bytes(place),
                    [&](int64_t i) { found.push_back(odd_value(place + i, panel[i])); });
        }
        const std::lock_guard lock(mutex);
        odd.insert(odd.end(), found.begin(), found.end());
    });
    if (static_cast<int64_t>(odd.size()) > most_odd) return false;
    std::ranges::sort(odd);
    odd_ = Tensor::of<int64_t>(context, {static_cast<int64_t>(odd.size())}, odd);
    short_ = std::move(bytes);
    return true;
}

void WeightPanels::expand_at(int64_t place, int64_t count, BFloat16* to) const {
    expand(short_.data<uint8_t>() + short_bytes(place), count, names_, to);
    const int64_t* const end = odd_.data<int64_t>() + odd_.elements();
    const int64_t* odd = std::lower_bound(odd_.data<int64_t>(), end, place << 16);
    for (; odd != end && *odd >> 16 < place + count; ++odd)
        to[(*odd >> 16) - place].bits = static_cast<uint16_t>(*odd & 0xffff);
}

Tensor WeightPanels::unpacked(const Context& context) const {
    Tensor weight = Tensor::empty(context, {columns_, depth_}, DType::BFloat16);
    BFloat16* to = weight.data<BFloat16>();
    Reader reader(context, *this, kTileBlock, depth_, false);
    for (int64_t column = 0; column < columns_; ++column) {
        const int64_t first = column / kTileBlock * kTileBlock;
        reader.open({first, std::min(columns_, first + kTileBlock)}, {0, depth_});
        const BFloat16* const panel = reader.panel(first, 0);
        for (int64_t k = 0; k < depth_; ++k) *to++ = panel[value_offset(depth_, k, column - first)];
    }
    return weight;
}

WeightPanels::Reader::Reader(const Context& context, const WeightPanels& panels, int64_t width, int64_t depth_block,
                             bool is_revisited)
    : panels_(panels),
      is_revisited_(is_revisited),
      held_depth_(rounded_up(is_revisited ? panels.depth_ : depth_block, kTileDepth)) {
    if (!panels.is_short()) return;
    memory_ = Tensor::empty(context, {rounded_up(width, kTileBlock) * held_depth_}, DType::BFloat16);
    held_ = memory_.data<BFloat16>();
}

void WeightPanels::Reader::open(Range columns, Range depth) {
    if (!panels_.is_short()) return;
    const bool is_same_group = columns_.begin == columns.begin && columns_.end == columns.end;
    if (is_same_group && first_ <= depth.begin && depth.end <= ready_) return;
    if (!is_revisited_ || !is_same_group) first_ = is_revisited_ ? 0 : depth.begin;
    columns_ = columns;
    const int64_t end = rounded_up(depth.end, kTileDepth);
    for (int64_t column = columns.begin; column < columns.end; column += kTileBlock) {
        BFloat16* const to = held_ + (column - columns.begin) * held_depth_ + (depth.begin - first_) * kTileBlock;
        panels_.expand_at(panels_.place_of(column, depth.begin), (end - depth.begin) * kTileBlock, to);
    }
    ready_ = depth.end;
}

}  // namespace kine::kernels
