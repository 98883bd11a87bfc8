#include "dit/text/t5_buckets.h"

#include <algorithm>
#include <cmath>

namespace kine::dit {

// In float32 like the reference: in double some distances would fall to the other side of a bucket's edge.
int64_t relative_bucket(const RelativeBuckets& buckets, int64_t offset) {
    const int64_t half = buckets.count / 2;
    const int64_t side = offset > 0 ? half : 0;
    const int64_t distance = std::abs(offset);
    const int64_t exact = half / 2;
    if (distance < exact) return side + distance;
    const float octaves = std::log(static_cast<float>(distance) / static_cast<float>(exact));
    const auto range =
        static_cast<float>(std::log(static_cast<double>(buckets.max_distance) / static_cast<double>(exact)));
    const auto wide = static_cast<int64_t>(octaves / range * static_cast<float>(half - exact));
    return side + std::min(exact + wide, half - 1);
}

}  // namespace kine::dit
