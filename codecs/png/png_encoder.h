// Frames as PNG files in memory: exact 8-bit RGB.
#pragma once

#include "codecs/av/handles.h"
#include "codecs/png/texts.h"
#include "runtime/frame/frame.h"

namespace kine::codecs {

/// One thread at a time.
class PngEncoder {
  public:
    PngEncoder(int width, int height);
    std::vector<uint8_t> operator()(const Frame& frame, const Texts& texts = {});

  private:
    CodecPointer encoder_;
    PacketPointer packet_ = make_packet();
};

}  // namespace kine::codecs
