#include "dit/text/tokenizer.h"

#include "dit/text/normalizer.h"
#include "dit/text/sentencepiece_model.h"
#include "dit/text/special_tokens.h"
#include "dit/text/unicode_lower.h"
#include "dit/text/unigram.h"
#include "dit/text/utf8.h"
#include "runtime/error.h"
#include "runtime/io/json.h"

#include <algorithm>

namespace kine::dit {
namespace {

constexpr size_t kMaxPromptBytes = size_t{1} << 20;
constexpr int64_t kMaxModelBytes = int64_t{64} << 20;

void check_prompt(std::string_view text) {
    check(text.size() <= kMaxPromptBytes, ErrorCode::Usage, "prompt: {} bytes, at most {} are read", text.size(),
          kMaxPromptBytes);
    const size_t invalid = find_invalid_utf8(text);
    check(invalid == std::string_view::npos, ErrorCode::Usage, "prompt: not UTF-8 at byte {}", invalid);
    check(text.find('\0') == std::string_view::npos, ErrorCode::Usage, "prompt: holds NUL at byte {}", text.find('\0'));
}

class SentencePieceTokenizer final : public Tokenizer {
  public:
    SentencePieceTokenizer(SentencePieceModel model, SpecialTokens special)
        : model_(std::move(model)), special_(std::move(special)), normalize_(model_), unigram_(model_) {}

    Tokens encode(std::string_view text, int64_t length) const override;
    int64_t vocabulary_size() const override { return special_.largest_id() + 1; }
    bool is_unknown(int64_t id) const override { return id == model_.unknown_id(); }

  private:
    std::vector<int64_t> first_ids(std::string_view text, size_t wanted) const;

    SentencePieceModel model_;
    SpecialTokens special_;
    Normalizer normalize_;
    Unigram unigram_;
};

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
        const auto pieces = unigram_.encode(normalize_(text.substr(offset, match.begin - offset)));
        ids.insert(ids.end(), pieces.begin(), pieces.end());
        if (match.begin < match.end) ids.push_back(match.id);
        offset = match.end;
    }
    return ids;
}

/// Empty where there is none.
std::filesystem::path model_file(const std::filesystem::path& directory) {
    for (const char* name : {"spiece.model", "tokenizer.model"}) {
        std::error_code ignored;
        if (std::filesystem::exists(directory / name, ignored)) return directory / name;
    }
    return {};
}

Json tokenizer_config(const std::filesystem::path& file) {
    std::error_code ignored;
    return std::filesystem::exists(file, ignored) ? read_json(file) : Json::object();
}

}  // namespace

bool has_sentencepiece(const std::filesystem::path& directory) { return !model_file(directory).empty(); }

std::unique_ptr<Tokenizer> open_sentencepiece(const std::filesystem::path& directory) {
    const std::filesystem::path file = model_file(directory);
    check(!file.empty(), ErrorCode::BadInput, "{}: neither spiece.model nor tokenizer.model", directory.string());
    SentencePieceModel model = SentencePieceModel::parse(read_text(file, kMaxModelBytes), file.string());
    const std::filesystem::path config = directory / "tokenizer_config.json";
    SpecialTokens special(tokenizer_config(config), config.string(), model);
    return std::make_unique<SentencePieceTokenizer>(std::move(model), std::move(special));
}

std::unique_ptr<Tokenizer> parse_sentencepiece(std::string_view bytes, std::string_view where) {
    SentencePieceModel model = SentencePieceModel::parse(bytes, where);
    SpecialTokens special(Json::object(), where, model);
    return std::make_unique<SentencePieceTokenizer>(std::move(model), std::move(special));
}

std::string lower_and_strip(std::string_view text) { return std::string(strip_unicode(lower_unicode(text))); }

}  // namespace kine::dit
