#include "broadcast/cache.h"

#include <algorithm>

namespace kine::broadcast {

Tensor Cache::through(const Site& site, int step, const std::function<Tensor()>& compute) {
    const int source = plan_->source(site, step);
    if (source != step) return reuse(site, step, source);
    Tensor output = compute();
    if (plan_->last_use(site, step) > step) keep_for_later(site, step, output);
    return output;
}

Tensor Cache::reuse(const Site& site, int step, int source) {
    const auto kept = kept_.find({site, source});
    check(kept != kept_.end(), ErrorCode::Bug, "step {} of {} reuses step {}, which is not kept", step, to_string(site),
          source);
    reused_[site].push_back(step);
    Tensor output = kept->second;
    if (plan_->last_use(site, source) == step) {
        bytes_ -= output.bytes();
        kept_.erase(kept);
    }
    return output;
}

void Cache::keep_for_later(const Site& site, int step, const Tensor& output) {
    const bool is_new = kept_.emplace(std::pair(site, step), output).second;
    check(is_new, ErrorCode::Bug, "step {} of {} is computed twice", step, to_string(site));
    bytes_ += output.bytes();
    peak_bytes_ = std::max(peak_bytes_, bytes_);
}

}  // namespace kine::broadcast
