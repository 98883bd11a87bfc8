#include "parallel/mesh.h"

namespace kine::parallel {

MeshPlace place_of(int rank, const MeshShape& shape) {
    check(0 <= rank && rank < shape.ranks(), ErrorCode::Bug, "rank {} of a mesh of {} x {} x {}", rank, shape.requests,
          shape.branches, shape.sequence);
    return {rank / shape.sequence / shape.branches, rank / shape.sequence % shape.branches, rank % shape.sequence};
}

Mesh::Mesh(const Context& context, Communicator& world, const MeshShape& shape) : world_(world) {
    check(shape.ranks() == world.size(), ErrorCode::Usage,
          "a mesh of {} requests, {} branches and {} ranks each needs {} ranks, there are {}", shape.requests,
          shape.branches, shape.sequence, shape.ranks(), world.size());
    if (shape.sequence == world.size()) return;
    const MeshPlace place = place_of(world.rank(), shape);
    const int group = world.rank() / shape.sequence;
    sequence_ = world.split(context, group, place.sequence);
    if (shape.branches > 1) {
        branches_ = world.split(context, place.request * shape.sequence + place.sequence, place.branch);
    }
}

Traffic Mesh::traffic() const {
    Traffic sum = sequence_ ? sequence_->traffic() : world_.traffic();
    if (branches_) sum += branches_->traffic();
    return sum;
}

}  // namespace kine::parallel
