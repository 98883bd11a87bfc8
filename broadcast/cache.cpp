#include "broadcast/cache.h"

#include "runtime/even_share.h"

#include <algorithm>

namespace kine::broadcast {

/// What may stay on the device is shared out along the forward pass: so copies have work between them to hide behind.
Cache::Cache(const Plan& plan, const Context& context, double host_share) : plan_(&plan) {
    if (host_share <= 0) return;
    int64_t all = 0;
    for (const SiteCost& cost : plan.sites()) all += plan.is_kept(cost.site) ? cost.bytes : 0;
    EvenShare on_device((1 - host_share) * static_cast<double>(plan.peak_bytes()) / static_cast<double>(all));
    for (const SiteCost& cost : plan.sites())
        if (plan.is_kept(cost.site) && !on_device.takes(cost.bytes)) shelved_.insert(cost.site);
    if (!shelved_.empty()) shelf_ = std::make_unique<HostShelf>(context);
}

Cache::Cache(const Plan& plan, KeptPlaces& places) : plan_(&plan), places_(&places) {
    for (const SiteCost& cost : plan.sites())
        if (plan.is_kept(cost.site)) placed_.insert(cost.site);
}

Cache Cache::fork() const {
    check(!shelf_, ErrorCode::Bug, "a cache with outputs in host memory cannot be forked");
    Cache other(*plan_);
    other.places_ = places_;
    other.placed_ = placed_;
    other.kept_ = kept_;
    other.reused_ = reused_;
    other.bytes_ = bytes_;
    other.peak_bytes_ = peak_bytes_;
    return other;
}

Tensor Cache::through(const Site& site, int step, const std::function<Tensor()>& compute) {
    const int source = plan_->source(site, step);
    if (source != step) return reuse(site, step, source);
    Tensor output = placed_.contains(site) ? places_->keep(site, compute()) : compute();
    if (plan_->last_use(site, step) > step) keep_for_later(site, step, output);
    return output;
}

Tensor Cache::reuse(const Site& site, int step, int source) {
    const auto kept = kept_.find({site, source});
    check(kept != kept_.end(), ErrorCode::Bug, "step {} of {} reuses step {}, which is not kept", step, to_string(site),
          source);
    reused_[site].push_back(step);
    const bool is_shelved = shelved_.contains(site);
    Tensor output = is_shelved ? shelf_->take(site) : kept->second;
    if (plan_->last_use(site, source) == step) {
        bytes_ -= output.bytes();
        kept_.erase(kept);
    }
    if (is_shelved) expect_next(site, step);
    return output;
}

/// The next that this step reuses, or the first of the next step.
void Cache::expect_next(const Site& site, int step) {
    const std::vector<SiteCost>& sites = plan_->sites();
    const auto waits = [&](const Site& other, int at) {
        return shelved_.contains(other) && plan_->reuses(other, at) &&
               kept_.contains({other, plan_->source(other, at)});
    };
    auto next = std::ranges::find(sites, site, &SiteCost::site);
    while (next != sites.end() && ++next != sites.end())
        if (waits(next->site, step)) return shelf_->expect(next->site);
    if (++step == plan_->steps()) return;
    for (const SiteCost& cost : sites)
        if (waits(cost.site, step)) return shelf_->expect(cost.site);
}

void Cache::keep_for_later(const Site& site, int step, const Tensor& output) {
    const bool is_shelved = shelved_.contains(site);
    const Tensor held = is_shelved ? Tensor::imagined(output.shape(), output.dtype()) : output;
    const bool is_new = kept_.emplace(std::pair(site, step), held).second;
    check(is_new, ErrorCode::Bug, "step {} of {} is computed twice", step, to_string(site));
    if (is_shelved) shelf_->put(site, output);
    bytes_ += output.bytes();
    peak_bytes_ = std::max(peak_bytes_, bytes_);
}

}  // namespace kine::broadcast
