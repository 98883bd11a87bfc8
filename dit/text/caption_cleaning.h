// What captions went through before a text encoder saw them in training (PixArt, DeepFloyd IF, Open-Sora): links, tags,
// handles, file names, ids and ornaments go, the rest becomes plain lower case.
#pragma once

#include <string>
#include <string_view>

namespace kine::dit {

/// One pass; the pipelines make two. Plain prompts are only lower-cased. Of a very long text only the beginning is
/// read, more than any encoder takes. Throws ErrorCode::Usage for text that is not UTF-8 or holds NUL.
std::string clean_caption(std::string_view caption);

}  // namespace kine::dit
