// Where frames come from: videos and frame folders that we wrote, or others.
#pragma once

#include "runtime/frame/frame.h"

#include <memory>
#include <optional>
#include <string>

namespace kine::codecs {

/// One thread at a time.
class Source {
  public:
    virtual ~Source() = default;

    virtual const VideoInfo& info() const = 0;  ///< with the file's metadata
    /// The next frame as Rgb24; nothing at the end. Damaged data is ErrorCode::BadInput, never a grey frame.
    virtual std::optional<Frame> read() = 0;
};

/// A video file, a picture, a folder of numbered pictures or a "%04d.png" pattern. Local files only.
std::unique_ptr<Source> open_source(const std::string& path);

}  // namespace kine::codecs
