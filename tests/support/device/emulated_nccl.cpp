// What NCCL does, between threads and in host memory: the table of parallel/nccl/library.h for tests of dispatch, whose
// emulated GPUs the real one cannot reach. Parcels go from queue to queue, each pair's in order.
#include "parallel/nccl/library.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace kine::parallel {

namespace {

std::mutex mutex;  // of everything here

struct Letter {
    const void* memory;
    int64_t bytes;
    bool is_taken = false;
};

struct Group {
    std::map<std::pair<int, int>, std::deque<std::shared_ptr<Letter>>> letters;  // by sender and receiver
    bool is_aborted = false;
};

struct Member;

/// Those who called split() for the n-th time.
struct Split {
    struct Entry {
        int color, key, rank;
        Member* member;
    };
    std::vector<Entry> entries;
};

struct Room {
    std::shared_ptr<Group> group = std::make_shared<Group>();
    std::map<int, Split> splits;
};

struct Member {
    std::shared_ptr<Room> room;  // null until the split is complete
    int rank = 0;
    int size = 1;
    int splits = 0;
};

struct Exchange {
    Member* member;
    std::vector<NcclParcel> received;
    std::vector<std::shared_ptr<Letter>> sent;
};

std::map<std::string, std::weak_ptr<Room>> rooms;

Member& of(void* joined) { return *static_cast<Member*>(joined); }

int count_devices(int* count) {
    *count = 8;
    return 1;
}

int make_id(NcclId* id) {
    static int made = 0;
    const std::lock_guard lock(mutex);
    std::memset(id->bytes, 0, sizeof id->bytes);
    std::memcpy(id->bytes, &++made, sizeof made);
    return 1;
}

void* join(const NcclId* id, int rank, int size, int) {
    const std::lock_guard lock(mutex);
    std::weak_ptr<Room>& known = rooms[std::string(id->bytes, sizeof id->bytes)];
    std::shared_ptr<Room> room = known.lock();
    if (!room) known = room = std::make_shared<Room>();
    return new Member{room, rank, size};
}

/// Gives all members of a split that is complete their rooms.
void part(Split& split) {
    std::ranges::sort(split.entries, {}, [](const Split::Entry& e) { return std::tuple(e.color, e.key, e.rank); });
    for (size_t begin = 0; begin < split.entries.size();) {
        const auto is_other = [&](const Split::Entry& e) { return e.color != split.entries[begin].color; };
        const auto first = split.entries.begin() + static_cast<int64_t>(begin);
        const auto end = std::find_if(first, split.entries.end(), is_other);
        const auto room = std::make_shared<Room>();
        for (auto entry = first; entry != end; ++entry) {
            entry->member->rank = static_cast<int>(entry - first);
            entry->member->size = static_cast<int>(end - first);
            entry->member->room = room;
        }
        begin = static_cast<size_t>(end - split.entries.begin());
    }
}

void* split(void* joined, int color, int key) {
    const std::lock_guard lock(mutex);
    Member& own = of(joined);
    auto* const member = new Member;
    Split& all = own.room->splits[own.splits++];
    all.entries.push_back({color, key, own.rank, member});
    if (static_cast<int>(all.entries.size()) == own.size) part(all);
    return member;
}

int poll(void* joined) {
    const std::lock_guard lock(mutex);
    return of(joined).room ? 1 : 0;
}

void* begin(void* joined, const NcclParcel* parcels, int count, void*) {
    const std::lock_guard lock(mutex);
    Member& own = of(joined);
    auto exchange = std::make_unique<Exchange>(Exchange{&own, {}, {}});
    for (int i = 0; i < count; ++i) {
        const NcclParcel& parcel = parcels[i];
        if (!parcel.is_sent) {
            exchange->received.push_back(parcel);
            continue;
        }
        exchange->sent.push_back(std::make_shared<Letter>(Letter{parcel.memory, parcel.bytes}));
        own.room->group->letters[{own.rank, parcel.peer}].push_back(exchange->sent.back());
    }
    return exchange.release();
}

/// What was sent lies still until it is taken.
int test(void* pointer) {
    const std::lock_guard lock(mutex);
    auto& exchange = *static_cast<Exchange*>(pointer);
    Group& group = *exchange.member->room->group;
    if (group.is_aborted) return -1;
    std::erase_if(exchange.received, [&](const NcclParcel& parcel) {
        auto& letters = group.letters[{parcel.peer, exchange.member->rank}];
        if (letters.empty() || letters.front()->bytes != parcel.bytes) return false;
        if (parcel.bytes > 0) std::memcpy(parcel.memory, letters.front()->memory, static_cast<size_t>(parcel.bytes));
        letters.front()->is_taken = true;
        letters.pop_front();
        return true;
    });
    const bool are_taken = std::ranges::all_of(exchange.sent, [](const auto& letter) { return letter->is_taken; });
    return exchange.received.empty() && are_taken ? 1 : 0;
}

void drop(void* exchange) { delete static_cast<Exchange*>(exchange); }

void abort(void* joined) {
    const std::lock_guard lock(mutex);
    if (of(joined).room) of(joined).room->group->is_aborted = true;
}

void leave(void* joined) { delete &of(joined); }

const char* last_error() { return "a peer has aborted"; }

}  // namespace

const NcclLibrary& open_nccl_library() {
    static const NcclLibrary library = {count_devices, make_id, join,  split, poll,      begin,
                                        test,          drop,    abort, leave, last_error};
    return library;
}

}  // namespace kine::parallel
