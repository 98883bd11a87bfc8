// Small libraries of ours that tie the program to software which not every machine has: opened when they are needed.
#pragma once

#include <string>

namespace kine {

/// The table that `symbol` names in the library `file`, which lies beside the program or where an installation puts it.
/// Null where it cannot be opened, with the reason.
const void* open_plugin(const char* file, const char* symbol, std::string& reason);

}  // namespace kine
