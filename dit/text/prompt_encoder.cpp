#include "dit/text/prompt_encoder.h"

#include <utility>

namespace kine::dit {

PromptEncoder::PromptEncoder(std::unique_ptr<Tokenizer> tokenizer, T5Encoder encoder, int64_t length, Padding padding)
    : tokenizer_(std::move(tokenizer)), encoder_(std::move(encoder)), length_(length), padding_(padding) {}

EncodedText PromptEncoder::operator()(const Context& context, std::string_view text) const {
    Tokens tokens = tokenizer_->encode(text, length_);
    const Tensor ids = Tensor::of<int64_t>(context, {length_}, tokens.ids);
    const std::vector<uint8_t> all(static_cast<size_t>(length_), 1);
    const Tensor mask = Tensor::of<uint8_t>(context, {length_}, padding_ == Padding::Hidden ? tokens.mask : all);
    return {std::move(tokens), encoder_(context, ids, mask)};
}

}  // namespace kine::dit
