#include "codecs/output/shown_name.h"

#include "runtime/printable.h"

namespace kine::codecs {

std::string shown_name(std::string_view name) { return "'" + printable(name, 1024) + "'"; }

}  // namespace kine::codecs
