// What FFmpeg says by itself.
#pragma once

namespace kine::codecs {

/// Makes the messages of FFmpeg and of SVT-AV1 stop, in the whole process: each has one log. For programs; a library
/// must leave this to its host.
void silence_libav();

}  // namespace kine::codecs
