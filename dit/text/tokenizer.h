// SentencePiece unigram tokenizer with T5's rules. Vocabulary files are checked before the library sees them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace kine::dit {

struct Tokens {
    std::vector<int64_t> ids;   ///< padded to the length asked for
    std::vector<uint8_t> mask;  ///< 1 for tokens, 0 for padding
    int64_t length = 0;         ///< tokens, </s> included
    bool truncated = false;     ///< the text was longer
};

/// Immutable; safe for several threads.
class Tokenizer {
  public:
    virtual ~Tokenizer() = default;
    /// `text` is UTF-8, at most 1 MiB. Throws ErrorCode::Usage for invalid UTF-8 or NUL.
    virtual Tokens encode(std::string_view text, int64_t length) const = 0;
    virtual int64_t vocabulary_size() const = 0;  ///< largest id + 1
    virtual bool is_unknown(int64_t id) const = 0;
};

/// `directory` holds spiece.model (or tokenizer.model) and tokenizer_config.json. Throws ErrorCode::BadInput.
std::unique_ptr<Tokenizer> open_sentencepiece(const std::filesystem::path& directory);
/// Whether `directory` holds either of them.
bool has_sentencepiece(const std::filesystem::path& directory);
/// The same from the bytes of a spiece.model, with T5's own special tokens.
std::unique_ptr<Tokenizer> parse_sentencepiece(std::string_view bytes, std::string_view where);

/// The text cleaning that T5 video pipelines do without ftfy and BeautifulSoup: lower case (Unicode), strip.
std::string lower_and_strip(std::string_view text);

}  // namespace kine::dit
