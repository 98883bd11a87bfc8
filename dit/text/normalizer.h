// From a text as typed to the string that is cut into pieces: characters replaced, spaces tidied and made visible.
#pragma once

#include "dit/text/prefix_index.h"
#include "dit/text/sentencepiece_model.h"

namespace kine::dit {

/// Stands for a space inside pieces: U+2581.
inline constexpr std::string_view kVisibleSpace = "\xE2\x96\x81";

/// Immutable; safe for several threads. The model must outlive it.
class Normalizer {
  public:
    explicit Normalizer(const SentencePieceModel& model);

    /// `text` is valid UTF-8.
    std::string operator()(std::string_view text) const;

  private:
    struct Step {
        size_t bytes;  // of the text
        std::string_view becomes;
    };
    Step next(std::string_view text) const;
    size_t literal_length(std::string_view text) const;
    void append(std::string& out, std::string_view part) const;

    const NormalizerRules& rules_;
    std::string_view space_;  // as it stands in pieces
    PrefixIndex literals_;    // user-defined pieces, kept as typed
};

}  // namespace kine::dit
