#include "runtime/weight_offload.h"

#include "runtime/device/cuda/commands.h"
#include "runtime/tensor/transfer.h"

#include <algorithm>
#include <cstring>

namespace kine {

namespace {

constexpr int64_t kNobody = -1;

}  // namespace

struct OffloadedWeight::Kept {
    Kept(std::shared_ptr<WeightOffload> offload_, const Tensor& weight, bool moves)
        : offload(std::move(offload_)),
          like(Tensor::imagined(weight.shape(), weight.dtype())),
          waiting(moves ? weight.bytes() : 0) {
        if (moves) std::memcpy(waiting.bytes().data(), weight.raw(), waiting.bytes().size());
    }
    ~Kept() { offload->forget(number); }
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;

    bool moves() const { return !waiting.bytes().empty(); }

    std::shared_ptr<WeightOffload> offload;
    int64_t number = -1;  // once it is known there
    Tensor like;          // imagined
    Tensor stays;         // on the device; empty where it moves
    PinnedBuffer waiting;
};

const std::shared_ptr<WeightOffload>& OffloadedWeight::offload() const { return kept_->offload; }

Tensor OffloadedWeight::on_device(const Context& context) const {
    if (kept_->moves()) return kept_->offload->lend(context, kept_->number);
    return kept_->stays ? kept_->stays : kept_->like;
}

Tensor OffloadedWeight::on_host(const Context& context) const {
    if (!kept_->moves()) return to_host(context, kept_->stays ? kept_->stays : kept_->like);
    const auto waiting = kept_->waiting.bytes();
    return Tensor::over(Storage::borrow(waiting.data(), static_cast<int64_t>(waiting.size()), kept_), 0,
                        kept_->like.shape(), kept_->like.dtype());
}

WeightOffload::Arrival::Arrival(const Context& context, int64_t number_, const OffloadedWeight::Kept& kept)
    : number(number_), weight(Tensor::empty(context, kept.like.shape(), kept.like.dtype())), copy(context.device) {}

WeightOffload::WeightOffload(const Context& context, double resident_share)
    : device_(context.device), work_(context.stream), share_(resident_share) {}

WeightOffload::~WeightOffload() = default;

OffloadedWeight WeightOffload::keep(const Context& context, const Tensor& weight) {
    const bool is_staying = count(weight.bytes()), moves = !is_staying && !weight.is_imagined();
    if (moves) check_host_has_room(context.host().allocator, weight.bytes(), "weights", "raise --max-ram");
    auto kept = std::make_shared<OffloadedWeight::Kept>(shared_from_this(), weight, moves);
    if (is_staying) kept->stays = to_device(context, weight);
    enlist(*kept);
    return OffloadedWeight(kept);
}

/// Whether it stays. What moves has work between it to hide its copies behind.
bool WeightOffload::count(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    const bool stays = share_.takes(bytes);
    if (!stays) largest_ = std::max(largest_, bytes);
    return stays;
}

void WeightOffload::enlist(OffloadedWeight::Kept& kept) {
    const std::lock_guard lock(mutex_);
    kept.number = next_number_++;
    all_.push_back(kept.number);
    kept_[kept.number] = &kept;
}

void WeightOffload::begin(const Context& context, Pass pass) {
    const std::lock_guard lock(mutex_);
    if (share_.leaving() == 0 || (pass_ && pass_->index == pass.index && pass_->kind == pass.kind)) return;
    if (pass_ && !seen_.empty()) learnt_[pass_->kind] = seen_;
    const auto known = learnt_.find(pass.kind);
    expected_ = known == learnt_.end() ? Order() : known->second;
    pass_ = pass;
    seen_.clear();
    place_ = 0;
    use_device(device_);
    const Order wanted = upcoming(kNobody);
    drop_all_but(wanted);
    look_ahead(context, wanted);
}

void WeightOffload::finish() {
    const std::lock_guard lock(mutex_);
    pass_.reset();
    seen_.clear();
    expected_.clear();
    place_ = 0;
}

Tensor WeightOffload::lend(const Context& context, int64_t number) {
    const std::lock_guard lock(mutex_);
    note(number);
    Order wanted = upcoming(number);
    wanted.insert(wanted.begin(), number);
    drop_all_but(wanted);
    const auto found = std::ranges::find(arrivals_, number, &Arrival::number);
    Arrival& arrival = found == arrivals_.end() ? fetch(context, number) : *found;
    if (!arrival.is_awaited) arrival.copy.await(work_);
    arrival.is_awaited = true;
    look_ahead(context, wanted);
    return arrival.weight;
}

/// The memory is there in the order of the queue of work, and may be written once that queue has come so far.
WeightOffload::Arrival& WeightOffload::fetch(const Context& context, int64_t number) {
    const OffloadedWeight::Kept& kept = *kept_.at(number);
    CudaStream& copying = copy_queue();
    Arrivals made;  // known to others once its copy is under way
    Arrival& arrival = made.emplace_back(context, number, kept);
    const auto waiting = kept.waiting.bytes();
    arrival.copy.start(copying.get(), work_, {arrival.weight.address(), waiting.data(), arrival.weight.bytes()});
    arrivals_.splice(arrivals_.end(), made);
    ++copies_;
    return arrival;
}

CudaStream& WeightOffload::copy_queue() {
    if (!copy_queue_) copy_queue_.emplace(device_);
    return *copy_queue_;
}

/// Copies have no claim to memory: where there is none left, the layer itself will ask for it.
void WeightOffload::look_ahead(const Context& context, const Order& wanted) {
    for (const int64_t number : wanted) {
        if (std::ranges::find(arrivals_, number, &Arrival::number) != arrivals_.end()) continue;
        const Allocator& memory = context.allocator;
        const int64_t bytes = kept_.at(number)->like.bytes();
        if (memory.budget() > 0 && memory.bytes_in_use() + bytes > memory.budget()) return;
        try {
            fetch(context, number);
        } catch (const Error& error) {  // somebody else was faster, or what is free lies in pieces
            if (error.code() == ErrorCode::DoesNotFit) return;
            throw;
        }
    }
}

/// What goes unused is given back once its copy is done: its memory belongs to the queue of work.
void WeightOffload::drop_all_but(const Order& wanted) {
    std::erase_if(arrivals_, [&](Arrival& arrival) {
        if (std::ranges::find(wanted, arrival.number) != wanted.end()) return false;
        if (!arrival.is_awaited) arrival.copy.await(work_);
        return true;
    });
}

void WeightOffload::note(int64_t number) {
    if (pass_ && (seen_.empty() || seen_.back() != number)) seen_.push_back(number);
    const Order& order = expected();
    const auto begin = order.begin(), from = begin + static_cast<int64_t>(std::min(place_, order.size()));
    auto found = std::find(from, order.end(), number);
    if (found == order.end()) found = std::find(begin, order.end(), number);
    if (found != order.end()) place_ = static_cast<size_t>(found - begin) + 1;
}

/// The next that move, each once, since a tile after the other may use the same; after the last one begins the first,
/// as in the next pass or branch.
WeightOffload::Order WeightOffload::upcoming(int64_t now) const {
    const Order& order = expected();
    Order next;
    for (size_t i = 0; i < order.size() && next.size() < kAhead; ++i) {
        const int64_t number = order[(place_ + i) % order.size()];
        const auto kept = kept_.find(number);
        const bool is_there = number == now || std::ranges::find(next, number) != next.end();
        if (!is_there && kept != kept_.end() && kept->second->moves()) next.push_back(number);
    }
    return next;
}

/// Its copies are over when this returns, since the memory that they read goes.
void WeightOffload::forget(int64_t number) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find(number);
    if (found == kept_.end()) return;
    try {
        Order others;
        for (const Arrival& arrival : arrivals_)
            if (arrival.number != number) others.push_back(arrival.number);
        drop_all_but(others);
        if (copy_queue_) copy_queue_->synchronize();
    } catch (const std::exception&) {
        arrivals_.clear();  // the device is lost, and with it whoever would read them
    }
    std::erase(all_, number);
    kept_.erase(found);
}

int64_t WeightOffload::bytes() const {
    const std::lock_guard lock(mutex_);
    return share_.asked();
}

int64_t WeightOffload::moving_bytes() const {
    const std::lock_guard lock(mutex_);
    return share_.leaving();
}

int64_t WeightOffload::window_bytes() const {
    const std::lock_guard lock(mutex_);
    return std::min(share_.leaving(), (kAhead + 1) * largest_);
}

int64_t WeightOffload::copies() const {
    const std::lock_guard lock(mutex_);
    return copies_;
}

}  // namespace kine
