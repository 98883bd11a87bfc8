// Makes frames with the installed library, headers and demo model alone.
#include <apps/embed/kinescope.hpp>

#include <cstdio>

int main(int count, char** values) {
    if (count != 2) return 2;
    try {
        const kinescope::Session session(kinescope::Options{{"model", values[1]}});
        kinescope::Request request;
        request.set("prompt", "a red circle").set("width", "32").set("height", "32");
        request.set("num_frames", "2").set("steps", "1");
        kinescope::Job job(session, request);
        job.start();
        int frames = 0;
        for (const kine_frame& frame : job.frames()) frames += frame.width == 32 ? 1 : 0;
        std::printf("%d frames from %s\n", frames, kine_version());
        return frames == 2 ? 0 : 1;
    } catch (const kinescope::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
