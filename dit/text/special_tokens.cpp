#include "dit/text/special_tokens.h"

#include "runtime/error.h"
#include "runtime/io/json.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_map>

namespace kine::dit {
namespace {

constexpr size_t kMaxTokens = 10'000;
constexpr size_t kMaxTokenBytes = 256;
constexpr int64_t kMaxId = int64_t{1} << 24;
constexpr int64_t kUsualExtraIds = 100;  // what T5's tokenizer adds when its file does not say

std::string extra_id_name(int64_t index) { return "<extra_id_" + std::to_string(index) + ">"; }

// Collects the tokens of one configuration: a text has one id, an id has one text.
class TokenList {
  public:
    TokenList(const Json& config, std::string_view where, const SentencePieceModel& model);

    void add_decoder();
    void add_extra_ids();
    void add_listed(std::string_view key);
    /// The token that `key` names; nothing where the vocabulary lacks it.
    std::optional<int64_t> add_named(const std::string& key, const std::string& usual);

    const std::map<std::string, int64_t>& tokens() const { return tokens_; }
    int64_t first_free_id() const { return first_free_id_; }

  private:
    void add(const std::string& text, int64_t id);
    void add_at_end(const std::string& text);
    std::optional<int64_t> id_of(const std::string& text) const;
    std::string text_of(const Json& token, std::string_view key) const;
    int64_t extra_id_count() const;
    std::vector<std::string> listed(std::string_view key) const;
    int64_t parse_id(const std::string& key) const;

