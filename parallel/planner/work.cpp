#include "parallel/planner/work.h"

namespace kine::parallel {

Work one_branch(const Work& both) {
    Work work = both;
    work.tokens.set(0, both.tokens[0] / 2);
    for (AttentionWork* attention : {&work.spatial, &work.temporal, &work.joint}) {
        attention->linear_macs /= 2;
        attention->attention_macs /= 2;
    }
    work.other_macs /= 2;
    work.activation_bytes /= 2;
    work.cache_bytes /= 2;
    return work;
}

int64_t output_bytes(const Work& work) {
    const Shape& tokens = work.tokens;
    return tokens[0] * tokens[1] * tokens[2] * work.output_channels * work.element_bytes;
}

}  // namespace kine::parallel
