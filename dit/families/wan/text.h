// Wan's text: UMT5 states of all 512 rows, those beyond the prompt's own tokens zero.
#pragma once

#include "dit/families/family.h"
#include "dit/text/t5.h"

namespace kine::dit::wan {

class WanText final : public TextStage {
  public:
    WanText(std::unique_ptr<Tokenizer> tokenizer, T5Encoder encoder)
        : tokenizer_(std::move(tokenizer)), encoder_(std::move(encoder)) {}

    Conditioning encode(const Context& context, const Request& request) const override;

  private:
    Tokens tokens_of(const std::string& text) const;
    Tensor states(const Context& context, const Tokens& tokens) const;

    std::unique_ptr<Tokenizer> tokenizer_;
    T5Encoder encoder_;
};

}  // namespace kine::dit::wan
