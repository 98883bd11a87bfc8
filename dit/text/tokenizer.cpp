#include "dit/text/tokenizer.h"

#include "dit/text/sentencepiece_model.h"
#include "dit/text/special_tokens.h"
#include "dit/text/unicode_lower.h"
#include "dit/text/utf8.h"
#include "runtime/error.h"
#include "runtime/io/json.h"

#include <sentencepiece_processor.h>

#include <algorithm>

namespace kine::dit {
namespace {

constexpr size_t kMaxPromptBytes = size_t{1} << 20;
constexpr int64_t kMaxModelBytes = int64_t{64} << 20;

bool is_word_byte(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
}

// The first space at or behind `size` that stands between two plain letters or digits: no normalisation rule reaches
// across it, so what lies before it becomes the same pieces with and without the rest.
size_t end_of_prefix(std::string_view text, size_t size) {
    for (size_t i = std::max<size_t>(size, 1); i + 1 < text.size(); ++i) {
        if (text[i] == ' ' && is_word_byte(text[i - 1]) && is_word_byte(text[i + 1])) return i;
    }
    return text.size();
}

void check_prompt(std::string_view text) {
    check(text.size() <= kMaxPromptBytes, ErrorCode::Usage, "prompt: {} bytes, at most {} are read", text.size(),
          kMaxPromptBytes);
    const size_t invalid = find_invalid_utf8(text);
    check(invalid == std::string_view::npos, ErrorCode::Usage, "prompt: not UTF-8 at byte {}", invalid);
    check(text.find('\0') == std::string_view::npos, ErrorCode::Usage, "prompt: holds NUL at byte {}", text.find('\0'));
}

class SentencePieceTokenizer final : public Tokenizer {
  public:
    SentencePieceTokenizer(const SentencePieceModel& model, SpecialTokens special, std::string_view where);

    Tokens encode(std::string_view text, int64_t length) const override;
    int64_t vocabulary_size() const override { return special_.largest_id() + 1; }
    bool is_unknown(int64_t id) const override { return id == unknown_id_; }

  private:
    std::vector<int64_t> first_ids(std::string_view text, size_t wanted) const;
    void append_pieces(std::string_view text, size_t wanted, std::vector<int64_t>& ids) const;

    sentencepiece::SentencePieceProcessor processor_;
    SpecialTokens special_;
    int64_t unknown_id_;
    bool cuts_at_spaces_;
};

SentencePieceTokenizer::SentencePieceTokenizer(const SentencePieceModel& model, SpecialTokens special,
                                               std::string_view where)
    : special_(std::move(special)), unknown_id_(model.unknown_id()), cuts_at_spaces_(!model.crosses_spaces()) {
    const auto status = processor_.LoadFromSerializedProto(model.serialize());
    check(status.ok(), ErrorCode::BadInput, "{}: refused by sentencepiece: {}", where, status.ToString());
}

Tokens SentencePieceTokenizer::encode(std::string_view text, int64_t length) const {
    check(length >= 1, ErrorCode::Bug, "tokenizer: length {}, expected at least 1", length);
    check_prompt(text);
    const auto room = static_cast<size_t>(length) - 1;
    Tokens tokens;
    tokens.ids = first_ids(text, room + 1);
    tokens.truncated = tokens.ids.size() > room;
    tokens.ids.resize(std::min(tokens.ids.size(), room));
    tokens.ids.push_back(special_.end_id());
    tokens.length = static_cast<int64_t>(tokens.ids.size());
    tokens.mask.assign(tokens.ids.size(), 1);
    tokens.ids.resize(static_cast<size_t>(length), special_.padding_id());
    tokens.mask.resize(static_cast<size_t>(length), 0);
    return tokens;
}

// At least `wanted` ids where the text has as many. Text between special tokens is encoded on its own, each part with
// its own leading space, as transformers' T5Tokenizer does.
std::vector<int64_t> SentencePieceTokenizer::first_ids(std::string_view text, size_t wanted) const {
    std::vector<int64_t> ids;
    for (size_t offset = 0; offset < text.size() && ids.size() < wanted;) {
        const SpecialTokens::Match match = special_.find(text, offset);
        append_pieces(text.substr(offset, match.begin - offset), wanted, ids);
        if (match.begin < match.end) ids.push_back(match.id);
        offset = match.end;
    }
    return ids;
}

// The library's time and memory grow with the whole text, however few pieces are wanted: it gets a prefix, and a longer
// one while that gives too few.
void SentencePieceTokenizer::append_pieces(std::string_view text, size_t wanted, std::vector<int64_t>& ids) const {
    std::vector<int> pieces;
    for (size_t size = std::max<size_t>(4096, 16 * wanted);; size *= 4) {
        const std::string_view prefix = text.substr(0, cuts_at_spaces_ ? end_of_prefix(text, size) : text.size());
        const auto status = processor_.Encode(prefix, &pieces);
        check(status.ok(), ErrorCode::Other, "prompt: sentencepiece: {}", status.ToString());
        if (prefix.size() == text.size() || ids.size() + pieces.size() >= wanted) break;
    }
    ids.insert(ids.end(), pieces.begin(), pieces.end());
}

std::filesystem::path model_file(const std::filesystem::path& directory) {
    for (const char* name : {"spiece.model", "tokenizer.model"}) {
        std::error_code ignored;
        if (std::filesystem::exists(directory / name, ignored)) return directory / name;
    }
    fail(ErrorCode::BadInput, "{}: neither spiece.model nor tokenizer.model", directory.string());
}

Json tokenizer_config(const std::filesystem::path& file) {
    std::error_code ignored;
    return std::filesystem::exists(file, ignored) ? read_json(file) : Json::object();
}

}  // namespace

std::unique_ptr<Tokenizer> open_sentencepiece(const std::filesystem::path& directory) {
    const std::filesystem::path file = model_file(directory);
    const SentencePieceModel model = SentencePieceModel::parse(read_text(file, kMaxModelBytes), file.string());
    const std::filesystem::path config = directory / "tokenizer_config.json";
    SpecialTokens special(tokenizer_config(config), config.string(), model);
    return std::make_unique<SentencePieceTokenizer>(model, std::move(special), file.string());
}

std::string lower_and_strip(std::string_view text) { return std::string(strip_unicode(lower_unicode(text))); }

}  // namespace kine::dit
