#include "codecs/av/quiet.h"

#include <cstdlib>

extern "C" {
#include <libavutil/log.h>
}

namespace kine::codecs {

void silence_libav() {
    av_log_set_level(AV_LOG_QUIET);
    ::setenv("SVT_LOG", "0", 0);  // SVT-AV1 talks by itself, as this variable says; a user's own word stands
}

}  // namespace kine::codecs
