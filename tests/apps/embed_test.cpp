// The library from inside a program: frames pulled and pushed, two sessions at once, cancelling, errors as status.
#include "tests/apps/support/tiny_session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace kine::apps {

static_assert(std::input_iterator<kinescope::FrameIterator>);
namespace {

using kinescope::Error;
using kinescope::Job;
using kinescope::Options;
using kinescope::Request;
using kinescope::Session;
using Pictures = std::vector<std::vector<uint8_t>>;

Request kite() {
    Request request;
    request.set("prompt", "a kite").set("seed", "7").set("steps", "2");
    return request;
}

void keep(Pictures& pictures, const kine_frame& frame) {
    EXPECT_EQ(frame.index, static_cast<int64_t>(pictures.size()));
    pictures.emplace_back(frame.pixels, frame.pixels + ptrdiff_t{frame.height} * frame.width * 3);
}

Pictures pull(const Session& session) {
    Job job(session, kite());
    job.start();
    Pictures pictures;
    for (const kine_frame& frame : job.frames()) keep(pictures, frame);
    job.wait();
    return pictures;
}

Pictures push(const Session& session) {
    Pictures pictures;
    kine_callbacks callbacks = {};
    callbacks.user_data = &pictures;
    callbacks.on_frame = [](void* data, const kine_frame* frame) {
        keep(*static_cast<Pictures*>(data), *frame);
        return 0;
    };
    Job(session, kite(), callbacks).run();
    return pictures;
}

/// The status that `act` fails with; the message must hold `words`.
template <class Act>
kine_status status_of(Act&& act, const std::string& words) {
    try {
        act();
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
        return error.status();
    }
    return KINE_OK;
}

TEST(Embed, PulledFramesArePushedFrames) {
    const Session session = tiny_session();
    const Pictures pulled = pull(session);
    EXPECT_EQ(pulled.size(), 3u);
    EXPECT_EQ(pulled.front().size(), 48u * 48u * 3u);
    EXPECT_TRUE(push(session) == pulled);
}

TEST(Embed, TwoSessionsAtOnceMakeTheFramesOfOne) {
    const Pictures alone = pull(tiny_session({{"threads", "1"}}));
    Pictures first, second;
    {
        const std::jthread one([&] { first = pull(tiny_session({{"threads", "2"}})); });
        const std::jthread two([&] { second = push(tiny_session({{"threads", "1"}})); });
    }
    EXPECT_TRUE(first == alone);
    EXPECT_TRUE(second == alone);
}

TEST(Embed, ASessionThatIsBusySaysSo) {
    const Session session = tiny_session();
    Request endless = kite();
    endless.set("steps", "1000");
    std::atomic<bool> runs = false;
    kine_callbacks callbacks = {};
    callbacks.user_data = &runs;
    callbacks.on_progress = [](void* data, const kine_progress*) {
        static_cast<std::atomic<bool>*>(data)->store(true);
        static_cast<std::atomic<bool>*>(data)->notify_all();
        return 0;
    };
    Job job(session, endless, callbacks);
    job.start();
    runs.wait(false);
    EXPECT_EQ(status_of([&] { Job(session, kite()).run(); }, "busy"), KINE_USAGE);
    job.cancel();
    EXPECT_EQ(status_of([&] { job.wait(); }, "cancelled"), KINE_INTERRUPTED);
}

TEST(Embed, CallbacksMayCancel) {
    const Session session = tiny_session();
    kine_callbacks callbacks = {};
    callbacks.on_progress = [](void*, const kine_progress* progress) {
        return progress->stage == std::string("denoise") && progress->done == 3 ? 1 : 0;
    };
    Request endless = kite();
    endless.set("steps", "1000");
    EXPECT_EQ(status_of([&] { Job(session, endless, callbacks).run(); }, "cancelled"), KINE_INTERRUPTED);
    EXPECT_EQ(pull(session).size(), 3u) << "a cancelled run must leave the session as it was";
}

TEST(Embed, CancellingFromAnotherThreadEndsTheWaitForAFrame) {
    const Session session = tiny_session();
    Request endless = kite();
    endless.set("steps", "1000");
    Job job(session, endless);
    job.start();
    const std::jthread other([&] { job.cancel(); });
    const auto take_all = [&] {
        for (const kine_frame& frame : job.frames()) ADD_FAILURE() << "frame " << frame.index;
    };
    EXPECT_EQ(status_of(take_all, "cancelled"), KINE_INTERRUPTED);
}

TEST(Embed, FramesThatNobodyTakesHoldNothingBack) {
    const TemporaryFolder folder;
    const LongModel model;
    const Session session(Options{{"model", model.path()}});
    Request request = kite();
    request.set("num_frames", "40").set("steps", "1").add_output(folder / "v.y4m");
    {
        Job job(session, request);
        job.start();
        job.wait();
    }
    EXPECT_EQ(std::filesystem::file_size(folder / "v.y4m") / (48 * 48 * 3 / 2), 40u);
}

TEST(Embed, AForgottenJobEndsWhenItIsDestroyed) {
    const Session session = tiny_session();
    Request endless = kite();
    endless.set("steps", "1000");
    Job job(session, endless);
    job.start();
}

TEST(Embed, JobsOutliveTheHandleOfTheirSession) {
    auto session = std::make_unique<Session>(tiny_session());
    Job job(*session, kite());
    session.reset();
    EXPECT_NO_THROW(job.run());
}

TEST(Embed, AJobRunsOnce) {
    const Session session = tiny_session();
    Job job(session, kite());
    EXPECT_NE(job.report().find("\"ready\""), std::string::npos);
    job.run();
    EXPECT_NE(job.report().find("\"frames\":3"), std::string::npos);
    EXPECT_EQ(status_of([&] { job.run(); }, "before"), KINE_USAGE);
    EXPECT_EQ(status_of([&] { job.wait(); }, "not started"), KINE_USAGE);
}

TEST(Embed, TooLittleMemoryIsAStatusBeforeTheRun) {
    EXPECT_EQ(status_of([] { tiny_session({{"max_ram", "1K"}}); }, "weights need"), KINE_DOES_NOT_FIT);
    const Session session = tiny_session({{"max_ram", "1M"}});
    Request large = kite();
    large.set("width", "512").set("height", "512");
    EXPECT_EQ(status_of([&] { Job(session, large); }, "the budget is 1048576"), KINE_DOES_NOT_FIT);
}

TEST(Embed, MistakesAreNamed) {
    EXPECT_EQ(status_of([] { Session(Options{{"model", "/nowhere"}}); }, "/nowhere"), KINE_BAD_INPUT);
    EXPECT_EQ(status_of([] { Session(Options{{"modle", "x"}}); }, "model"), KINE_USAGE);
    EXPECT_EQ(status_of([] { kite().set("step", "2"); }, "steps"), KINE_USAGE);
    EXPECT_EQ(status_of([] { kite().set("steps", "2 "); }, "steps"), KINE_USAGE);
    EXPECT_EQ(status_of([] { kite().add_output("v.mp4", {{"crf", "1000"}}); }, "crf"), KINE_USAGE);
    EXPECT_EQ(status_of([] { Job(Session(), kite()); }, "model"), KINE_USAGE);
    EXPECT_EQ(status_of([] { kinescope::list("tables"); }, "families"), KINE_USAGE);
}

TEST(Embed, AFailedSetLeavesTheRequestAsItWas) {
    Request request = kite();
    const std::string before = request.describe();
    EXPECT_EQ(status_of([&] { request.set("steps", "0x"); }, "steps"), KINE_USAGE);
    EXPECT_EQ(status_of([&] { request.set("width", "-8"); }, "width"), KINE_USAGE);
    EXPECT_EQ(status_of([&] { request.set("guidance_scale", "nan"); }, "guidance_scale"), KINE_USAGE);
    EXPECT_EQ(request.describe(), before);
}

TEST(Embed, NullIsAMistakeAndNoCrash) {
    EXPECT_EQ(kine_session_create(nullptr, 0, nullptr), KINE_USAGE);
    EXPECT_EQ(kine_session_create(nullptr, 1, nullptr), KINE_USAGE);
    EXPECT_EQ(kine_request_create(nullptr), KINE_USAGE);
    EXPECT_EQ(kine_request_set(nullptr, "seed", "1"), KINE_USAGE);
    EXPECT_EQ(kine_list(nullptr, nullptr), KINE_USAGE);
    EXPECT_EQ(kine_job_create(nullptr, nullptr, nullptr, nullptr), KINE_USAGE);
    EXPECT_EQ(kine_job_run(nullptr), KINE_USAGE);
    EXPECT_EQ(kine_job_cancel(nullptr), KINE_USAGE);
    EXPECT_EQ(kine_job_next_frame(nullptr, nullptr, nullptr), KINE_USAGE);
    EXPECT_EQ(kine_compare(nullptr, nullptr, nullptr, nullptr), KINE_USAGE);
    EXPECT_NE(std::string(kine_last_error()), "");
    kine_session_destroy(nullptr);
    kine_request_destroy(nullptr);
    kine_job_destroy(nullptr);
    kine_text_destroy(nullptr);
}

}  // namespace
}  // namespace kine::apps
