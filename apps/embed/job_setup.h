// What comes before a run: the request made whole and checked, its outputs opened.
#pragma once

#include "apps/embed/session.h"
#include "codecs/sink.h"

#include <memory>
#include <span>
#include <vector>

namespace kine::embed {

/// The request with the model's defaults and what lies in files, checked against model, memory budget and the files
/// beside the video; without outputs in a process that writes none.
RunRequest prepared(Session& session, RunRequest request);
/// Those of a prepared request. A bad name, an existing file or an unknown codec costs no generation.
std::vector<std::unique_ptr<codecs::Sink>> open_outputs(Session& session, const RunRequest& request);
/// What a run on `device` makes frames of, for takers of which the host, if it looks, wants Rgb24. On a GPU they are
/// made there, so what all take and is smallest crosses the bus. On the CPU they are Rgb24 always: nothing crosses, and
/// swscale on the writing thread takes no more time of processors than to_frames would (bench_frames).
PixelFormat frame_format(const Device& device, std::span<const std::unique_ptr<codecs::Sink>> takers, bool host_looks);
/// Throws what the two above would, and leaves nothing behind. Pipes are not tried: for their readers, that was all.
void check_request(Session& session, RunRequest request);

}  // namespace kine::embed
