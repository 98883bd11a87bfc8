// The thread between queue and sinks: back-pressure and failures in both directions.
#include "codecs/pump.h"
#include "tests/codecs/codec_support.h"

#include <atomic>
#include <future>

namespace kine::codecs::testing {
namespace {

/// What a sink of the tests saw; outlives it.
struct Record {
    std::vector<int64_t> written;
    std::atomic<bool> closed = false;
    std::atomic<bool> destroyed = false;
    int64_t fails_at = -1;
    bool fails_on_close = false;
    std::shared_future<void> gate;  // writes wait for it, if it is valid
};

class RecordingSink final : public Sink {
  public:
    explicit RecordingSink(Record& record) : record_(record) {}
    ~RecordingSink() override { record_.destroyed = true; }
    void write(const Frame& frame) override {
        if (record_.gate.valid()) record_.gate.wait();
        if (frame.index == record_.fails_at) fail(ErrorCode::Output, "the disk is full");
        record_.written.push_back(frame.index);
    }
    void close() override {
        if (record_.fails_on_close) fail(ErrorCode::Output, "cannot rename");
        record_.closed = true;
    }
    std::string name() const override { return "record"; }
    std::string temporary_name() const override { return ""; }

  private:
    Record& record_;
};

std::vector<std::unique_ptr<Sink>> sinks_for(std::initializer_list<Record*> records) {
    std::vector<std::unique_ptr<Sink>> sinks;
    for (Record* record : records) sinks.push_back(std::make_unique<RecordingSink>(*record));
    return sinks;
}

void push_frames(FrameQueue& queue, int64_t count) {
    for (int64_t index = 0; index < count; ++index) queue.push(flat_frame(4, 4, {}, index));
}

TEST(Pump, WritesEveryFrameToEverySinkInOrder) {
    FrameQueue queue(2);
    Profiler profiler;
    profiler.enable();
    Record first, second;
    Pump pump(queue, sinks_for({&first, &second}), profiler);
    push_frames(queue, 5);
    queue.close();
    pump.finish();
    EXPECT_EQ(first.written, (std::vector<int64_t>{0, 1, 2, 3, 4}));
    EXPECT_EQ(second.written, first.written);
    EXPECT_TRUE(first.closed && second.closed);
    EXPECT_EQ(pump.frames_written(), 5);
    EXPECT_GE(profiler.events().size(), 5u);
}

TEST(Pump, HoldsTheProducerBackWhileASinkIsSlow) {
    FrameQueue queue(2);
    Profiler profiler;
    std::promise<void> open;
    Record record;
    record.gate = open.get_future().share();
    Pump pump(queue, sinks_for({&record}), profiler);
    std::atomic<int64_t> pushed = 0;
    std::thread producer([&] {
        for (int64_t index = 0; index < 10; ++index) {
            queue.push(flat_frame(4, 4, {}, index));
            ++pushed;
        }
        queue.close();
    });
    while (queue.size() < 2) std::this_thread::yield();
    // One frame is with the sink, two are in the queue; the next push must be waiting.
    EXPECT_LE(pushed, 3);
    EXPECT_EQ(pump.frames_written(), 0);
    open.set_value();
    producer.join();
    pump.finish();
    EXPECT_EQ(record.written.size(), 10u);
}

TEST(Pump, StopsTheProducerWhenASinkFails) {
    FrameQueue queue(1);
    Profiler profiler;
    Record failing, other;
    failing.fails_at = 2;
    Pump pump(queue, sinks_for({&failing, &other}), profiler);
    std::string message;
    EXPECT_EQ(code_of([&] { push_frames(queue, 1000); }, &message), ErrorCode::Output);
    EXPECT_EQ(message, "the disk is full");
    EXPECT_EQ(code_of([&] { pump.finish(); }), ErrorCode::Output);
    EXPECT_FALSE(failing.closed);
    EXPECT_FALSE(other.closed);
    EXPECT_TRUE(failing.destroyed);
}

TEST(Pump, ClosesTheOtherSinksOfAFailedOneToKeepTheirFrames) {
    FrameQueue queue(1);
    Profiler profiler;
    Record failing, other;
    failing.fails_at = 2;
    Pump pump(queue, sinks_for({&other, &failing}), profiler);
    code_of([&] { push_frames(queue, 1000); });
    EXPECT_EQ(code_of([&] { pump.finish(true); }), ErrorCode::Output);
    EXPECT_TRUE(other.closed);
    EXPECT_FALSE(failing.closed);
}

TEST(Pump, GivesBackTheProducersFailure) {
    for (const bool keep : {false, true}) {
        FrameQueue queue(4);
        Profiler profiler;
        Record record;
        Pump pump(queue, sinks_for({&record}), profiler);
        push_frames(queue, 3);
        queue.fail(std::make_exception_ptr(Error(ErrorCode::NotFinite, "nan in frame 3")));
        EXPECT_EQ(code_of([&] { pump.finish(keep); }), ErrorCode::NotFinite);
        EXPECT_EQ(record.written.size(), 3u);
        EXPECT_EQ(record.closed, keep);
    }
}

TEST(Pump, ClosesEverySinkEvenIfOneCannot) {
    FrameQueue queue(4);
    Profiler profiler;
    Record failing, other;
    failing.fails_on_close = true;
    Pump pump(queue, sinks_for({&failing, &other}), profiler);
    push_frames(queue, 2);
    queue.close();
    std::string message;
    EXPECT_EQ(code_of([&] { pump.finish(); }, &message), ErrorCode::Output);
    EXPECT_EQ(message, "cannot rename");
    EXPECT_TRUE(other.closed);
}

TEST(Pump, AbandonsItsSinksIfItIsDestroyedFirst) {
    FrameQueue queue(4);
    Record record;
    {
        Profiler profiler;
        Pump pump(queue, sinks_for({&record}), profiler);
        push_frames(queue, 2);
    }
    EXPECT_FALSE(record.closed);
    EXPECT_TRUE(record.destroyed);
    EXPECT_EQ(code_of([&] { queue.push(flat_frame(4, 4, {})); }), ErrorCode::Interrupted);
}

TEST(Pump, KeepsAPartialVideoOfACancelledRun) {
    const Folder folder;
    FrameQueue queue(2);
    Profiler profiler;
    std::vector<std::unique_ptr<Sink>> sinks;
    sinks.push_back(open_sink(folder / "v.mp4", info_of(96, 64), {}));
    Pump pump(queue, std::move(sinks), profiler);
    for (int64_t index = 0; index < 4; ++index) queue.push(moving_frame(96, 64, index));
    queue.fail(std::make_exception_ptr(Error(ErrorCode::Interrupted, "cancelled")));
    EXPECT_EQ(code_of([&] { pump.finish(true); }), ErrorCode::Interrupted);
    EXPECT_EQ(read_frames(folder / "v.mp4").size(), 4u);
}

}  // namespace
}  // namespace kine::codecs::testing
