// The relative positions of T5: near ones have a bucket each, far ones share buckets that widen logarithmically.
#pragma once

#include <cstdint>

namespace kine::dit {

struct RelativeBuckets {
    int64_t count = 32;          ///< half of them for keys behind the query
    int64_t max_distance = 128;  ///< from here on all share the last bucket
};

/// Bucket of a key `offset` positions behind the query (negative: in front of it).
int64_t relative_bucket(const RelativeBuckets& buckets, int64_t offset);

}  // namespace kine::dit
