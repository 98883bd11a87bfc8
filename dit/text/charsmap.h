// The compiled normalisation rules inside a SentencePiece model: which characters become which others (NFKC and more).
// The file is not trusted, so every step that any text can take through the trie is tried when it is opened.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kine::dit {

/// Layout: u32 size of the trie in bytes, the units of a double array (Aoe 1989, in the form of Darts-clone), then the
/// replacements, each ended by NUL. Immutable; safe for several threads.
class Charsmap {
  public:
    /// One unit of the double array: label in the low byte, leaf flag in bit 8, offset to the children above. A leaf's
    /// own unit holds a 31-bit value with the top bit set.
    struct Unit {
        uint32_t bits = 0;

        uint32_t offset() const { return (bits >> 10) << ((bits & 0x200u) >> 6); }
        uint32_t label() const { return bits & 0x800000FFu; }
        bool has_leaf() const { return ((bits >> 8) & 1u) != 0; }
        uint32_t value() const { return bits & 0x7FFFFFFFu; }
    };
    struct Match {
        size_t bytes = 0;  ///< of the text; 0: no rule
        std::string_view replacement;
    };

    Charsmap() = default;  ///< no rules
    /// Throws ErrorCode::BadInput if a walk could leave the array or go in a circle, or if a replacement is not UTF-8.
    /// `where` names file and field.
    Charsmap(std::string_view file, std::string_view where);

    /// The longest rule that matches at the start of `text`.
    Match longest_match(std::string_view text) const;

  private:
    std::vector<Unit> units_;
    std::string replacements_;
};

}  // namespace kine::dit
