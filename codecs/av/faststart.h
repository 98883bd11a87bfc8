// The last step of an MP4: a fragmented file survives a kill but seeks poorly and hides its length from simple players,
// so close() copies the finished stream, bit by bit, into a plain file with its index in front.
#pragma once

#include "codecs/output/output.h"

#include <map>

namespace kine::codecs {

/// Copies the video stream of the finished file behind `from` into `to`; the first frame is shown at 0.
void copy_with_index_first(const Output& from, Output& to, const std::map<std::string, std::string>& metadata);

}  // namespace kine::codecs
