// Ranks that are processes, started together by mpirun or srun. Which of them failed, and why, travels as news beside
// the tokens, so that none waits for one that is gone: each says goodbye, with the exit code it leaves with. They may
// be parted into groups that make different videos; news goes to all of them all the same.
#pragma once

#include "parallel/communicator.h"
#include "parallel/mpi/library.h"

#include <optional>
#include <string>
#include <vector>

namespace kine::parallel {

/// One thread at a time. Outlives its communicators.
class Processes {
  public:
    /// This process and those that the launcher started with it; null where none did. ErrorCode::Unsupported if they
    /// have no way to speak to one another.
    static std::unique_ptr<Processes> join();
    ~Processes();

    /// Among all of them.
    int rank() const { return rank_; }
    int size() const { return size_; }
    /// Parts them into the request axis of a mesh: `groups` of neighbours. All of them call this, before they run
    /// anything. ErrorCode::Usage if that does not divide them, or if they do not agree.
    void part(const Context& context, int groups);
    /// Which of the groups this process belongs to, and where it stands in that one; all are one group until parted.
    int group() const { return group_; }
    int group_rank() const;
    int group_size() const { return static_cast<int>(members_.size()); }
    /// Between those of the group; every process of it makes the same ones in the same order.
    std::unique_ptr<Communicator> communicator();
    /// Between all of them, likewise.
    std::unique_ptr<Communicator> world();

    /// The last thing but one that a process does: tells the others how it ended and waits until they have ended,
    /// whatever time they take if all goes well, a moment otherwise. Returns the exit status: `status`, or what another
    /// failed with, whose reason is then in `reason`.
    int leave(int status, std::string& reason);
    /// The last thing, where leave() has failed: ends all ranks if one of them is still there. Then it does not return.
    void end_others(int status);

    // For the transport.

    /// Throws what another rank failed with, or ErrorCode::Rank for one that is gone without a word.
    void check_others(const Call& call);
    /// Whether `rank` has ended well, and so will not answer.
    bool has_left(int rank);
    /// Tells the others of this rank's end, once.
    void tell(int status, const std::string& reason) noexcept;
    const MpiLibrary& library() const { return library_; }
    void* joined() const { return joined_; }

  private:
    struct Goodbye {
        int status = 0;
        std::string reason;
    };
    struct Whereabouts {  // of a process: travels as it is
        int64_t machine = 0;
        int64_t process = 0;
    };

    explicit Processes(const MpiLibrary& library);
    void exchange_whereabouts();
    void read_news();
    bool is_gone(int rank) const;
    /// A rank that failed or is gone, said goodbye before or not; -1: none.
    int find_failed() const;
    /// A rank that may still say goodbye; -1: none.
    int find_present() const;
    Goodbye failure_of(int rank) const;
    bool wait_for_goodbyes(int status);

    const MpiLibrary& library_;
    void* joined_ = nullptr;
    int rank_ = 0;
    int size_ = 1;
    int group_ = 0;
    std::vector<int> members_;                      // of the group, by rank among all
    std::vector<std::optional<Goodbye>> goodbyes_;  // by rank
    std::vector<Whereabouts> whereabouts_;
    std::string said_;  // may still be on its way
    bool has_told_ = false;
};

/// Which of those that a launcher started on this machine this process is, as the launcher's variables say; 0: the
/// first, or no launcher.
int place_on_machine();

}  // namespace kine::parallel
