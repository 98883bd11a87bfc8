#include "parallel/partition.h"

#include "runtime/error.h"

#include <algorithm>

namespace kine::parallel {

Range partition(int64_t count, int rank, int ranks) {
    check(count >= 0 && 0 <= rank && rank < ranks, ErrorCode::Bug, "part {} of {} of an axis of {}", rank, ranks,
          count);
    const int64_t least = count / ranks;
    const int64_t longer = count % ranks;  // that many ranks hold one more
    const int64_t begin = least * rank + std::min<int64_t>(rank, longer);
    return {begin, begin + least + (rank < longer ? 1 : 0)};
}

Range group_part(int64_t count, int group, int groups, int ranks) {
    check(groups > 0 && ranks % groups == 0, ErrorCode::Bug, "{} ranks in {} groups", ranks, groups);
    const int size = ranks / groups;
    return {partition(count, group * size, ranks).begin, partition(count, group * size + size - 1, ranks).end};
}

}  // namespace kine::parallel