    const Json& config_;
    std::string_view where_;
    const std::vector<SentencePiece>& pieces_;
    std::unordered_map<std::string_view, int64_t> vocabulary_;
    std::map<std::string, int64_t> tokens_;
    std::map<int64_t, std::string> texts_;
    int64_t first_free_id_;
};

TokenList::TokenList(const Json& config, std::string_view where, const SentencePieceModel& model)
    : config_(config), where_(where), pieces_(model.pieces()), first_free_id_(static_cast<int64_t>(pieces_.size())) {
    check(config.is_object(), ErrorCode::BadInput, "{}: expected an object, is {}", where, config.type_name());
    for (size_t id = 0; id < pieces_.size(); ++id) vocabulary_.emplace(pieces_[id].text, static_cast<int64_t>(id));
}

std::optional<int64_t> TokenList::id_of(const std::string& text) const {
    if (const auto token = tokens_.find(text); token != tokens_.end()) return token->second;
    if (const auto piece = vocabulary_.find(text); piece != vocabulary_.end()) return piece->second;
    return std::nullopt;
}

void TokenList::add(const std::string& text, int64_t id) {
    check(!text.empty() && text.size() <= kMaxTokenBytes, ErrorCode::BadInput,
          "{}: special token of {} bytes, expected 1 to {}", where_, text.size(), kMaxTokenBytes);
    check(tokens_.size() < kMaxTokens, ErrorCode::BadInput, "{}: more than {} special tokens", where_, kMaxTokens);
    const int64_t known = id_of(text).value_or(id);
    check(known == id, ErrorCode::BadInput, "{}: special token '{}' has the ids {} and {}", where_, text, known, id);
    const auto [other, is_new] = texts_.emplace(id, text);
    check(is_new || other->second == text, ErrorCode::BadInput, "{}: id {} means '{}' and '{}'", where_, id,
          other->second, text);
    const bool is_piece = id < static_cast<int64_t>(pieces_.size());
    check(!is_piece || pieces_[static_cast<size_t>(id)].text == text, ErrorCode::BadInput,
          "{}: special token '{}' has id {}, which is another piece of the vocabulary", where_, text, id);
    tokens_.emplace(text, id);
    first_free_id_ = std::max(first_free_id_, id + 1);
}

void TokenList::add_at_end(const std::string& text) { add(text, id_of(text).value_or(first_free_id_)); }

std::string TokenList::text_of(const Json& token, std::string_view key) const {
    const Json* text = &token;
    if (token.is_object() && token.contains("content")) text = &token["content"];
    check(text->is_string(), ErrorCode::BadInput, "{}: {}: expected a token's text, is {}", where_, key,
          text->type_name());
    return text->get<std::string>();
}

int64_t TokenList::parse_id(const std::string& key) const {
    int64_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    const bool is_number = error == std::errc() && end == key.data() + key.size();
    check(is_number && id >= 0 && id < kMaxId, ErrorCode::BadInput,
          "{}: added_tokens_decoder: id '{}', expected 0 to {}", where_, key, kMaxId - 1);
    return id;
}

void TokenList::add_decoder() {
    const auto decoder = config_.find("added_tokens_decoder");
    if (decoder == config_.end() || decoder->is_null()) return;
    check(decoder->is_object(), ErrorCode::BadInput, "{}: added_tokens_decoder: expected an object, is {}", where_,
          decoder->type_name());
    for (const auto& [key, token] : decoder->items()) {
        const auto single_word = token.find("single_word");
        check(single_word == token.end() || *single_word != Json(true), ErrorCode::Unsupported,
              "{}: added_tokens_decoder: {}: single_word is true, only false is supported", where_, key);
        add(text_of(token, key), parse_id(key));
    }
}

std::vector<std::string> TokenList::listed(std::string_view key) const {
    const auto list = config_.find(key);
    std::vector<std::string> texts;
    if (list == config_.end() || list->is_null()) return texts;
    check(list->is_array() || list->is_object(), ErrorCode::BadInput, "{}: {}: expected a list, is {}", where_, key,
          list->type_name());
    for (const Json& token : *list) texts.push_back(text_of(token, key));
    return texts;
}

void TokenList::add_listed(std::string_view key) {
    for (const std::string& text : listed(key)) add_at_end(text);
}

int64_t TokenList::extra_id_count() const {
    const auto stated = config_.find("extra_ids");
    if (stated != config_.end() && !stated->is_null()) {
        const bool fits = stated->is_number_integer() && *stated >= 0 && *stated <= kMaxTokens;
        check(fits, ErrorCode::BadInput, "{}: extra_ids is {}, expected 0 to {}", where_, stated->dump(), kMaxTokens);
        return stated->get<int64_t>();
    }
    return config_.empty() ? 0 : kUsualExtraIds;
}

// The last extra id comes first: <extra_id_99> follows the vocabulary, <extra_id_0> ends it.
void TokenList::add_extra_ids() {
    const int64_t count = extra_id_count();
    const auto vocabulary_size = static_cast<int64_t>(pieces_.size());
    for (int64_t index = count - 1; index >= 0; --index) {
        const std::string text = extra_id_name(index);
        add(text, id_of(text).value_or(vocabulary_size + count - 1 - index));
    }
}

std::optional<int64_t> TokenList::add_named(const std::string& key, const std::string& usual) {
    const auto stated = config_.find(key);
    const bool is_stated = stated != config_.end() && !stated->is_null();
    const std::string text = is_stated ? text_of(*stated, key) : usual;
    const std::optional<int64_t> id = text.empty() ? std::nullopt : id_of(text);
    if (id) add(text, *id);
    return id;
}

}  // namespace

SpecialTokens::SpecialTokens(const Json& config, std::string_view where, const SentencePieceModel& model) {
    TokenList list(config, where, model);
    list.add_decoder();
    const auto end = list.add_named("eos_token", "</s>");
    check(end.has_value(), ErrorCode::BadInput, "{}: eos_token is not in the vocabulary", where);
    const auto padding = list.add_named("pad_token", "<pad>");
    check(padding.has_value(), ErrorCode::BadInput, "{}: pad_token is not in the vocabulary", where);
    list.add_named("unk_token", "<unk>");
    list.add_named("bos_token", "");
    list.add_extra_ids();
    list.add_listed("extra_special_tokens");
    list.add_listed("additional_special_tokens");
    end_id_ = *end;
    padding_id_ = *padding;
    largest_id_ = list.first_free_id() - 1;
    for (const auto& token : list.tokens()) by_first_byte_[static_cast<unsigned char>(token.first[0])].push_back(token);
    for (auto& tokens : by_first_byte_)
        std::stable_sort(tokens.begin(), tokens.end(),
                         [](const Token& a, const Token& b) { return a.first.size() > b.first.size(); });
}

SpecialTokens::Match SpecialTokens::find(std::string_view text, size_t offset) const {
    for (size_t begin = offset; begin < text.size(); ++begin) {
        for (const auto& [token, id] : by_first_byte_[static_cast<unsigned char>(text[begin])]) {
            if (text.substr(begin).starts_with(token)) return {begin, begin + token.size(), id};
        }
    }
    return {text.size(), text.size(), 0};
}

}  // namespace kine::dit
