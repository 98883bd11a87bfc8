// CogVideoX's text: T5 states of 226 rows, padding attended to like words.
#pragma once

#include "dit/families/family.h"

#include <utility>

namespace kine::dit::cogvideox {

class CogVideoXText final : public TextStage {
  public:
    explicit CogVideoXText(PromptEncoder encode) : encode_(std::move(encode)) {}

    int64_t working_bytes() const override { return encode_.working_bytes(); }
    Conditioning encode(const Context& context, const Request& request, bool guided) const override;

  private:
    PromptEncoder encode_;
};

}  // namespace kine::dit::cogvideox
