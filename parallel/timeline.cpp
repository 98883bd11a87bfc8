#include "parallel/timeline.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace kine::parallel {

namespace {

constexpr int kRoundTrips = 8;

/// How far the clock of rank `other` is ahead of rank 0's, known to rank 0. Every rank calls this.
int64_t measure_ahead(const Context& context, Communicator& communicator, int other) {
    const bool asks = communicator.rank() == 0, answers = communicator.rank() == other;
    int64_t ahead = 0, quickest = std::numeric_limits<int64_t>::max();
    for (int trip = 0; trip < kRoundTrips; ++trip) {
        const int64_t sent = context.profiler.now_ns();
        std::vector<Parcel> question, answer;
        std::vector<Awaited> asked, answered;
        if (asks) question.push_back({other, Tensor::of<int64_t>(context, {1}, {&sent, 1})});
        if (answers) asked.push_back({0, {1}, DType::Int64});
        communicator.send_receive(context, question, asked);
        const int64_t seen = context.profiler.now_ns();
        if (answers) answer.push_back({0, Tensor::of<int64_t>(context, {1}, {&seen, 1})});
        if (asks) answered.push_back({other, {1}, DType::Int64});
        const std::vector<Tensor> told = communicator.send_receive(context, answer, answered);
        const int64_t back = context.profiler.now_ns();
        if (!asks || back - sent >= quickest) continue;
        quickest = back - sent;
        ahead = told.front().data<int64_t>()[0] - (sent + back) / 2;
    }
    return ahead;
}

Tensor packed(const Context& context, const std::vector<Profiler::Event>& events) {
    nlohmann::json rows = nlohmann::json::array();
    for (const Profiler::Event& event : events) {
        rows.push_back(
            {event.name, event.begin_ns, event.duration_ns, event.thread, event.bytes_sent, event.bytes_received});
    }
    const std::vector<uint8_t> bytes = nlohmann::json::to_msgpack(rows);
    return Tensor::of<uint8_t>(context, {static_cast<int64_t>(bytes.size())}, bytes);
}

std::vector<Profiler::Event> unpacked(const Tensor& tensor) {
    const auto* bytes = tensor.data<uint8_t>();
    std::vector<Profiler::Event> events;
    for (const nlohmann::json& row : nlohmann::json::from_msgpack(bytes, bytes + tensor.elements())) {
        events.push_back({.name = row[0],
                          .begin_ns = row[1],
                          .duration_ns = row[2],
                          .thread = row[3],
                          .bytes_sent = row[4],
                          .bytes_received = row[5]});
    }
    return events;
}

std::vector<int64_t> sizes_of_all(const Context& context, Communicator& communicator, const Tensor& own) {
    const int64_t size = own ? own.elements() : 0;
    const std::vector<Shape> shapes(static_cast<size_t>(communicator.size()), Shape{1});
    std::vector<int64_t> sizes;
    for (const Tensor& told : communicator.all_gather(context, Tensor::of<int64_t>(context, {1}, {&size, 1}), shapes)) {
        sizes.push_back(told.data<int64_t>()[0]);
    }
    return sizes;
}

bool is_wanted(const Context& context, Communicator& communicator) {
    const int64_t own = context.profiler.is_enabled() ? 1 : 0;
    const Tensor word = Tensor::of<int64_t>(context, {1}, {&own, 1});
    return communicator.broadcast(context, word, {0, {1}, DType::Int64}).data<int64_t>()[0] != 0;
}

}  // namespace

RankProfiler::RankProfiler(Profiler& parent, int rank) : parent_(parent), rank_(rank) {
    if (parent.is_enabled()) own_.enable();
}

RankProfiler::~RankProfiler() {
    if (rank_ == 0 || !parent_.is_enabled()) return;
    try {
        parent_.adopt(own_.events(), rank_, parent_.start_ns() - own_.start_ns());
    } catch (const std::bad_alloc&) {  // a missing track is better than a dead run
    }
}

void gather_zones(const Context& of_device, Communicator& communicator) {
    const Context& context = of_device.host();
    if (!is_wanted(context, communicator)) return;
    std::vector<int64_t> ahead(static_cast<size_t>(communicator.size()));
    for (int other = 1; other < communicator.size(); ++other) {
        ahead[static_cast<size_t>(other)] = measure_ahead(context, communicator, other);
    }
    const bool collects = communicator.rank() == 0;
    const Tensor own = collects ? Tensor() : packed(context, context.profiler.take_events());
    const std::vector<int64_t> sizes = sizes_of_all(context, communicator, own);
    std::vector<Parcel> sent;
    std::vector<Awaited> awaited;
    if (!collects) sent.push_back({0, own});
    for (int other = 1; collects && other < communicator.size(); ++other) {
        awaited.push_back({other, {sizes[static_cast<size_t>(other)]}, DType::UInt8});
    }
    const std::vector<Tensor> tracks = communicator.send_receive(context, sent, awaited);
    for (size_t i = 0; i < tracks.size(); ++i) {
        context.profiler.adopt(unpacked(tracks[i]), static_cast<int>(i) + 1, ahead[i + 1]);
    }
}

}  // namespace kine::parallel
