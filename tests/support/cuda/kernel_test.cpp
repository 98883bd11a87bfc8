#include "tests/support/cuda/kernel_test.h"

#include "runtime/config.h"
#include "runtime/device/cuda/pinned.h"
#include "runtime/device/cuda/stream.h"
#include "tests/support/cuda/emulated_memory.h"
#include "tests/support/wanted_gpu.h"

#include <map>

namespace kine {
namespace {

constexpr Device kFirstGpu = {DeviceKind::Cuda, 0};

/// Pinned host memory, which GPUs read and write over the bus.
class PinnedAllocator final : public Allocator {
  public:
    void* allocate(int64_t bytes) override {
        auto buffer = std::make_unique<PinnedBuffer>(std::max<int64_t>(bytes, 1));
        void* memory = buffer->bytes().data();
        buffers_.emplace(memory, std::move(buffer));
        return memory;
    }
    void release(void* memory, int64_t) noexcept override { buffers_.erase(memory); }
    Device device() const override { return {}; }
    bool is_shared() const override { return true; }
    int64_t bytes_in_use() const override { return 0; }
    int64_t peak_bytes() const override { return 0; }
    void reset_peak() override {}
    void set_budget(int64_t) override {}
    int64_t budget() const override { return 0; }

  private:
    std::map<void*, std::unique_ptr<PinnedBuffer>> buffers_;
};

std::unique_ptr<Allocator> memory_at(Place place) {
    if constexpr (kHasCuda) {
        if (place == Place::Gpu) return std::make_unique<PinnedAllocator>();
    }
    return std::make_unique<EmulatedMemory>(Device{}, true);
}

}  // namespace

struct KernelTest::Means {
    explicit Means(Place place) : allocator(memory_at(place)), threads(1) {}

    std::unique_ptr<Allocator> allocator;
    ThreadPool threads;
    Profiler profiler;
    Context context{Device{}, *allocator, threads, profiler};
};

KernelTest::KernelTest() : means_(std::make_unique<Means>(GetParam())), context(means_->context) {}
KernelTest::~KernelTest() = default;

void KernelTest::SetUp() {
    if (!is_on_gpu()) return;
    if (const std::string reason = why_no_gpu(); !reason.empty()) GTEST_SKIP() << reason;
}

void KernelTest::run_on_gpu(const std::function<void(Stream)>& launch) {
    if constexpr (kHasCuda) {
        CudaStream stream(kFirstGpu);
        launch(stream.get());
        stream.synchronize();
    }
}

}  // namespace kine
