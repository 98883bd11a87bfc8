#include "codecs/av/quiet.h"

extern "C" {
#include <libavutil/log.h>
}

namespace kine::codecs {

void silence_libav() { av_log_set_level(AV_LOG_QUIET); }

}  // namespace kine::codecs
