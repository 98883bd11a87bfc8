// What FFmpeg says by itself.
#pragma once

namespace kine::codecs {

/// Makes FFmpeg's own messages stop, in the whole process: it has one log for all. For programs; a library must leave
/// this to its host.
void silence_libav();

}  // namespace kine::codecs
