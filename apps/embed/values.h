// Option values that are more than a number: byte sizes, files with a tensor name, prompts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kine::embed {

/// "4294967296", "512M", "1.5G": K, M and G count in 1024s, "B" and "iB" may follow. Throws ErrorCode::Usage.
int64_t parse_bytes(std::string_view what, std::string_view text);

/// FILE[:NAME]; an existing file of that whole name wins, so colons in paths stay possible.
struct TensorFile {
    std::string path;
    std::string name;  ///< empty: the tensor "latents", else the only one
};
TensorFile parse_tensor_file(std::string_view text);

/// A prompt must be UTF-8, at most kMaxPromptBytes, without control characters other than white space.
inline constexpr size_t kMaxPromptBytes = 64 << 10;
void check_prompt(std::string_view what, std::string_view text);

/// 32 bits from the system, so that people can read and type the number.
uint64_t random_seed();

}  // namespace kine::embed
