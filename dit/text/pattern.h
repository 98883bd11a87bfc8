// Regular expressions over UTF-8 with Unicode's classes, as the pipelines that cleaned the training captions had them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace kine::dit {

/// Immutable; safe for several threads.
class Pattern {
  public:
    /// A pattern that does not compile is ErrorCode::Bug.
    explicit Pattern(std::string_view pattern);
    ~Pattern();
    Pattern(Pattern&&) noexcept;

    /// Every match replaced; "$1" in `replacement` is the first group. Throws ErrorCode::Usage where the text is not
    /// UTF-8 or matching takes too long.
    std::string replace_all(std::string_view text, std::string_view replacement) const;
    int64_t count(std::string_view text) const;

  private:
    struct Code;
    std::unique_ptr<Code> code_;
};

}  // namespace kine::dit
