#include "dit/modules/weight_parts.h"

namespace kine::dit {

const HeadLayers& WeightParts::of_heads(const Context& context, const Linear& qkv, const Linear& out, int64_t head_size,
                                        parallel::Range heads) {
    const auto found = layers_.find(&qkv);
    if (found != layers_.end()) return found->second;
    const parallel::Range columns{heads.begin * head_size, heads.end * head_size};
    const int64_t channels = qkv.out_features() / 3;
    std::vector<parallel::Range> thirds;
    for (int64_t part = 0; part < 3; ++part)
        thirds.push_back({part * channels + columns.begin, part * channels + columns.end});
    return layers_[&qkv] = {
               qkv.part(context, {.outputs = thirds, .inputs = {{0, qkv.in_features()}}}),
               out.part(context,
                        {.outputs = {{0, out.out_features()}}, .inputs = {columns}, .has_bias = heads.begin == 0})};
}

}  // namespace kine::dit
