// A SentencePiece model file (a ModelProto of protobuf), read by our own checked reader: the library crashes on crafted
// files, and its time grows with the square of the length of a run of unknown characters.
#pragma once

#include "dit/text/charsmap.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kine::dit {

struct SentencePiece {
    enum class Type : uint8_t { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };
    std::string text;
    float score = 0.0f;
    Type type = Type::Normal;
};

/// How a text becomes the string that is cut into pieces.
struct NormalizerRules {
    Charsmap charsmap;
    bool adds_prefix = true;           ///< a space in front, so that a word is the same piece wherever it stands
    bool removes_extra_spaces = true;  ///< at both ends, and all but one of a run
    bool escapes_spaces = true;        ///< to U+2581, as they stand in pieces
    bool suffixes_spaces = false;      ///< the added space comes last
};

/// Immutable; safe for several threads.
class SentencePieceModel {
  public:
    /// Throws ErrorCode::BadInput naming `where` (the file) and the field, Unsupported for other than unigram models.
    static SentencePieceModel parse(std::string_view file, std::string_view where);

    const std::vector<SentencePiece>& pieces() const { return pieces_; }  ///< a piece's id is its position
    const NormalizerRules& normalizer() const { return normalizer_; }
    int64_t unknown_id() const { return unknown_id_; }
    /// The ids of the 256 bytes, which then spell unknown characters; empty: those are the unknown piece.
    const std::vector<int64_t>& byte_ids() const { return byte_ids_; }

  private:
    void read_piece(std::string_view message, std::string_view where);
    void read_trainer(std::string_view message, std::string_view where);
    void read_normalizer(std::string_view message, std::string_view where);
    void check_pieces(std::string_view where);
    void find_byte_pieces(std::string_view where);

    std::vector<SentencePiece> pieces_;
    NormalizerRules normalizer_;
    int64_t unknown_id_ = -1;
    uint64_t model_type_ = 1;
    bool spells_unknown_ = false;
    std::vector<int64_t> byte_ids_;
};

}  // namespace kine::dit
