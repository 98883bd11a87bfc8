// Text of strangers made fit for a message: a name from a file must not move a terminal's cursor or fill its screen.
#pragma once

#include <string>
#include <string_view>

namespace kine {

/// Control characters, bidirectional overrides and bytes that are not UTF-8 become \xNN or \uNNNN; what is longer than
/// `most_bytes` is cut and its length given.
std::string printable(std::string_view text, size_t most_bytes = 160);

}  // namespace kine
