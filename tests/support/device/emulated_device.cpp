#include "runtime/device/cuda/graph.h"
#include "runtime/device/cuda/pinned.h"
#include "runtime/device/cuda/stream.h"
#include "runtime/device/host/host_allocator.h"
#include "runtime/error.h"
#include "tests/support/cuda/emulated_memory.h"
#include "tests/support/device/emulated_queue.h"
#include "tests/support/device/test_device.h"

#include <atomic>
#include <cstring>
#include <deque>
#include <functional>
#include <vector>

namespace kine {

namespace {

/// A queue beside that of the context: its work is put off until somebody waits for it, so that whoever forgets to wait
/// finds what was there before. That of the context, the null one, works at once.
struct LazyQueue {
    std::deque<std::function<void()>> work;
    size_t done = 0;  // since it was made

    void run_to(size_t place) {
        for (; done < place; ++done) {
            const auto next = std::move(work.front());
            work.pop_front();
            next();
        }
    }
    void run_all() { run_to(done + work.size()); }
};

/// A place in a queue.
struct Mark {
    LazyQueue* queue = nullptr;
    size_t place = 0;
};

LazyQueue* of(Stream stream) { return static_cast<LazyQueue*>(stream.handle); }

}  // namespace

void enqueue(Stream stream, std::function<void()> work) {
    if (LazyQueue* queue = of(stream)) return queue->work.push_back(std::move(work));
    work();
}

// What runtime/device/cuda/commands.h promises.
thread_local Device used = {DeviceKind::Cuda, 0};
void use_device(Device device) { used = device; }
Device used_device() { return used; }
void copy_async(void* to, const void* from, int64_t bytes, Stream stream) {
    enqueue(stream, [=] { std::memcpy(to, from, static_cast<size_t>(bytes)); });
}
void copy_between_async(GpuMemory to, GpuMemory from, int64_t bytes, Stream stream) {
    copy_async(to.address, from.address, bytes, stream);
}
void zero_async(void* to, int64_t bytes, Stream stream) {
    enqueue(stream, [=] { std::memset(to, 0, static_cast<size_t>(bytes)); });
}
void synchronize(Stream stream) {
    GraphRecording::refuse("waiting for a queue");
    if (LazyQueue* queue = of(stream)) queue->run_all();
}

// And runtime/device/cuda/stream.h.
CudaStream::CudaStream(Device device) : device_(device) { stream_.handle = new LazyQueue; }
CudaStream::~CudaStream() { delete of(stream_); }
void CudaStream::synchronize() { of(stream_)->run_all(); }

CudaEvent::CudaEvent(Device) : handle_(new Mark) {}
CudaEvent::~CudaEvent() { delete static_cast<Mark*>(handle_); }
void CudaEvent::record(Stream stream) {
    LazyQueue* queue = of(stream);
    *static_cast<Mark*>(handle_) = queue ? Mark{queue, queue->done + queue->work.size()} : Mark{};
}
void CudaEvent::hold(Stream stream) const {
    const Mark mark = *static_cast<Mark*>(handle_);
    if (mark.queue) enqueue(stream, [mark] { mark.queue->run_to(mark.place); });
}
void CudaEvent::synchronize() const { hold({}); }
bool CudaEvent::is_done() const {
    const Mark mark = *static_cast<Mark*>(handle_);
    return !mark.queue || mark.queue->done >= mark.place;
}
float CudaEvent::since(const CudaEvent&) const { return 0.0f; }

// And runtime/device/cuda/graph.h: the work as it was enqueued.
using Recorded = std::deque<std::function<void()>>;
CudaGraph::CudaGraph(Device device, const std::function<void(Stream)>& enqueue) {
    CudaStream stream(device);
    GraphRecording recording;
    LazyQueue& queue = *of(stream.get());
    enqueue(stream.get());
    held_ = recording.take_held();
    handle_ = new Recorded(std::move(queue.work));
}
CudaGraph::~CudaGraph() { delete static_cast<Recorded*>(handle_); }
void CudaGraph::launch(Stream stream) const {
    for (const auto& work : *static_cast<Recorded*>(handle_)) kine::enqueue(stream, work);
}

std::atomic<int64_t> pinned{0};
PinnedBuffer::PinnedBuffer(int64_t bytes)
    : memory_(bytes > 0 ? new std::byte[static_cast<size_t>(bytes)] : nullptr), size_(bytes) {
    pinned += bytes;
}
PinnedBuffer::~PinnedBuffer() {
    delete[] memory_;
    pinned -= size_;
}
int64_t PinnedBuffer::in_use() { return pinned; }

std::atomic<bool> is_hopper_there{false};
WithHopper::WithHopper() { is_hopper_there = true; }
WithHopper::~WithHopper() { is_hopper_there = false; }
bool has_hopper() { return is_hopper_there; }

struct TestDevice::Parts {
    explicit Parts(int devices) {
        for (int index = 1; index < devices; ++index) {
            memories.emplace_back(Device{DeviceKind::Cuda, index}, false);
            others.push_back(on(memories.back()));
        }
        if (!others.empty()) context.others = &others;
    }

    Context on(EmulatedMemory& of_device) { return {of_device.device(), of_device, threads, profiler, {}, &host}; }

    HostAllocator host_memory;
    EmulatedMemory memory{{DeviceKind::Cuda, 0}, false};
    std::deque<EmulatedMemory> memories;  // of the other devices
    ThreadPool threads{2};
    Profiler profiler;
    Context host{Device{}, host_memory, threads, profiler};
    std::vector<Context> others;
    Context context{on(memory)};
};

TestDevice::TestDevice(int devices) : parts_(std::make_unique<Parts>(devices)) {}
TestDevice::~TestDevice() = default;
std::string TestDevice::why_none(int) { return ""; }
Context& TestDevice::context() { return parts_->context; }
const Allocator& TestDevice::memory() { return parts_->memory; }

}  // namespace kine
