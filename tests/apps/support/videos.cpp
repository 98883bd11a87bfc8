#include "tests/apps/support/videos.h"

#include "codecs/source.h"

namespace kine::apps {

std::vector<std::vector<uint8_t>> frames_of(const std::filesystem::path& video) {
    const auto source = codecs::open_source(video.string());
    std::vector<std::vector<uint8_t>> frames;
    while (const auto frame = source->read()) frames.push_back(frame->plane(0));
    return frames;
}

}  // namespace kine::apps
