#include "dit/text/unigram.h"

#include "dit/text/utf8.h"

#include <algorithm>
#include <limits>

namespace kine::dit {
namespace {

constexpr float kUnknownPenalty = 10.0f;     // below the rarest piece
constexpr float kUserDefinedPenalty = 0.1f;  // a user's piece beats any cutting of it into others
constexpr size_t kUnreached = std::numeric_limits<size_t>::max();

struct ScoreRange {
    float low = std::numeric_limits<float>::max();
    float high = std::numeric_limits<float>::lowest();
};

ScoreRange score_range(const SentencePieceModel& model) {
    ScoreRange range;
    for (const SentencePiece& piece : model.pieces()) {
        if (piece.type != SentencePiece::Type::Normal) continue;
        range.low = std::min(range.low, piece.score);
        range.high = std::max(range.high, piece.score);
    }
    return range;
}

}  // namespace

struct Unigram::Best {
    float score = 0.0f;
    size_t begin = kUnreached;
    int64_t id = 0;
};

Unigram::Unigram(const SentencePieceModel& model) : byte_ids_(model.byte_ids()), unknown_id_(model.unknown_id()) {
    const ScoreRange range = score_range(model);
    unknown_score_ = range.low - kUnknownPenalty;
    std::vector<PrefixIndex::Word> words;
    for (const SentencePiece& piece : model.pieces()) {
        const bool is_own = piece.type == SentencePiece::Type::UserDefined;
        const float own_score = static_cast<float>(piece.text.size()) * range.high - kUserDefinedPenalty;
        const auto id = static_cast<int64_t>(scores_.size());
        scores_.push_back(is_own ? own_score : piece.score);
        if (is_own || piece.type == SentencePiece::Type::Normal) words.push_back({piece.text, id});
    }
    words_ = PrefixIndex(std::move(words));
}

void Unigram::extend(std::string_view text, size_t begin, std::vector<Best>& best) const {
    const auto reach = [&](size_t end, float score, int64_t id) {
        const float total = best[begin].score + score;
        if (best[end].begin == kUnreached || total > best[end].score) best[end] = {total, begin, id};
    };
    const auto character = static_cast<size_t>(std::max(decode_utf8(text, begin).bytes, 1));
    bool is_known = false;
    words_.each_prefix(text.substr(begin), [&](const PrefixIndex::Word& word) {
        reach(begin + word.text.size(), scores_[static_cast<size_t>(word.id)], word.id);
        is_known = is_known || word.text.size() == character;
    });
    if (!is_known) reach(begin + character, unknown_score_, unknown_id_);
}

// A run of unknown characters is one unknown piece, unless bytes can spell it.
std::vector<int64_t> Unigram::ids_of(std::string_view text, const std::vector<Best>& best) const {
    std::vector<int64_t> backwards;
    for (size_t end = text.size(); end > 0; end = best[end].begin) {
        const bool is_unknown = best[end].id == unknown_id_;
        if (is_unknown && !byte_ids_.empty()) {
            for (size_t at = end; at > best[end].begin; --at)
                backwards.push_back(byte_ids_[static_cast<unsigned char>(text[at - 1])]);
        } else if (!is_unknown || backwards.empty() || backwards.back() != unknown_id_) {
            backwards.push_back(best[end].id);
        }
    }
    return {backwards.rbegin(), backwards.rend()};
}

std::vector<int64_t> Unigram::encode(std::string_view text) const {
    std::vector<Best> best(text.size() + 1);
    for (size_t begin = 0; begin < text.size();) {
        extend(text, begin, best);
        begin += static_cast<size_t>(std::max(decode_utf8(text, begin).bytes, 1));
    }
    return ids_of(text, best);
}

}  // namespace kine::dit
