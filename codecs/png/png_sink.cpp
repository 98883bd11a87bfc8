#include "codecs/png/png_sink.h"

#include "codecs/frame_check.h"
#include "codecs/output/output.h"
#include "codecs/output/shown_name.h"
#include "codecs/output/temporary_name.h"
#include "codecs/own_metadata.h"
#include "codecs/png/numbering.h"
#include "codecs/png/png_encoder.h"
#include "runtime/error.h"

namespace kine::codecs {
namespace {

void check_options(const SinkOptions& options) {
    check(options.video_codec.empty() || options.video_codec == "png", ErrorCode::Usage,
          "video_codec is '{}', png takes png", options.video_codec);
    check(options.pixel_format.empty() || options.pixel_format == "rgb24", ErrorCode::Usage,
          "pixel_format is '{}', png takes rgb24", options.pixel_format);
    check(!options.crf && options.preset.empty(), ErrorCode::Usage, "png is exact and takes no crf or preset");
}

Texts texts_of(const VideoInfo& info) {
    Texts texts = info.metadata;
    texts[std::string(kOwnKey)] = own_metadata(info);
    return texts;
}

class PictureSink final : public Sink {
  public:
    PictureSink(const std::string& target, const VideoInfo& info, bool overwrite)
        : info_(info), encoder_(info.width, info.height), output_(Output::open(target, overwrite)) {}

    void write(const Frame& frame) override {
        check_frame(*this, frame, info_);
        check(output_->size() == 0, ErrorCode::Output, "{} holds one picture, frame {} came; expected DIR/%04d.png",
              shown_name(output_->name()), frame.index);
        try {
            output_->write(encoder_(frame, texts_of(info_)));
        } catch (...) {
            output_->discard();
            throw;
        }
    }
    void close() override {
        check(output_->size() > 0, ErrorCode::Output, "no frame was written to {}", shown_name(output_->name()));
        output_->commit();
    }
    std::string name() const override { return output_->name(); }
    std::string temporary_name() const override { return output_->temporary_name(); }

  private:
    const VideoInfo info_;
    PngEncoder encoder_;
    std::unique_ptr<Output> output_;
};

/// Makes `folder`, but not the folders above it, and remembers whether it did.
class NewFolder {
  public:
    explicit NewFolder(std::filesystem::path folder) : folder_(std::move(folder)) {
        std::error_code error;
        if (folder_.empty() || std::filesystem::is_directory(folder_, error)) return;
        is_new_ = std::filesystem::create_directory(folder_, error);
        check(!error, ErrorCode::Output, "cannot make the folder {}: {}", shown_name(folder_.string()),
              error.message());
    }
    /// Only succeeds while the folder is empty.
    void remove() noexcept {
        std::error_code error;
        if (is_new_) std::filesystem::remove(folder_, error);
    }

  private:
    std::filesystem::path folder_;
    bool is_new_ = false;
};

class SequenceSink final : public Sink {
  public:
    SequenceSink(const std::string& pattern, const Numbering& numbering, const VideoInfo& info, bool overwrite)
        : pattern_(pattern),
          numbering_(numbering),
          info_(info),
          overwrite_(overwrite),
          encoder_(info.width, info.height),
          folder_(numbering.folder()) {
        lock();
        check_nothing_exists();
    }
    ~SequenceSink() override {
        lock_.reset();
        if (frames_ == 0) folder_.remove();
    }

    void write(const Frame& frame) override;
    void close() override;
    std::string name() const override { return pattern_.string(); }
    std::string temporary_name() const override { return codecs::temporary_name(pattern_, ".part").string(); }

  private:
    void lock();
    void check_nothing_exists();
    void remove_older_frames() const;

    const std::filesystem::path pattern_;
    const Numbering numbering_;
    const VideoInfo info_;
    const bool overwrite_;
    PngEncoder encoder_;
    NewFolder folder_;
    std::unique_ptr<Output> lock_;  // an empty file under the pattern's own temporary name
    int64_t frames_ = 0;
    bool closed_ = false;
};

void SequenceSink::lock() {
    try {
        lock_ = Output::open_file(pattern_, true);
    } catch (...) {
        folder_.remove();
        throw;
    }
}

void SequenceSink::check_nothing_exists() {
    const auto existing = numbering_.existing();
    check(overwrite_ || existing.empty(), ErrorCode::Output,
          "cannot write {}: {} exists, and overwrite (-y) is not set", shown_name(pattern_.string()),
          existing.empty() ? "" : shown_name(existing.begin()->second.string()));
}

void SequenceSink::write(const Frame& frame) {
    check(!closed_, ErrorCode::Bug, "frame {} after the sink was closed", frame.index);
    check_frame(*this, frame, info_);
    const auto file = Output::open_file(numbering_.path(frames_), overwrite_);
    try {
        file->write(encoder_(frame, frames_ == 0 ? texts_of(info_) : Texts{}));
        file->sync();
    } catch (...) {
        file->discard();
        throw;
    }
    ++frames_;
}

void SequenceSink::close() {
    check(!closed_, ErrorCode::Bug, "sink closed twice");
    check(frames_ > 0, ErrorCode::Output, "no frame was written to {}", shown_name(pattern_.string()));
    closed_ = true;
    for (int64_t index = 0; index < frames_; ++index) {
        const std::filesystem::path file = numbering_.path(index);
        rename_file(codecs::temporary_name(file, ".part"), file, overwrite_);
    }
    remove_older_frames();
    lock_->discard();
    sync_folder(numbering_.folder());
}

void SequenceSink::remove_older_frames() const {
    std::error_code error;
    for (const auto& [index, file] : numbering_.existing())
        if (overwrite_ && index >= frames_) std::filesystem::remove(file, error);
}

}  // namespace

std::unique_ptr<Sink> make_png_sink(const std::string& target, const VideoInfo& info, const SinkOptions& options) {
    check_options(options);
    if (const auto numbering = Numbering::parse(target))
        return std::make_unique<SequenceSink>(target, *numbering, info, options.overwrite);
    check(info.frames <= 1, ErrorCode::Usage, "{} frames do not fit into {}, expected DIR/%04d.png", info.frames,
          target == "-" ? "one picture on standard output" : shown_name(target));
    return std::make_unique<PictureSink>(target, info, options.overwrite);
}

}  // namespace kine::codecs
