#include "parallel/reshard.h"

#include "parallel/partition.h"
#include "parallel/parts.h"

namespace kine::parallel {

namespace {

/// Where this rank stands among the parts of the whole.
struct Place {
    const Shape& whole;
    int rank;
    int ranks;

    Range part(Layout layout, int of_rank) const { return partition(whole[axis_of(layout.split)], of_rank, ranks); }

    /// What rank `of_rank` holds in `layout`.
    Shape local(Layout layout, int of_rank) const {
        Shape shape = whole;
        if (layout.split != Split::None) shape.set(axis_of(layout.split), part(layout, of_rank).size());
        return shape;
    }
};

/// Rank `of_rank`'s part of x along the split axis of `layout`, contiguous.
Tensor cut(const Context& context, const Tensor& x, const Place& place, Layout layout, int of_rank) {
    const Range range = place.part(layout, of_rank);
    return packed(context, x.slice(axis_of(layout.split), range.begin, range.end));
}

Tensor gather(const Context& context, Communicator& communicator, const Tensor& x, const Place& place, Layout from) {
    std::vector<Shape> shapes;
    for (int rank = 0; rank < place.ranks; ++rank) shapes.push_back(place.local(from, rank));
    return join(context, communicator.all_gather(context, packed(context, x), shapes), axis_of(from.split));
}

struct Change {
    Layout from;
    Layout to;
};

Tensor switch_axis(const Context& context, Communicator& communicator, const Tensor& x, const Place& place,
                   Change change) {
    std::vector<Tensor> parts;
    std::vector<Shape> shapes;
    for (int rank = 0; rank < place.ranks; ++rank) {
        parts.push_back(cut(context, x, place, change.to, rank));
        Shape shape = place.local(change.from, rank);
        shape.set(axis_of(change.to.split), place.part(change.to, place.rank).size());
        shapes.push_back(shape);
    }
    return join(context, communicator.all_to_all(context, parts, shapes), axis_of(change.from.split));
}

std::string_view name_of(Layout layout) {
    switch (layout.split) {
        case Split::None:
            return "unsplit";
        case Split::Batch:
            return "split by batch";
        case Split::Frames:
            return "split by frames";
        case Split::Patches:
            return "split by patches";
        case Split::Heads:
            return "split by heads";
    }
    return "of no known layout";
}

}  // namespace

Tensor reshard(const Context& context, Communicator& communicator, const Tensor& x, const Shape& whole, Layout from,
               Layout to) {
    const int least_axes = from.split == Split::Heads || to.split == Split::Heads ? 5 : 4;
    check(whole.rank() >= least_axes, ErrorCode::Bug, "reshard: expected tokens [B, T, S, {}], came {}",
          least_axes == 5 ? "H, D" : "C", to_string(whole));
    const Place place{whole, communicator.rank(), communicator.size()};
    const Shape expected = place.local(from, place.rank);
    check(x.shape() == expected, ErrorCode::Bug, "reshard: rank {} of {} expected {} ({} of {}), came {}", place.rank,
          place.ranks, to_string(expected), name_of(from), to_string(whole), to_string(x.shape()));
    if (from == to || place.ranks == 1) return x;
    if (from.split == Split::None) return cut(context, x, place, to, place.rank);
    if (to.split == Split::None) return gather(context, communicator, x, place, from);
    return switch_axis(context, communicator, x, place, {from, to});
}

}  // namespace kine::parallel
