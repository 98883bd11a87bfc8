// Wan's text: UMT5 states of all 512 rows, those beyond the prompt's own tokens zero.
#pragma once

#include "dit/families/family.h"
#include "dit/text/prompt_encoder.h"

#include <utility>

namespace kine::dit::wan {

constexpr int64_t kTextLength = 512;

class WanText final : public TextStage {
  public:
    explicit WanText(PromptEncoder encode) : encode_(std::move(encode)) {}

    int64_t working_bytes() const override { return encode_.working_bytes(); }
    Conditioning encode(const Context& context, const Request& request, bool guided) const override;

  private:
    PromptEncoder encode_;
};

}  // namespace kine::dit::wan
