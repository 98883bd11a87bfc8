// All words of a list that a text begins with, without a trie: the words are sorted, and each byte of the text narrows
// the range of those that begin like it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace kine::dit {

/// Immutable; safe for several threads. The words' bytes must outlive it.
class PrefixIndex {
  public:
    struct Word {
        std::string_view text;
        int64_t id = 0;
    };

    PrefixIndex() = default;
    explicit PrefixIndex(std::vector<Word> words) : words_(std::move(words)) {
        std::ranges::sort(words_, {}, &Word::text);
    }

    /// Calls visit(word) for each word that `text` begins with, the shortest first. No word may be there twice.
    template <class Visit>
    void each_prefix(std::string_view text, Visit&& visit) const {
        std::span<const Word> words(words_);
        for (size_t depth = 0; depth < text.size() && !words.empty(); ++depth) {
            const auto byte_at = [depth](const Word& word) { return static_cast<unsigned char>(word.text[depth]); };
            const auto same = std::ranges::equal_range(words, static_cast<unsigned char>(text[depth]), {}, byte_at);
            words = std::span<const Word>(same.begin(), same.end());
            if (words.empty() || words.front().text.size() != depth + 1) continue;
            visit(words.front());
            words = words.subspan(1);  // it has no further byte
        }
    }

  private:
    std::vector<Word> words_;
};

}  // namespace kine::dit
