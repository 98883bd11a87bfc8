#include "dit/band_exchange.h"

#include "kernels/move/move.h"

namespace kine::dit {

BandExchange::BandExchange(const Context& context, parallel::Communicator& world, const TileGrid& bands)
    : world_(world), grid_(bands) {
    if (bands.count() == world.size()) return;
    part_ = world.split(context, world.rank() < bands.count() ? 0 : 1, world.rank());
}

Tensor BandExchange::with_edges(const Context& context, const Tensor& x) {
    const int rank = bands().rank();
    const Shape edge = {x.dim(0), 1, x.dim(2), x.dim(3)};
    std::vector<parallel::Parcel> sent;
    std::vector<parallel::Awaited> awaited;
    const auto trade = [&](int peer, int64_t row) {
        sent.push_back({peer, kernels::contiguous(context, x.slice(1, row, row + 1))});
        awaited.push_back({peer, edge, x.dtype()});
    };
    if (!is_first()) trade(rank - 1, 0);
    if (!is_last()) trade(rank + 1, x.dim(1) - 1);
    const std::vector<Tensor> edges = bands().send_receive(context, sent, awaited);
    std::vector<Tensor> rows;
    if (!is_first()) rows.push_back(edges.front());
    rows.push_back(x);
    if (!is_last()) rows.push_back(edges.back());
    return kernels::concat(context, rows, 1);
}

/// Bands differ in height as their latents do, at every level of the network.
Tensor BandExchange::all_rows(const Context& context, const Tensor& x) {
    const auto height_of = [&](int band) { return grid_.tile_shape(band, 1)[1]; };
    std::vector<Shape> shapes;
    for (int band = 0; band < bands().size(); ++band) {
        shapes.push_back({x.dim(0), x.dim(1) * height_of(band) / height_of(bands().rank()), x.dim(2), x.dim(3)});
    }
    return kernels::concat(context, bands().all_gather(context, x, shapes), 1);
}

}  // namespace kine::dit
