// Cuts a normalised text into the pieces whose scores sum to most (Kudo 2018, arXiv 1804.10959): dynamic programming
// over the end positions, linear in the text.
#pragma once

#include "dit/text/prefix_index.h"
#include "dit/text/sentencepiece_model.h"

namespace kine::dit {

/// Immutable; safe for several threads. The model must outlive it.
class Unigram {
  public:
    explicit Unigram(const SentencePieceModel& model);

    std::vector<int64_t> encode(std::string_view text) const;

  private:
    struct Best;  // the best way to reach a position

    void extend(std::string_view text, size_t begin, std::vector<Best>& best) const;
    std::vector<int64_t> ids_of(std::string_view text, const std::vector<Best>& best) const;

    PrefixIndex words_;
    std::vector<float> scores_;  // by id
    std::vector<int64_t> byte_ids_;
    int64_t unknown_id_;
    float unknown_score_;
};

}  // namespace kine::dit
