#include "codecs/source.h"

#include "codecs/av/video_source.h"
#include "codecs/output/shown_name.h"
#include "codecs/png/numbering.h"
#include "runtime/error.h"

#include <vector>

namespace kine::codecs {
namespace {

/// Pictures one after another; the first says what the video is.
class PictureSequence final : public Source {
  public:
    explicit PictureSequence(std::vector<std::filesystem::path> files) : files_(std::move(files)) {
        info_ = open_video_file(files_.front().string())->info();
        info_.frames = static_cast<int64_t>(files_.size());
    }

    const VideoInfo& info() const override { return info_; }
    std::optional<Frame> read() override;

  private:
    const std::vector<std::filesystem::path> files_;
    VideoInfo info_;
    size_t next_ = 0;
};

std::optional<Frame> PictureSequence::read() {
    if (next_ == files_.size()) return std::nullopt;
    const std::string file = files_[next_].string();
    std::optional<Frame> frame = open_video_file(file)->read();
    check(frame && frame->width() == info_.width && frame->height() == info_.height, ErrorCode::BadInput,
          "{} has another size than the {}x{} of the first picture", shown_name(file), info_.width, info_.height);
    frame->index = static_cast<int64_t>(next_++);
    return frame;
}

std::unique_ptr<Source> open_sequence(const std::string& path, const std::optional<Numbering>& numbering) {
    std::vector<std::filesystem::path> files;
    int64_t expected = 0;
    for (const auto& [index, file] : numbering ? numbering->existing() : std::map<int64_t, std::filesystem::path>()) {
        check(files.empty() || index == expected, ErrorCode::BadInput, "picture {} of {} is missing", expected,
              shown_name(path));
        files.push_back(file);
        expected = index + 1;
    }
    check(!files.empty(), ErrorCode::BadInput, "{} holds no numbered pictures", shown_name(path));
    return std::make_unique<PictureSequence>(std::move(files));
}

}  // namespace

std::unique_ptr<Source> open_source(const std::string& path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return open_sequence(path, Numbering::guess(path));
    const auto numbering = Numbering::parse(path);
    // A sequence that was never finished has an empty lock file under its very pattern.
    const bool is_literal = std::filesystem::exists(path, error) && !std::filesystem::is_empty(path, error);
    if (numbering && !is_literal) return open_sequence(path, numbering);
    return open_video_file(path);
}

}  // namespace kine::codecs
