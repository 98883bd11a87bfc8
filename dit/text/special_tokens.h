// The pieces of a text that are taken literally before SentencePiece sees the rest: </s>, <pad>, <extra_id_7>. They
// come from tokenizer_config.json; those that the vocabulary lacks get ids behind it.
#pragma once

#include "dit/text/sentencepiece_model.h"

#include <nlohmann/json_fwd.hpp>

#include <array>
#include <map>
#include <utility>

namespace kine::dit {

/// Immutable; safe for several threads.
class SpecialTokens {
  public:
    struct Match {
        size_t begin = 0;
        size_t end = 0;  ///< begin == end: none
        int64_t id = 0;
    };

    /// Throws ErrorCode::BadInput naming `where`, the tokenizer_config.json, and the key; Unsupported for tokens that
    /// match whole words only.
    SpecialTokens(const nlohmann::json& config, std::string_view where, const SentencePieceModel& model);

    int64_t end_id() const { return end_id_; }          ///< </s>
    int64_t padding_id() const { return padding_id_; }  ///< <pad>
    int64_t largest_id() const { return largest_id_; }
    /// The first special token at or behind `offset`; of several that start there the longest.
    Match find(std::string_view text, size_t offset) const;

  private:
    using Token = std::pair<std::string, int64_t>;

    int64_t end_id_ = 1;
    int64_t padding_id_ = 0;
    int64_t largest_id_ = -1;
    std::array<std::vector<Token>, 256> by_first_byte_;  // longest first
};

}  // namespace kine::dit
