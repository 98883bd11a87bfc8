#include "parallel/processes.h"

#include "parallel/communicators/mpi.h"
#include "parallel/mesh.h"

#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <thread>
#include <utility>

namespace kine::parallel {

namespace {

constexpr int kNewsTag = 1;
constexpr auto kMomentForOthers = std::chrono::seconds(2);
constexpr auto kPause = std::chrono::milliseconds(2);
constexpr double kPatienceSeconds = 300;  // with processes that still load their model

/// Process numbers mean the same to two processes that have this in common.
int64_t this_machine() {
    std::string boot;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
    std::error_code ignored;
    const std::string space = std::filesystem::read_symlink("/proc/self/ns/pid", ignored).string();
    return static_cast<int64_t>(std::hash<std::string>()(boot + space));
}

/// A process that ended may stay in the table for a while, as Z, until whoever started it takes note.
bool is_running(int64_t process) {
    std::string line;
    if (!std::getline(std::ifstream(fmt::format("/proc/{}/stat", process)), line)) return false;
    const size_t name_end = line.rfind(") ");
    return name_end == std::string::npos || (line[name_end + 2] != 'Z' && line[name_end + 2] != 'X');
}

std::vector<int> ranks_up_to(int size) {
    std::vector<int> ranks(static_cast<size_t>(size));
    std::iota(ranks.begin(), ranks.end(), 0);
    return ranks;
}

/// Groups that some see otherwise would wait for members that speak to others.
void check_same_groups(const Context& context, Communicator& world, int groups) {
    world.set_timeout(kPatienceSeconds);
    world.set_place("the beginning");
    const int64_t own = groups;
    const std::vector<Shape> shapes(static_cast<size_t>(world.size()), Shape{1});
    const std::vector<Tensor> all =
        world.all_gather(context.host(), Tensor::of<int64_t>(context.host(), {1}, {&own, 1}), shapes);
    for (size_t rank = 1; rank < all.size(); ++rank) {
        const int64_t first = all[0].data<int64_t>()[0], other = all[rank].data<int64_t>()[0];
        check(other == first, ErrorCode::Usage, "rank {} was started with request_parallel {}, rank 0 with {}", rank,
              other, first);
    }
}

}  // namespace

std::unique_ptr<Processes> Processes::join() {
    if (!has_mpi_launcher()) return nullptr;
    return std::unique_ptr<Processes>(new Processes(open_mpi_library()));
}

Processes::Processes(const MpiLibrary& library) : library_(library) {
    check(library_.join(&joined_, &rank_, &size_) == 0, ErrorCode::Rank, "MPI cannot be initialised");
    goodbyes_.resize(static_cast<size_t>(size_));
    members_ = ranks_up_to(size_);
    exchange_whereabouts();
}

Processes::~Processes() = default;

void Processes::exchange_whereabouts() {
    whereabouts_.resize(static_cast<size_t>(size_));
    Whereabouts& own = whereabouts_[static_cast<size_t>(rank_)];
    own = {this_machine(), ::getpid()};
    std::vector<void*> messages;
    for (int peer = 0; peer < size_; ++peer) {
        if (peer == rank_) continue;
        Whereabouts& theirs = whereabouts_[static_cast<size_t>(peer)];
        messages.push_back(library_.receive(joined_, MpiChannel::Tokens, &theirs, sizeof(theirs), peer, 0));
        messages.push_back(library_.send(joined_, MpiChannel::Tokens, &own, sizeof(own), peer, 0));
    }
    for (void* message : messages) {
        check(message != nullptr, ErrorCode::Rank, "MPI cannot send to the other ranks");
        int count = 0, state = 0;
        while ((state = library_.test(message, &count)) == 0) std::this_thread::sleep_for(kPause);
        check(state > 0, ErrorCode::Rank, "MPI cannot reach the other ranks");
    }
}

void Processes::part(const Context& context, int groups) {
    check(groups >= 1 && size_ % groups == 0, ErrorCode::Usage,
          "request_parallel {}: expected a divisor of the {} ranks", groups, size_);
    check_same_groups(context, *world(), groups);
    const MeshShape shape{.requests = groups, .sequence = size_ / groups};
    group_ = place_of(rank_, shape).request;
    members_ = ranks_up_to(size_);
    std::erase_if(members_, [&](int rank) { return place_of(rank, shape).request != group_; });
}

int Processes::group_rank() const { return static_cast<int>(std::ranges::find(members_, rank_) - members_.begin()); }

std::unique_ptr<Communicator> Processes::communicator() {
    return std::make_unique<Communicator>(make_mpi_transport(*this, members_));
}

std::unique_ptr<Communicator> Processes::world() {
    return std::make_unique<Communicator>(make_mpi_transport(*this, ranks_up_to(size_)));
}

bool Processes::is_gone(int rank) const {
    const Whereabouts& own = whereabouts_[static_cast<size_t>(rank_)];
    const Whereabouts& theirs = whereabouts_[static_cast<size_t>(rank)];
    if (rank == rank_ || own.machine != theirs.machine) return false;
    return !is_running(theirs.process);
}

/// A goodbye is its status as text, a space, and the reason.
void Processes::read_news() {
    int peer = 0, count = 0;
    while (library_.probe(joined_, MpiChannel::News, &peer, &count) == 1) {
        std::string text(static_cast<size_t>(count), ' ');
        void* message = library_.receive(joined_, MpiChannel::News, text.data(), count, peer, kNewsTag);
        while (message != nullptr && library_.test(message, &count) == 0) std::this_thread::sleep_for(kPause);
        const size_t space = std::min(text.find(' '), text.size() - 1);
        goodbyes_[static_cast<size_t>(peer)] = Goodbye{std::atoi(text.c_str()), text.substr(space + 1)};
    }
}

int Processes::find_failed() const {
    for (int rank = 0; rank < size_; ++rank) {
        const auto& goodbye = goodbyes_[static_cast<size_t>(rank)];
        if (goodbye ? goodbye->status != 0 : is_gone(rank)) return rank;
    }
    return -1;
}

int Processes::find_present() const {
    for (int rank = 0; rank < size_; ++rank) {
        if (rank != rank_ && !goodbyes_[static_cast<size_t>(rank)] && !is_gone(rank)) return rank;
    }
    return -1;
}

Processes::Goodbye Processes::failure_of(int rank) const {
    const auto index = static_cast<size_t>(rank);
    if (goodbyes_[index])
        return {goodbyes_[index]->status, fmt::format("rank {} failed: {}", rank, goodbyes_[index]->reason)};
    return {static_cast<int>(ErrorCode::Rank),
            fmt::format("rank {} is gone (process {})", rank, whereabouts_[index].process)};
}

void Processes::check_others(const Call& call) {
    read_news();
    if (find_failed() < 0) return;
    read_news();  // the last words of one that is gone by now
    const Goodbye failure = failure_of(find_failed());
    const std::string place = call.place.empty() ? "" : fmt::format(" in {}", call.place);
    throw Error(static_cast<ErrorCode>(failure.status),
                fmt::format("{}, {} of rank {}{} goes unanswered", failure.reason, call.operation, rank_, place));
}

bool Processes::has_left(int rank) {
    read_news();
    return goodbyes_[static_cast<size_t>(rank)].has_value();
}

void Processes::tell(int status, const std::string& reason) noexcept {
    if (std::exchange(has_told_, true)) return;
    try {
        said_ = fmt::format("{} {}", status, reason);
    } catch (...) {
        return;  // without memory there are no last words: the others will find this process gone
    }
    for (int peer = 0; peer < size_; ++peer) {
        if (peer == rank_) continue;
        library_.send(joined_, MpiChannel::News, said_.data(), static_cast<int>(said_.size()), peer, kNewsTag);
    }
}

/// False if one does not come although there is a failure, which nobody should wait on.
bool Processes::wait_for_goodbyes(int status) {
    std::optional<std::chrono::steady_clock::time_point> limit;
    while (find_present() >= 0) {
        const auto now = std::chrono::steady_clock::now();
        if (!limit && (status != 0 || find_failed() >= 0)) limit = now + kMomentForOthers;
        if (limit && now > *limit) return false;
        std::this_thread::sleep_for(kPause);
        read_news();
    }
    read_news();
    return true;
}

int Processes::leave(int status, std::string& reason) {
    tell(status, reason);
    const bool are_complete = wait_for_goodbyes(status);
    const int failed = find_failed();
    if (status == 0 && failed >= 0) {
        const Goodbye failure = failure_of(failed);
        status = failure.status;
        reason = failure.reason;
    }
    if (status == 0 && are_complete) library_.leave(joined_);
    return status;
}

void Processes::end_others(int status) {
    if (find_present() >= 0) library_.abort(joined_, status);
}

int place_on_machine() {
    for (const char* name : {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"}) {
        const char* text = std::getenv(name);
        if (text != nullptr && has_mpi_launcher()) return std::max(std::atoi(text), 0);
    }
    return 0;
}

}  // namespace kine::parallel
