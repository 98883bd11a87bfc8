#include "dit/text/sentencepiece_model.h"

#include "dit/text/protobuf_wire.h"
#include "dit/text/utf8.h"
#include "runtime/error.h"

#include <cmath>
#include <unordered_map>
#include <unordered_set>

namespace kine::dit {
namespace {

// The largest published vocabularies have 262,144 pieces; a piece is a word or less.
constexpr size_t kMaxPieces = size_t{1} << 20;
constexpr size_t kMaxPieceBytes = 1024;
constexpr uint64_t kUnigram = 1;

// Field numbers of sentencepiece_model.proto.
enum Model : uint32_t { kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3 };
enum Piece : uint32_t { kText = 1, kScore = 2, kType = 3 };
enum Trainer : uint32_t { kModelType = 3, kWhitespaceAsSuffix = 24, kByteFallback = 35 };
enum Normalizer : uint32_t { kCharsmap = 2, kDummyPrefix = 3, kRemoveExtraWhitespaces = 4, kEscapeWhitespaces = 5 };

void check_text(const SentencePiece& piece, size_t id, std::string_view where) {
    const std::string& text = piece.text;
    check(!text.empty() && text.size() <= kMaxPieceBytes, ErrorCode::BadInput,
          "{}: piece {} has {} bytes, expected 1 to {}", where, id, text.size(), kMaxPieceBytes);
    check(find_invalid_utf8(text) == std::string::npos, ErrorCode::BadInput, "{}: piece {} is not UTF-8", where, id);
    check(text.find('\0') == std::string::npos, ErrorCode::BadInput, "{}: piece {} holds NUL", where, id);
}

SentencePiece::Type piece_type(uint64_t value, size_t id, std::string_view where) {
    check(value >= 1 && value <= 6, ErrorCode::BadInput, "{}: piece {} has type {}, expected 1 to 6", where, id, value);
    return static_cast<SentencePiece::Type>(value);
}

}  // namespace

SentencePieceModel SentencePieceModel::parse(std::string_view file, std::string_view where) {
    SentencePieceModel model;
    WireReader reader(file, where);
    while (const auto field = reader.next()) {
        if (field->number == kPieces) model.read_piece(field->as_bytes(where), where);
        if (field->number == kTrainerSpec) model.read_trainer(field->as_bytes(where), where);
        if (field->number == kNormalizerSpec) model.read_normalizer(field->as_bytes(where), where);
    }
    check(model.model_type_ == kUnigram, ErrorCode::Unsupported, "{}: model_type is {}, only unigram (1) is supported",
          where, model.model_type_);
    model.check_pieces(where);
    if (model.spells_unknown_) model.find_byte_pieces(where);
    return model;
}

void SentencePieceModel::read_piece(std::string_view message, std::string_view where) {
    const size_t id = pieces_.size();
    check(id < kMaxPieces, ErrorCode::BadInput, "{}: more than {} pieces", where, kMaxPieces);
    SentencePiece piece;
    WireReader reader(message, where);
    while (const auto field = reader.next()) {
        if (field->number == kText) piece.text = field->as_bytes(where);
        if (field->number == kScore) piece.score = field->as_float(where);
        if (field->number == kType) piece.type = piece_type(field->as_varint(where), id, where);
    }
    check_text(piece, id, where);
    check(std::isfinite(piece.score), ErrorCode::BadInput, "{}: piece {} has the score {}, expected a finite number",
          where, id, piece.score);
    pieces_.push_back(std::move(piece));
}

void SentencePieceModel::read_trainer(std::string_view message, std::string_view where) {
    WireReader reader(message, where);
    while (const auto field = reader.next()) {
        if (field->number == kModelType) model_type_ = field->as_varint(where);
        if (field->number == kWhitespaceAsSuffix) normalizer_.suffixes_spaces = field->as_varint(where) != 0;
        if (field->number == kByteFallback) spells_unknown_ = field->as_varint(where) != 0;
    }
}

void SentencePieceModel::read_normalizer(std::string_view message, std::string_view where) {
    WireReader reader(message, where);
    while (const auto field = reader.next()) {
        if (field->number == kCharsmap && !field->as_bytes(where).empty())
            normalizer_.charsmap = Charsmap(field->as_bytes(where), std::string(where) + ": precompiled_charsmap");
        if (field->number == kDummyPrefix) normalizer_.adds_prefix = field->as_varint(where) != 0;
        if (field->number == kRemoveExtraWhitespaces) normalizer_.removes_extra_spaces = field->as_varint(where) != 0;
        if (field->number == kEscapeWhitespaces) normalizer_.escapes_spaces = field->as_varint(where) != 0;
    }
}

void SentencePieceModel::check_pieces(std::string_view where) {
    std::unordered_set<std::string_view> seen;
    int64_t ordinary = 0;
    for (size_t id = 0; id < pieces_.size(); ++id) {
        const SentencePiece& piece = pieces_[id];
        check(seen.insert(piece.text).second, ErrorCode::BadInput, "{}: piece {} '{}' is there twice", where, id,
              piece.text);
        if (piece.type == SentencePiece::Type::Normal || piece.type == SentencePiece::Type::UserDefined) ++ordinary;
        if (piece.type != SentencePiece::Type::Unknown) continue;
        check(unknown_id_ < 0, ErrorCode::BadInput, "{}: pieces {} and {} are both the unknown piece", where,
              unknown_id_, id);
        unknown_id_ = static_cast<int64_t>(id);
    }
    check(unknown_id_ >= 0, ErrorCode::BadInput, "{}: no piece of type unknown among {}", where, pieces_.size());
    check(ordinary > 0, ErrorCode::BadInput, "{}: no ordinary piece among {}", where, pieces_.size());
}

void SentencePieceModel::find_byte_pieces(std::string_view where) {
    std::unordered_map<std::string_view, int64_t> ids;
    for (size_t id = 0; id < pieces_.size(); ++id)
        if (pieces_[id].type == SentencePiece::Type::Byte) ids.emplace(pieces_[id].text, static_cast<int64_t>(id));
    for (int byte = 0; byte < 256; ++byte) {
        const std::string name = fmt::format("<0x{:02X}>", byte);
        const auto piece = ids.find(name);
        check(piece != ids.end(), ErrorCode::BadInput, "{}: byte_fallback is set, but there is no byte piece {}", where,
              name);
        byte_ids_.push_back(piece->second);
    }
}

}  // namespace kine::dit
