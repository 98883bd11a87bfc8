// A world of ranks seen as requests x guidance branches x sequence. Ranks of one sequence are neighbours, since they
// talk most; the branches of a request meet once a step; requests are different videos, whose ranks have nothing to say
// to one another. So processes are parted by request before any run (processes.h), threads are launched apart, and the
// mesh of a run has one request.
#pragma once

#include "parallel/communicator.h"

namespace kine::parallel {

struct MeshShape {
    int requests = 1;
    int branches = 1;
    int sequence = 1;
    int group = 0;  ///< neighbours of a sequence that form a group; 0: there are no groups

    int ranks() const { return requests * branches * sequence; }
};

/// How many neighbours form a group where nobody says: as many as divide the ranks and find a head each, but not all of
/// them, so that both kinds of exchange have their share; all where no other number divides.
int default_group(int ranks, int64_t heads);

/// Where a rank stands in a mesh.
struct MeshPlace {
    int request = 0;
    int branch = 0;
    int sequence = 0;
    bool operator==(const MeshPlace&) const = default;
};

MeshPlace place_of(int rank, const MeshShape& shape);

/// One thread at a time. The world must outlive it.
class Mesh {
  public:
    /// All ranks of the world are the sequence.
    explicit Mesh(Communicator& world) : world_(world) {}
    /// Every rank of the world calls this; ErrorCode::Usage if the shape has more or fewer ranks.
    Mesh(const Context& context, Communicator& world, const MeshShape& shape);

    Communicator& world() { return world_; }
    /// The ranks that share the tokens of this rank's branch.
    Communicator& sequence() { return sequence_ ? *sequence_ : world_; }
    /// The ranks that hold the same tokens of the request's other branches; null where each rank has all branches.
    Communicator* branches() { return branches_.get(); }
    /// Of a sequence: the neighbours that form this rank's group, and the ranks at its place in all groups. Null where
    /// there are no groups.
    Communicator* group() { return group_.get(); }
    Communicator* peers() { return peers_.get(); }
    /// What travelled within sequences and between branches.
    Traffic traffic() const;

  private:
    Communicator& world_;
    std::unique_ptr<Communicator> sequence_;  // null: the world
    std::unique_ptr<Communicator> branches_;
    std::unique_ptr<Communicator> group_, peers_;
    Traffic arranging_;  // all this
};

}  // namespace kine::parallel
