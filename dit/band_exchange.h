// The links between bands of rows (vae/band_links.h) over a communicator: band r lies on rank r.
#pragma once

#include "dit/vae/band_links.h"
#include "dit/vae/tiling.h"
#include "parallel/communicator.h"

namespace kine::dit {

/// One thread at a time. Grid and communicator must outlive it.
class BandExchange final : public BandLinks {
  public:
    /// Every rank of `world` makes one; those beyond the last band have none.
    BandExchange(const Context& context, parallel::Communicator& world, const TileGrid& bands);

    bool is_first() const override { return bands().rank() == 0; }
    bool is_last() const override { return bands().rank() + 1 == grid_.count(); }
    Tensor with_edges(const Context& context, const Tensor& x) override;
    Tensor all_rows(const Context& context, const Tensor& x) override;

    /// Beside that of the world.
    parallel::Traffic traffic() const { return part_ ? part_->traffic() : parallel::Traffic{}; }

  private:
    parallel::Communicator& bands() const { return part_ ? *part_ : world_; }

    parallel::Communicator& world_;
    const TileGrid& grid_;
    std::unique_ptr<parallel::Communicator> part_;  // null: every rank has a band
};

}  // namespace kine::dit
