// Text to states: a tokenizer and a T5 encoder that belong together.
#pragma once

#include "dit/text/t5.h"
#include "dit/text/tokenizer.h"

#include <memory>
#include <string_view>

namespace kine::dit {

struct EncodedText {
    Tokens tokens;
    Tensor states;  // [L, D]
};

/// Whether the encoder's attention sees the rows of padding.
enum class Padding { Hidden, Attended };

class PromptEncoder {
  public:
    /// Every text becomes `length` rows, by padding or cutting.
    PromptEncoder(std::unique_ptr<Tokenizer> tokenizer, T5Encoder encoder, int64_t length, Padding padding);

    /// `text` as the family's pipeline cleans it -> states [length, D], before any cut or mask.
    EncodedText operator()(const Context& context, std::string_view text) const;
    int64_t working_bytes() const { return encoder_.working_bytes(length_); }

  private:
    std::unique_ptr<Tokenizer> tokenizer_;
    T5Encoder encoder_;
    int64_t length_;
    Padding padding_;
};

}  // namespace kine::dit
