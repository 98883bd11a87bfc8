// What Open-Sora makes of a prompt before its tokens are counted.
#pragma once

#include <string>
#include <string_view>

namespace kine::dit::open_sora {

/// Without the JSON tail; of a list "|0|text|4|text" the first segment; with the scores of `options`
/// ("aesthetic_score=6.5,motion_score=4,camera_motion=pan left", "none" for none) appended unless the prompt has them;
/// cleaned twice. Throws ErrorCode::Usage for options that are none and for lists whose numbers are none.
std::string final_prompt(std::string_view prompt, std::string_view options);

}  // namespace kine::dit::open_sora
