#include "parallel/mesh.h"

namespace kine::parallel {

MeshPlace place_of(int rank, const MeshShape& shape) {
    check(0 <= rank && rank < shape.ranks(), ErrorCode::Bug, "rank {} of a mesh of {} x {} x {}", rank, shape.requests,
          shape.branches, shape.sequence);
    return {rank / shape.sequence / shape.branches, rank / shape.sequence % shape.branches, rank % shape.sequence};
}

int default_group(int ranks, int64_t heads) {
    for (int size = ranks / 2; size > 1; --size) {
        if (ranks % size == 0 && size <= heads) return size;
    }
    return ranks;
}

Mesh::Mesh(const Context& context, Communicator& world, const MeshShape& shape) : world_(world) {
    check(shape.ranks() == world.size(), ErrorCode::Usage,
          "a mesh of {} requests, {} branches and {} ranks each needs {} ranks, there are {}", shape.requests,
          shape.branches, shape.sequence, shape.ranks(), world.size());
    check(shape.group == 0 || (shape.group > 0 && shape.sequence % shape.group == 0), ErrorCode::Usage,
          "{} ranks do not make groups of {}", shape.sequence, shape.group);
    const MeshPlace place = place_of(world.rank(), shape);
    if (shape.sequence < world.size()) sequence_ = world.split(context, world.rank() / shape.sequence, place.sequence);
    if (shape.branches > 1) {
        branches_ = world.split(context, place.request * shape.sequence + place.sequence, place.branch);
    }
    if (shape.group > 0) {
        group_ = sequence().split(context, place.sequence / shape.group, place.sequence % shape.group);
        peers_ = sequence().split(context, place.sequence % shape.group, place.sequence / shape.group);
    }
    arranging_ = traffic();
}

Traffic Mesh::traffic() const {
    Traffic sum = sequence_ ? sequence_->traffic() : world_.traffic();
    for (const auto* part : {&branches_, &group_, &peers_}) {
        if (*part) sum += (*part)->traffic();
    }
    sum -= arranging_;
    return sum;
}

}  // namespace kine::parallel
