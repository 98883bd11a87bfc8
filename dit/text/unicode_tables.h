// The case properties of Unicode 14 that lowering a text needs, as sorted ranges. Made with Python 3.11: lower_ranges
// from chr(c).lower(), the other two from where "A" + chr(c) + "Σ" and chr(c) + "Σ" end in the final sigma.
#pragma once

#include <cstdint>
#include <span>

namespace kine::dit {

struct CodeRange {
    char32_t first;
    char32_t last;  ///< inclusive
};

/// Every `stride`-th code point from first to last becomes itself plus `delta`.
struct LowerRange {
    char32_t first;
    char32_t last;
    uint32_t stride;
    int32_t delta;
};

std::span<const LowerRange> lower_ranges();
std::span<const CodeRange> cased_ranges();           ///< letters with case, without the case-ignorable ones
std::span<const CodeRange> case_ignorable_ranges();  ///< marks and punctuation that stand inside words

}  // namespace kine::dit
