#include "parallel/communicator.h"

#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "parallel/partition.h"

#include <algorithm>
#include <chrono>

namespace kine::parallel {

namespace {

void check_contiguous(std::string_view operation, int rank, const Tensor& sent) {
    check(!sent || sent.elements() == 0 || sent.is_contiguous(), ErrorCode::Bug, "{}: rank {} sends {}, not contiguous",
          operation, rank, to_string(sent.shape()));
}

/// x cut into one run of elements for each rank.
std::vector<Tensor> pieces_of(const Context& context, const Tensor& x, int ranks) {
    const Tensor flat = kernels::contiguous(context, x).reshape({x.elements()});
    std::vector<Tensor> pieces;
    for (int rank = 0; rank < ranks; ++rank) {
        const Range range = partition(x.elements(), rank, ranks);
        pieces.push_back(flat.slice(0, range.begin, range.end));
    }
    return pieces;
}

Tensor sum_of(const Context& context, std::span<const Tensor> parts) {
    Tensor sum = parts[0];
    if (sum.elements() == 0) return sum;
    for (const Tensor& part : parts.subspan(1)) sum = kernels::add(context, sum, part);
    return sum;
}

Tensor joined(const Context& context, const std::vector<Tensor>& pieces, const Shape& shape) {
    std::vector<Tensor> filled;
    std::ranges::copy_if(pieces, std::back_inserter(filled), [](const Tensor& piece) { return piece.elements() > 0; });
    return filled.empty() ? Tensor::empty(context, shape, pieces[0].dtype())
                          : kernels::concat(context, filled, 0).reshape(shape);
}

int64_t bytes_of(std::span<const Parcel> parcels) {
    int64_t bytes = 0;
    for (const Parcel& parcel : parcels) bytes += parcel.tensor ? parcel.tensor.bytes() : 0;
    return bytes;
}

}  // namespace

Traffic& Traffic::operator+=(const Traffic& other) {
    calls += other.calls;
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    seconds += other.seconds;
    return *this;
}

Traffic& Traffic::operator-=(const Traffic& other) {
    calls -= other.calls;
    bytes_sent -= other.bytes_sent;
    bytes_received -= other.bytes_received;
    seconds -= other.seconds;
    return *this;
}

Communicator::Communicator(std::unique_ptr<Transport> transport, std::shared_ptr<Watch> watch)
    : transport_(std::move(transport)), watch_(std::move(watch)) {}

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

Pending Communicator::begin(const Context& context, std::string_view operation, Letters letters) {
    for (const Parcel& parcel : letters.sent) check_contiguous(operation, rank(), parcel.tensor);
    const ProfileZone zone(context.profiler, "post");
    const Clock::time_point start = Clock::now();
    Pending call;
    call.communicator_ = this;
    call.profiler_ = &context.profiler;
    call.operation_ = operation;
    call.result_ = std::move(letters.result);
    call.bytes_sent_ = bytes_of(letters.sent);
    call.bytes_received_ = bytes_of(letters.received);
    call.exchange_ = transport_->begin({operation, watch_->place, watch_->timeout_seconds, context.stream},
                                       std::move(letters.sent), std::move(letters.received));
    traffic_.seconds += seconds_since(start);
    return call;
}

std::vector<Tensor> Pending::wait() {
    ProfileZone zone(*profiler_, operation_);
    zone.set_bytes(bytes_sent_, bytes_received_);
    const Clock::time_point start = Clock::now();
    exchange_->finish();
    exchange_.reset();  // it holds handles, and the result is to have the only ones
    communicator_->traffic_ += {1, bytes_sent_, bytes_received_, seconds_since(start)};
    return std::move(result_);
}

/// One part for every rank, one from every rank; this rank's own is handed over.
Communicator::Letters Communicator::one_for_each(const Context& context, std::string_view operation,
                                                 std::span<const Tensor> parts, std::span<const Shape> shapes) const {
    const auto own = static_cast<size_t>(rank());
    check(static_cast<int>(parts.size()) == size() && static_cast<int>(shapes.size()) == size(), ErrorCode::Bug,
          "{}: {} ranks, {} parts, {} shapes", operation, size(), parts.size(), shapes.size());
    check(parts[own].shape() == shapes[own], ErrorCode::Bug, "{}: rank {} expected {} from rank {}, came {}", operation,
          rank(), to_string(shapes[own]), rank(), to_string(parts[own].shape()));
    Letters letters{{}, {}, {parts.begin(), parts.end()}};
    for (int distance = 1; distance < size(); ++distance) {  // starting at the next rank spreads the load
        const int peer = (rank() + distance) % size();
        const auto index = static_cast<size_t>(peer);
        letters.result[index] = Tensor::empty(context, shapes[index], parts[own].dtype());
        letters.sent.push_back({peer, parts[index]});
        letters.received.push_back({peer, letters.result[index]});
    }
    return letters;
}

Pending Communicator::begin_all_to_all(const Context& context, std::span<const Tensor> parts,
                                       std::span<const Shape> shapes) {
    return begin(context, "all_to_all", one_for_each(context, "all_to_all", parts, shapes));
}

Pending Communicator::begin_all_gather(const Context& context, const Tensor& part, std::span<const Shape> shapes) {
    const std::vector<Tensor> parts(static_cast<size_t>(size()), part);
    return begin(context, "all_gather", one_for_each(context, "all_gather", parts, shapes));
}

Pending Communicator::begin_send_receive(const Context& context, std::span<const Parcel> sent,
                                         std::span<const Awaited> awaited) {
    Letters letters{{sent.begin(), sent.end()}, {}, {}};
    for (const Awaited& from : awaited) {
        letters.result.push_back(Tensor::empty(context, from.shape, from.dtype));
        letters.received.push_back({from.peer, letters.result.back()});
    }
    return begin(context, "send_receive", std::move(letters));
}

std::vector<Tensor> Communicator::all_to_all(const Context& context, std::span<const Tensor> parts,
                                             std::span<const Shape> shapes) {
    return begin_all_to_all(context, parts, shapes).wait();
}

std::vector<Tensor> Communicator::all_gather(const Context& context, const Tensor& part,
                                             std::span<const Shape> shapes) {
    return begin_all_gather(context, part, shapes).wait();
}

Tensor Communicator::reduce_scatter(const Context& context, std::span<const Tensor> parts) {
    check(static_cast<int>(parts.size()) == size(), ErrorCode::Bug, "reduce_scatter: {} ranks, {} parts", size(),
          parts.size());
    const std::vector<Shape> shapes(parts.size(), parts[static_cast<size_t>(rank())].shape());
    return sum_of(context,
                  begin(context, "reduce_scatter", one_for_each(context, "reduce_scatter", parts, shapes)).wait());
}

Tensor Communicator::all_reduce(const Context& context, const Tensor& x) {
    if (size() == 1) return x;
    const std::vector<Tensor> pieces = pieces_of(context, x, size());
    const Tensor sum = reduce_scatter(context, pieces);
    std::vector<Shape> shapes;
    for (const Tensor& piece : pieces) shapes.push_back(piece.shape());
    return joined(context, all_gather(context, sum, shapes), x.shape());
}

std::vector<Tensor> Communicator::send_receive(const Context& context, std::span<const Parcel> sent,
                                               std::span<const Awaited> awaited) {
    return begin_send_receive(context, sent, awaited).wait();
}

Tensor Communicator::broadcast(const Context& context, const Tensor& x, const Awaited& from) {
    Letters letters;
    if (rank() != from.peer) {
        letters.result.push_back(Tensor::empty(context, from.shape, from.dtype));
        letters.received.push_back({from.peer, letters.result.back()});
        return begin(context, "broadcast", std::move(letters)).wait()[0];
    }
    check(x.shape() == from.shape && x.dtype() == from.dtype, ErrorCode::Bug,
          "broadcast: rank {} sends {} {}, expected {}", rank(), name_of(x.dtype()), to_string(x.shape()),
          to_string(from.shape));
    for (int distance = 1; distance < size(); ++distance) letters.sent.push_back({(rank() + distance) % size(), x});
    begin(context, "broadcast", std::move(letters)).wait();
    return x;
}

void Communicator::barrier() {
    std::vector<Parcel> parcels;
    for (int distance = 1; distance < size(); ++distance) parcels.push_back({(rank() + distance) % size(), {}});
    transport_->begin({"barrier", watch_->place, watch_->timeout_seconds}, parcels, parcels)->finish();
}

std::unique_ptr<Communicator> Communicator::split(const Context& context, int64_t color, int64_t key) {
    const int64_t own[] = {color, key};
    const std::vector<Shape> shapes(static_cast<size_t>(size()), Shape{2});
    const Context& host = context.host();
    const std::vector<Tensor> all = all_gather(host, Tensor::of<int64_t>(host, {2}, own), shapes);
    std::vector<int> members;
    for (int other = 0; other < size(); ++other) {
        if (all[static_cast<size_t>(other)].data<int64_t>()[0] == color) members.push_back(other);
    }
    std::ranges::stable_sort(members, {},
                             [&](int member) { return all[static_cast<size_t>(member)].data<int64_t>()[1]; });
    const auto index = std::ranges::find(members, rank()) - members.begin();
    return std::make_unique<Communicator>(transport_->subgroup(members, static_cast<int>(index)), watch_);
}

}  // namespace kine::parallel
