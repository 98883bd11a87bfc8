#include "tests/support/cuda/emulated_grid.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

// AddressSanitizer wants to know which stack runs; a build without it has no such functions.
extern "C" {
__attribute__((weak)) void __sanitizer_start_switch_fiber(void** fake_stack, const void* bottom, size_t size);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void* fake_stack, const void** bottom, size_t* size);
}

// Goes on where `to` stopped and leaves `*from` to be gone on with. What a call may not change is pushed; swapcontext
// would ask the kernel about signals too, which takes longer than most kernels' work between two barriers.
extern "C" void kine_switch_stack(void** from, void* to);
asm(R"(
.text
.type kine_switch_stack, @function
kine_switch_stack:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
.size kine_switch_stack, . - kine_switch_stack
)");

namespace kine::emulation {
namespace {

using kernels::cuda::kWarp;
using kernels::cuda::Launch;

constexpr size_t kStackBytes = 128 << 10;

/// Threads that wait for one another. The last one to come opens it for all.
struct Barrier {
    int wanted = 0;
    int arrived = 0;
    int64_t opened = 0;
};

struct Stack {
    const void* bottom = nullptr;
    size_t size = 0;
    void* fake = nullptr;  // AddressSanitizer's
};

struct Fiber {
    void* top = nullptr;  // of its stack, where it stopped
    std::unique_ptr<std::byte[]> memory = std::make_unique_for_overwrite<std::byte[]>(kStackBytes);
    Stack stack;
    Place place;
    bool is_done = false;
    int64_t exchanges = 0;  // the next one writes the warp's board of this parity
};

struct Warp {
    Barrier barrier;
    std::array<std::array<uint64_t, kWarp>, 2> board = {};  // two, since a lane may begin the next exchange early
};

class Block {
  public:
    Block(const Launch& launch, const std::function<void(std::byte*)>& body)
        : launch_(launch), body_(body), fibers_(static_cast<size_t>(launch.threads)) {
        if (launch.threads <= 0 || launch.threads % kWarp != 0 || launch.threads > 1024)
            throw std::logic_error("a block has whole warps and at most 1024 threads");
        shared_bytes_ = static_cast<size_t>(launch.shared_bytes);
        memory_ = std::make_unique_for_overwrite<std::byte[]>(shared_bytes_ + kSharedAlignment);
        void* begin = memory_.get();
        size_t room = shared_bytes_ + kSharedAlignment;
        shared_ = static_cast<std::byte*>(std::align(kSharedAlignment, shared_bytes_, begin, room));
    }

    void run(int64_t block_x, int64_t block_y) {
        std::memset(shared_, 0xff, shared_bytes_);
        notes_.reset();
        all_ = Barrier{launch_.threads};
        warps_.assign(fibers_.size() / kWarp, Warp{Barrier{kWarp}});
        for (size_t i = 0; i < fibers_.size(); ++i)
            start(fibers_[i], Place{static_cast<int>(i), block_x, block_y, launch_});
        const bool is_reversed = (block_x + block_y) % 2 != 0;
        while (take_turns(is_reversed)) {
        }
    }

    void sync() { wait(all_); }
    void sync_warp() { wait(warp().barrier); }

    std::span<const uint64_t> exchange(uint64_t own) {
        auto& board = warp().board[static_cast<size_t>(running_->exchanges++ % 2)];
        board[static_cast<size_t>(running_->place.thread % kWarp)] = own;
        wait(warp().barrier);
        return board;
    }

    void wait_until(const std::function<bool()>& is_over) {
        while (!is_over()) leave();
        moved_ = true;
    }
    void has_moved() { moved_ = true; }
    std::any& notes() { return notes_; }
    std::span<std::byte> shared_memory() const { return {shared_, shared_bytes_}; }

    const Place& place() const { return running_->place; }
    void enter();

  private:
    Warp& warp() { return warps_[static_cast<size_t>(running_->place.thread / kWarp)]; }

    void start(Fiber& fiber, const Place& place);
    void resume(Fiber& fiber);
    void leave();

    /// Every thread once; false when all are done.
    bool take_turns(bool is_reversed) {
        moved_ = false;
        bool is_any_left = false;
        for (size_t i = 0; i < fibers_.size(); ++i) {
            Fiber& fiber = fibers_[is_reversed ? fibers_.size() - 1 - i : i];
            if (fiber.is_done) continue;
            resume(fiber);
            is_any_left = true;
        }
        if (is_any_left && !moved_) throw std::logic_error("threads of a block wait for others that never come");
        return is_any_left;
    }

    void wait(Barrier& barrier) {
        const int64_t before = barrier.opened;
        moved_ = true;
        if (++barrier.arrived == barrier.wanted) {
            barrier.arrived = 0;
            ++barrier.opened;
            return;
        }
        while (barrier.opened == before) leave();
    }

