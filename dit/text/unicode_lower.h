// Lower case for all of Unicode, as Python's str.lower() does it: prompts are cleaned by Python in the pipelines that
// the models were trained with.
#pragma once

#include <string>
#include <string_view>

namespace kine::dit {

/// Malformed bytes are copied as they are. U+0130 becomes two code points, a capital sigma at the end of a word the
/// final form.
std::string lower_unicode(std::string_view text);

/// Without white space at both ends; what Python's str.strip() takes for white space.
std::string_view strip_unicode(std::string_view text);

}  // namespace kine::dit
