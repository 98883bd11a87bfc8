// What a plan holds at its fullest moment, and which sites give way when that is over the budget. Only sites that hold
// something at that moment are asked, since another's demotion would lose work and free nothing then; of these the one
// that loses the fewest multiply-adds per byte, the first in forward order among equals.
#include "broadcast/plan.h"

#include <algorithm>
#include <numeric>

namespace kine::broadcast {

namespace {

/// What each site holds while the run is replayed in forward order.
class Ledger {
  public:
    explicit Ledger(size_t sites) : held_(sites) {}

    void keep(size_t index, int64_t bytes) { change(index, bytes); }
    void free(size_t index, int64_t bytes) { change(index, -bytes); }
    int64_t total() const { return total_; }

    std::vector<size_t> holders() const {
        std::vector<size_t> indices;
        for (size_t index = 0; index < held_.size(); ++index) {
            if (held_[index] > 0) indices.push_back(index);
        }
        return indices;
    }

  private:
    void change(size_t index, int64_t bytes) {
        held_[index] += bytes;
        total_ += bytes;
    }

    std::vector<int64_t> held_;
    int64_t total_ = 0;
};

}  // namespace

Plan::Peak Plan::find_peak() const {
    std::vector<const Row*> rows;
    for (const SiteCost& cost : sites_) rows.push_back(&rows_.at(cost.site));
    Ledger ledger(sites_.size());
    Peak peak;
    for (int step = 0; step < steps(); ++step) {
        for (size_t index = 0; index < rows.size(); ++index) {
            const int source = rows[index]->source[static_cast<size_t>(step)];
            const int64_t bytes = sites_[index].bytes;
            if (source == step && rows[index]->is_kept(step)) ledger.keep(index, bytes);
            if (ledger.total() > peak.bytes) peak = {ledger.total(), ledger.holders()};
            const bool is_last = rows[index]->last_use[static_cast<size_t>(source)] == step;
            if (source != step && is_last) ledger.free(index, bytes);
        }
    }
    return peak;
}

/// Multiply-adds that reuse saves over the run, for each byte of one kept output.
double Plan::loss_per_byte(size_t index) const {
    const SiteCost& cost = sites_[index];
    return cost.multiply_adds * rows_.at(cost.site).reuses() / static_cast<double>(cost.bytes);
}

size_t Plan::cheapest(const std::vector<size_t>& holders) const {
    return *std::min_element(holders.begin(), holders.end(),
                             [this](size_t a, size_t b) { return loss_per_byte(a) < loss_per_byte(b); });
}

void Plan::demote(size_t index) {
    const Site& site = sites_[index].site;
    std::vector<int> own(static_cast<size_t>(steps()));
    std::iota(own.begin(), own.end(), 0);
    rows_.at(site) = Row(std::move(own));
    demoted_.push_back(site);
}

}  // namespace kine::broadcast
