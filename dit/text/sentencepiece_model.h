// A SentencePiece model file (a ModelProto of protobuf), read by our own checked reader. libsentencepiece 0.1.97
// crashes on crafted files, so it never sees a file: it is given serialize(), which holds only what was checked here.
#pragma once

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

/// Immutable.
class SentencePieceModel {
  public:
    /// Throws ErrorCode::BadInput naming `where` (the file) and the field, Unsupported for other than unigram models.
    static SentencePieceModel parse(std::string_view file, std::string_view where);

    const std::vector<SentencePiece>& pieces() const { return pieces_; }  ///< a piece's id is its position
    int64_t unknown_id() const { return unknown_id_; }
    /// Whether the pieces of a word depend on its neighbours: then a text may not be cut at its spaces.
    bool crosses_spaces() const;
    std::string serialize() const;

  private:
    void read_piece(std::string_view message, std::string_view where);
    void read_trainer(std::string_view message, std::string_view where);
    void read_normalizer(std::string_view message, std::string_view where);
    void check_pieces(std::string_view where);

    std::vector<SentencePiece> pieces_;
    int64_t unknown_id_ = -1;
    uint64_t model_type_ = 1;
    bool whitespace_is_suffix_ = false;
    bool byte_fallback_ = false;
    std::string charsmap_;
    bool add_dummy_prefix_ = true;
    bool remove_extra_whitespaces_ = true;
    bool escape_whitespaces_ = true;
};

}  // namespace kine::dit
