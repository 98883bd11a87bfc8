// A container being written through our own Output, so that a full disk or a reader that left comes back with its
// reason.
#pragma once

#include "codecs/av/handles.h"
#include "codecs/output/output.h"

#include <map>

namespace kine::codecs {

/// One thread at a time. Flushes what is complete after every packet.
class Muxer {
  public:
    Muxer(Output& output, const std::string& format_name);
    ~Muxer();
    Muxer(const Muxer&) = delete;
    Muxer& operator=(const Muxer&) = delete;

    bool wants_global_header() const;
    void set_metadata(const std::map<std::string, std::string>& metadata);
    AVFormatContext& format() { return *format_; }
    AVStream& add_stream(AVRational time_base);
    /// Options must all be known to the container.
    void begin(Options& options);
    /// `time_base` is the packet's.
    void write(AVPacket& packet, AVRational time_base);
    void finish();

  private:
    void expect(int result);

    Output& output_;
    AVFormatContext* format_ = nullptr;
    bool needs_trailer_ = false;
    int write_error_ = 0;  // errno of the first failed write: libav forgets it on the way

    static int write_bytes(void* opaque, uint8_t* bytes, int count);
    static int64_t seek(void* opaque, int64_t offset, int whence);
};

}  // namespace kine::codecs
