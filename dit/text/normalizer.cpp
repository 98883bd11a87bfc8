#include "dit/text/normalizer.h"

#include "dit/text/utf8.h"

#include <algorithm>

namespace kine::dit {

Normalizer::Normalizer(const SentencePieceModel& model)
    : rules_(model.normalizer()), space_(rules_.escapes_spaces ? kVisibleSpace : " ") {
    std::vector<PrefixIndex::Word> literals;
    for (const SentencePiece& piece : model.pieces())
        if (piece.type == SentencePiece::Type::UserDefined) literals.push_back({piece.text, 0});
    literals_ = PrefixIndex(std::move(literals));
}

size_t Normalizer::literal_length(std::string_view text) const {
    size_t longest = 0;
    literals_.each_prefix(text, [&longest](const PrefixIndex::Word& word) { longest = word.text.size(); });
    return longest;
}

Normalizer::Step Normalizer::next(std::string_view text) const {
    if (const size_t literal = literal_length(text); literal > 0) return {literal, text.substr(0, literal)};
    const Charsmap::Match match = rules_.charsmap.longest_match(text);
    if (match.bytes > 0) return {match.bytes, match.replacement};
    // A rule may end inside a character of ours only in a crafted map; then the rest goes byte by byte.
    const auto bytes = static_cast<size_t>(std::max(decode_utf8(text, 0).bytes, 1));
    return {bytes, text.substr(0, bytes)};
}

void Normalizer::append(std::string& out, std::string_view part) const {
    for (const char byte : part) out.append(byte == ' ' ? space_ : std::string_view(&byte, 1));
}

std::string Normalizer::operator()(std::string_view text) const {
    if (rules_.removes_extra_spaces)
        while (!text.empty() && next(text).becomes == " ") text.remove_prefix(next(text).bytes);
    std::string out;
    if (text.empty()) return out;
    if (rules_.adds_prefix && !rules_.suffixes_spaces) out.append(space_);
    for (bool follows_space = rules_.removes_extra_spaces; !text.empty();) {
        Step step = next(text);
        text.remove_prefix(step.bytes);
        while (follows_space && step.becomes.starts_with(' ')) step.becomes.remove_prefix(1);
        append(out, step.becomes);
        if (!step.becomes.empty()) follows_space = rules_.removes_extra_spaces && step.becomes.ends_with(' ');
    }
    while (rules_.removes_extra_spaces && out.ends_with(space_)) out.resize(out.size() - space_.size());
    if (rules_.adds_prefix && rules_.suffixes_spaces) out.append(space_);
    return out;
}

}  // namespace kine::dit
