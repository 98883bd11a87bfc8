#include "codecs/gif/palette.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <unordered_map>

namespace kine::codecs {
namespace {

constexpr size_t kColours = 256;
constexpr int kBits = 5;  // of each channel, for the histogram

struct Paletted {
    std::vector<uint8_t> indices;
    std::vector<uint32_t> colours;  // 0xRRGGBB
};

uint32_t packed(const uint8_t* pixel) {
    return static_cast<uint32_t>(pixel[0]) << 16 | static_cast<uint32_t>(pixel[1]) << 8 | pixel[2];
}

/// Empty colours if the picture has more than 256.
Paletted exact(const std::vector<uint8_t>& pixels) {
    Paletted result;
    std::unordered_map<uint32_t, uint8_t> index_of;
    result.indices.reserve(pixels.size() / 3);
    for (size_t at = 0; at < pixels.size(); at += 3) {
        const uint32_t colour = packed(&pixels[at]);
        const auto [found, is_new] = index_of.try_emplace(colour, static_cast<uint8_t>(index_of.size()));
        if (index_of.size() > kColours) return {};
        if (is_new) result.colours.push_back(colour);
        result.indices.push_back(found->second);
    }
    return result;
}

/// Pixels whose channels agree in their leading bits.
struct Bin {
    uint32_t key = 0;
    uint64_t count = 0;
    std::array<uint64_t, 3> sum{};
    uint64_t mean(int channel) const { return (sum[static_cast<size_t>(channel)] + count / 2) / count; }
};

uint32_t bin_of(const uint8_t* pixel) {
    constexpr int drop = 8 - kBits;
    return static_cast<uint32_t>(pixel[0] >> drop) << (2 * kBits) | static_cast<uint32_t>(pixel[1] >> drop) << kBits |
           static_cast<uint32_t>(pixel[2] >> drop);
}

std::vector<Bin> histogram(const std::vector<uint8_t>& pixels) {
    std::vector<Bin> bins(1u << (3 * kBits));
    for (size_t at = 0; at < pixels.size(); at += 3) {
        Bin& bin = bins[bin_of(&pixels[at])];
        ++bin.count;
        for (size_t channel = 0; channel < 3; ++channel) bin.sum[channel] += pixels[at + channel];
    }
    for (uint32_t key = 0; key < bins.size(); ++key) bins[key].key = key;
    std::erase_if(bins, [](const Bin& bin) { return bin.count == 0; });
    return bins;
}

/// Neighbouring bins that will share one colour.
struct Box {
    std::span<Bin> bins;
    int channel = 0;       // the widest
    uint64_t urgency = 0;  // 0: cannot be split
};

Box make_box(std::span<Bin> bins) {
    Box box{bins};
    uint64_t widest = 0;
    uint64_t pixels = 0;
    for (const Bin& bin : bins) pixels += bin.count;
    for (int channel = 0; channel < 3; ++channel) {
        const auto order = [channel](const Bin& a, const Bin& b) { return a.mean(channel) < b.mean(channel); };
        const auto [low, high] = std::minmax_element(bins.begin(), bins.end(), order);
        const uint64_t range = high->mean(channel) - low->mean(channel);
        if (range > widest) box.channel = channel;
        widest = std::max(widest, range);
    }
    box.urgency = bins.size() > 1 ? widest * widest * pixels : 0;
    return box;
}

/// Sorts the box along its widest channel and returns how many bins hold the first half of its pixels.
size_t median(const Box& box) {
    std::sort(box.bins.begin(), box.bins.end(), [&](const Bin& a, const Bin& b) {
        const auto rank = [&](const Bin& bin) { return std::pair(bin.mean(box.channel), bin.key); };
        return rank(a) < rank(b);
    });
    uint64_t pixels = 0;
    for (const Bin& bin : box.bins) pixels += bin.count;
    size_t split = 0;
    for (uint64_t seen = 0; 2 * seen < pixels && split + 1 < box.bins.size(); ++split) seen += box.bins[split].count;
    return std::max<size_t>(split, 1);
}

std::vector<Box> median_cut(std::span<Bin> bins) {
    std::vector<Box> boxes = {make_box(bins)};
    while (boxes.size() < kColours) {
        const auto next = std::max_element(boxes.begin(), boxes.end(),
                                           [](const Box& a, const Box& b) { return a.urgency < b.urgency; });
        if (next->urgency == 0) break;
        const size_t split = median(*next);
        const std::span<Bin> whole = next->bins;
        *next = make_box(whole.first(split));
        boxes.push_back(make_box(whole.subspan(split)));
    }
    return boxes;
}

uint32_t mean_colour(std::span<const Bin> bins) {
    Bin all;
    for (const Bin& bin : bins) {
        all.count += bin.count;
        for (size_t channel = 0; channel < 3; ++channel) all.sum[channel] += bin.sum[channel];
    }
    return static_cast<uint32_t>(all.mean(0) << 16 | all.mean(1) << 8 | all.mean(2));
}

Paletted quantised(const std::vector<uint8_t>& pixels) {
    std::vector<Bin> bins = histogram(pixels);
    std::vector<uint8_t> index_of(1u << (3 * kBits));
    Paletted result;
    for (const Box& box : median_cut(bins)) {
        for (const Bin& bin : box.bins) index_of[bin.key] = static_cast<uint8_t>(result.colours.size());
        result.colours.push_back(mean_colour(box.bins));
    }
    result.indices.reserve(pixels.size() / 3);
    for (size_t at = 0; at < pixels.size(); at += 3) result.indices.push_back(index_of[bin_of(&pixels[at])]);
    return result;
}

}  // namespace

FramePointer with_palette(const Frame& frame) {
    Paletted picture = exact(frame.plane(0));
    if (picture.colours.empty()) picture = quantised(frame.plane(0));
    FramePointer result = make_frame(AV_PIX_FMT_PAL8, frame.width(), frame.height());
    const auto width = static_cast<size_t>(frame.width());
    for (int y = 0; y < frame.height(); ++y)
        std::memcpy(result->data[0] + static_cast<ptrdiff_t>(y) * result->linesize[0],
                    &picture.indices[static_cast<size_t>(y) * width], width);
    auto* palette = reinterpret_cast<uint32_t*>(result->data[1]);
    for (size_t index = 0; index < kColours; ++index)
        palette[index] = 0xFF000000u | (index < picture.colours.size() ? picture.colours[index] : 0);
    return result;
}

}  // namespace kine::codecs
