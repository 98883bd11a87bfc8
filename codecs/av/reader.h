// libav reading through a file descriptor of ours: it never sees a path that it might take for a protocol.
#pragma once

#include "codecs/av/handles.h"

namespace kine::codecs {

/// A reader over a descriptor, which it does not own. Null if memory is short.
AVIOContext* make_reader(int descriptor);
void free_reader(AVIOContext* reader);

}  // namespace kine::codecs
