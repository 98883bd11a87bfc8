// What pipelines do to a prompt with ftfy and html before it is cut into tokens: entities become characters, curly
// quotes straight, text that was decoded wrongly is repaired, commands to terminals go, white space becomes single
// spaces. Full-width letters,
// ligatures and composed characters are left to the tokenizer, whose vocabulary brings the same rules (NFKC).
#pragma once

#include <string>
#include <string_view>

namespace kine::dit {

/// Malformed UTF-8 is copied as it is.
std::string clean_text(std::string_view text);

/// UTF-8 that was read as Windows-1252, "cafÃ©", as it was meant, "café".
std::string repair_mojibake(std::string_view text);

}  // namespace kine::dit