    Launch launch_;
    const std::function<void(std::byte*)>& body_;
    std::vector<Fiber> fibers_;
    std::vector<Warp> warps_;
    Barrier all_;
    std::unique_ptr<std::byte[]> memory_;
    std::byte* shared_ = nullptr;  // in it
    std::any notes_;
    size_t shared_bytes_ = 0;
    Fiber* running_ = nullptr;
    void* scheduler_ = nullptr;
    Stack scheduler_stack_;
    bool moved_ = false;
};

thread_local Block* current = nullptr;
thread_local const Place* lone = nullptr;

Block& block_of_thread() {
    if (current == nullptr) throw std::logic_error("a thread that was said to be alone waits for others");
    return *current;
}

void begin_switch(void** fake, const Stack& to) {
    if (__sanitizer_start_switch_fiber != nullptr) __sanitizer_start_switch_fiber(fake, to.bottom, to.size);
}

void end_switch(void* fake, Stack* from) {
    if (__sanitizer_finish_switch_fiber == nullptr) return;
    __sanitizer_finish_switch_fiber(fake, from ? &from->bottom : nullptr, from ? &from->size : nullptr);
}

void enter_current() { current->enter(); }

void Block::start(Fiber& fiber, const Place& place) {
    fiber.place = place;
    fiber.is_done = false;
    fiber.exchanges = 0;
    fiber.stack = {fiber.memory.get(), kStackBytes, nullptr};
    // As if it had stopped right before its first function: six registers, where to go on, and the alignment of a call.
    constexpr size_t kFrame = 8;
    auto* top = reinterpret_cast<void**>(fiber.memory.get() + kStackBytes) - kFrame;
    std::fill_n(top, kFrame, nullptr);
    top[6] = reinterpret_cast<void*>(&enter_current);
    fiber.top = top;
}

/// The first function of every fiber. It ends by a switch, never by a return.
void Block::enter() {
    end_switch(nullptr, &scheduler_stack_);
    body_(shared_);
    running_->is_done = true;
    moved_ = true;
    begin_switch(nullptr, scheduler_stack_);  // null: this stack is not needed again
    kine_switch_stack(&running_->top, scheduler_);
}

void Block::resume(Fiber& fiber) {
    running_ = &fiber;
    void* fake = nullptr;
    begin_switch(&fake, fiber.stack);
    kine_switch_stack(&scheduler_, fiber.top);
    end_switch(fake, nullptr);
}

/// Gives the other threads their turn.
void Block::leave() {
    Fiber& own = *running_;
    begin_switch(&own.stack.fake, scheduler_stack_);
    kine_switch_stack(&own.top, scheduler_);
    end_switch(own.stack.fake, &scheduler_stack_);
}

/// Kernels ask for their place without saying whom: this is whom.
struct CurrentBlock {
    explicit CurrentBlock(Block& block) { current = &block; }
    ~CurrentBlock() { current = nullptr; }
    CurrentBlock(const CurrentBlock&) = delete;
    CurrentBlock& operator=(const CurrentBlock&) = delete;
};

struct LonePlace {
    explicit LonePlace(const Place& place) { lone = &place; }
    ~LonePlace() { lone = nullptr; }
    LonePlace(const LonePlace&) = delete;
    LonePlace& operator=(const LonePlace&) = delete;
};

}  // namespace

void run_grid(const Launch& launch, const std::function<void(std::byte*)>& body) {
    Block block(launch, body);
    const CurrentBlock mark(block);
    for (int64_t y = 0; y < launch.blocks_y; ++y) {
        for (int64_t x = 0; x < launch.blocks_x; ++x) block.run(x, y);
    }
}

void run_lone_threads(const Launch& launch, const std::function<void()>& body) {
    Place own;
    own.launch = launch;
    const LonePlace mark(own);
    for (own.block_y = 0; own.block_y < launch.blocks_y; ++own.block_y)
        for (own.block_x = 0; own.block_x < launch.blocks_x; ++own.block_x)
            for (own.thread = 0; own.thread < launch.threads; ++own.thread) body();
}

const Place& place() { return lone != nullptr ? *lone : current->place(); }
void sync_block() { block_of_thread().sync(); }
void sync_warp() { block_of_thread().sync_warp(); }
std::span<std::byte> shared_memory() { return block_of_thread().shared_memory(); }
std::any& notes_on_block() { return block_of_thread().notes(); }
void wait_until(const std::function<bool()>& is_over) { block_of_thread().wait_until(is_over); }
void has_moved() { block_of_thread().has_moved(); }
std::span<const uint64_t> exchange(uint64_t own) { return block_of_thread().exchange(own); }

}  // namespace kine::emulation
