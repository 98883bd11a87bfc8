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

Communicator::Communicator(std::unique_ptr<Transport> transport, std::shared_ptr<Watch> watch)
    : transport_(std::move(transport)), watch_(std::move(watch)) {}

void Communicator::exchange(const Context& context, std::string_view operation, std::span<const Parcel> sent,
                            std::span<Parcel> received) {
    for (const Parcel& parcel : sent) check_contiguous(operation, rank(), parcel.tensor);
    const ProfileZone zone(context.profiler, operation);
    const auto start = std::chrono::steady_clock::now();
    transport_->exchange({operation, watch_->place, watch_->timeout_seconds}, sent, received);
    ++traffic_.calls;
    traffic_.bytes_sent += bytes_of(sent);
    traffic_.bytes_received += bytes_of(received);
    traffic_.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// One part for every rank, one from every rank; this rank's own is handed over.
std::vector<Tensor> Communicator::swap(const Context& context, std::string_view operation,
                                       std::span<const Tensor> parts, std::span<const Shape> shapes) {
    const auto own = static_cast<size_t>(rank());
    check(static_cast<int>(parts.size()) == size() && static_cast<int>(shapes.size()) == size(), ErrorCode::Bug,
          "{}: {} ranks, {} parts, {} shapes", operation, size(), parts.size(), shapes.size());
    check(parts[own].shape() == shapes[own], ErrorCode::Bug, "{}: rank {} expected {} from rank {}, came {}", operation,
          rank(), to_string(shapes[own]), rank(), to_string(parts[own].shape()));
    std::vector<Parcel> sent, received;
    for (int distance = 1; distance < size(); ++distance) {  // starting at the next rank spreads the load
        const int peer = (rank() + distance) % size();
        const auto index = static_cast<size_t>(peer);
        sent.push_back({peer, parts[index]});
        received.push_back({peer, Tensor::empty(context, shapes[index], parts[own].dtype())});
    }
    exchange(context, operation, sent, received);
    std::vector<Tensor> result(parts.begin(), parts.end());
    for (const Parcel& parcel : received) result[static_cast<size_t>(parcel.peer)] = parcel.tensor;
    return result;
}

std::vector<Tensor> Communicator::all_to_all(const Context& context, std::span<const Tensor> parts,
                                             std::span<const Shape> shapes) {
    return swap(context, "all_to_all", parts, shapes);
}

std::vector<Tensor> Communicator::all_gather(const Context& context, const Tensor& part,
                                             std::span<const Shape> shapes) {
    return swap(context, "all_gather", std::vector<Tensor>(static_cast<size_t>(size()), part), shapes);
}

Tensor Communicator::reduce_scatter(const Context& context, std::span<const Tensor> parts) {
    check(static_cast<int>(parts.size()) == size(), ErrorCode::Bug, "reduce_scatter: {} ranks, {} parts", size(),
          parts.size());
    const std::vector<Shape> shapes(parts.size(), parts[static_cast<size_t>(rank())].shape());
    return sum_of(context, swap(context, "reduce_scatter", parts, shapes));
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
                                               std::span<const Awaited> awaited, DType dtype) {
    std::vector<Parcel> received;
    for (const Awaited& from : awaited) received.push_back({from.peer, Tensor::empty(context, from.shape, dtype)});
    exchange(context, "send_receive", sent, received);
    std::vector<Tensor> tensors;
    for (const Parcel& parcel : received) tensors.push_back(parcel.tensor);
    return tensors;
}

Tensor Communicator::broadcast(const Context& context, const Tensor& x, const Awaited& from, DType dtype) {
    if (rank() != from.peer) {
        Parcel received{from.peer, Tensor::empty(context, from.shape, dtype)};
        exchange(context, "broadcast", {}, {&received, 1});
        return received.tensor;
    }
    check(x.shape() == from.shape && x.dtype() == dtype, ErrorCode::Bug, "broadcast: rank {} sends {} {}, expected {}",
          rank(), name_of(x.dtype()), to_string(x.shape()), to_string(from.shape));
    std::vector<Parcel> sent;
    for (int distance = 1; distance < size(); ++distance) sent.push_back({(rank() + distance) % size(), x});
    exchange(context, "broadcast", sent, {});
    return x;
}

void Communicator::barrier() {
    std::vector<Parcel> parcels;
    for (int distance = 1; distance < size(); ++distance) parcels.push_back({(rank() + distance) % size(), {}});
    std::vector<Parcel> received = parcels;
    transport_->exchange({"barrier", watch_->place, watch_->timeout_seconds}, parcels, received);
}

std::unique_ptr<Communicator> Communicator::split(const Context& context, int64_t color, int64_t key) {
    const int64_t own[] = {color, key};
    const std::vector<Shape> shapes(static_cast<size_t>(size()), Shape{2});
    const std::vector<Tensor> all = all_gather(context, Tensor::of<int64_t>(context, {2}, own), shapes);
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
