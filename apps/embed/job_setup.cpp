#include "apps/embed/job_setup.h"

#include "apps/embed/image_file.h"
#include "apps/embed/latents_file.h"
#include "apps/embed/metadata.h"
#include "apps/embed/side_file.h"

#include <filesystem>
#include <map>

namespace kine::embed {

namespace {

namespace fs = std::filesystem;

void load_latents(Session& session, RunRequest& request) {
    if (request.run.latents.empty()) return;
    const Claim claim = session.claim();
    request.generation.latents = read_latents(claim.context, request.run.latents);
}

/// Of the size that the video will have, so only once that is known.
void load_image(Session& session, RunRequest& request) {
    if (request.run.image.empty()) return;
    const Claim claim = session.claim();
    dit::Request& generation = request.generation;
    generation.image = read_image(claim.context, request.run.image, generation.width, generation.height);
}

/// Two files under one name would leave only the one that is finished last.
void check_distinct_files(const Session& session, const RunRequest& request) {
    std::map<fs::path, std::string> seen;
    const auto add = [&](const std::string& what, const std::string& path) {
        if (path.empty() || path == "-") return;
        std::error_code ignored;
        const auto [other, is_new] = seen.emplace(fs::weakly_canonical(fs::absolute(path), ignored), what);
        check(is_new, ErrorCode::Usage, "{} and {} are the same file '{}'", other->second, what, path);
    };
    add("image", request.run.image);
    add("latents", request.run.latents);
    add("save_latents", request.run.save_latents);
    add("trace", session.options().trace);
    for (const OutputRequest& output : request.outputs) add("output", output.target);
}

bool is_pipe(const std::string& target) {
    std::error_code ignored;
    const fs::file_status status = fs::status(target, ignored);
    return target == "-" || fs::is_fifo(status) || fs::is_character_file(status);
}

}  // namespace

RunRequest prepared(Session& session, RunRequest request) {
    load_latents(session, request);
    request.generation.ranks = session.ranks_of_run(request.generation.ranks);
    request.generation = session.generator().resolve(request.generation);
    load_image(session, request);
    session.generator().plan(request.generation);  // an unknown policy or sampler must not cost an opened output
    session.generator().check_fits(session.context(), request.generation);
    if (!session.tells()) {
        request.outputs.clear();
        return request;
    }
    check_side_file("save_latents", request.run.save_latents, request.run.overwrite);
    check_side_file("trace", session.options().trace, request.run.overwrite || session.has_written_trace());
    check_distinct_files(session, request);
    return request;
}

std::vector<std::unique_ptr<codecs::Sink>> open_outputs(Session& session, const RunRequest& request) {
    const dit::Request& r = request.generation;
    const dit::FrameSize size = session.generator().frame_size(r);
    VideoInfo info{static_cast<int>(size.width), static_cast<int>(size.height), parse_rate(r.fps), r.num_frames, {}};
    if (request.run.metadata) info.metadata = video_metadata(session, request);
    std::vector<std::unique_ptr<codecs::Sink>> sinks;
    for (const OutputRequest& output : request.outputs) {
        sinks.push_back(codecs::open_sink(output.target, info, output.options));
    }
    return sinks;
}

PixelFormat frame_format(const Device& device, std::span<const std::unique_ptr<codecs::Sink>> takers, bool host_looks) {
    if (device.kind == DeviceKind::Cpu || host_looks) return PixelFormat::Rgb24;
    return codecs::common_format(takers);
}

void check_request(Session& session, RunRequest request) {
    request = prepared(session, std::move(request));
    std::erase_if(request.outputs, [](const OutputRequest& output) { return is_pipe(output.target); });
    open_outputs(session, request);
}

}  // namespace kine::embed
