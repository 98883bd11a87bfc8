// A file name as it stands in a message.
#pragma once

#include <string>
#include <string_view>

namespace kine::codecs {

/// In quotes and made printable.
std::string shown_name(std::string_view name);

}  // namespace kine::codecs
