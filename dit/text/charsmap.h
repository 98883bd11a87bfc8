// The compiled normalisation rules inside a SentencePiece model: a trie that libsentencepiece 0.1.97 walks without any
// bound check. A crafted one makes it read anywhere, so every step that any text can take is tried here first.
#pragma once

#include <string_view>

namespace kine::dit {

/// Layout: u32 size of the trie in bytes, the units of a double array (Aoe 1989, in the form of Darts-clone), then the
/// replacements, each ended by NUL. Throws ErrorCode::BadInput if a walk could leave the array, go in a circle or find
/// more matches than the library's buffer holds, or if a replacement is not UTF-8. `where` names file and field.
/// An empty map (no rules) is fine.
void check_charsmap(std::string_view charsmap, std::string_view where);

}  // namespace kine::dit
