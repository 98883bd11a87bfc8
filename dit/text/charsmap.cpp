#include "dit/text/charsmap.h"

#include "dit/text/utf8.h"
#include "runtime/error.h"

namespace kine::dit {
namespace {

// What nmt_nfkc needs is 240 KB; the bound keeps a crafted file from costing seconds.
constexpr size_t kMaxBytes = size_t{4} << 20;

using Unit = Charsmap::Unit;

// Units may be shared between branches, so the walk is a depth-first search that visits each unit once; its stack is
// ours, since a crafted trie can be as deep as it is long.
class TrieCheck {
  public:
    TrieCheck(const std::vector<Unit>& units, std::string_view replacements, std::string_view where)
        : units_(units), replacements_(replacements), where_(where), states_(units.size(), State::Unseen) {}

    void run();

  private:
    enum class State : uint8_t { Unseen, Open, Done };  // open: on the path that is being walked
    struct Visit {
        uint32_t unit;
        uint32_t next_label;
    };

    uint32_t children_of(uint32_t unit) const;
    void check_leaf(uint32_t position) const;
    void enter(uint32_t unit);
    void take_next_label();

    const std::vector<Unit>& units_;
    std::string_view replacements_;
    std::string_view where_;
    std::vector<State> states_;
    std::vector<Visit> path_;
};

void TrieCheck::run() {
    enter(0);
    while (!path_.empty()) {
        if (path_.back().next_label <= 0xFF) {
            take_next_label();
        } else {
            states_[path_.back().unit] = State::Done;
            path_.pop_back();
        }
    }
}

// A walk looks at children ^ byte for every byte of the text, child or not: the whole block must exist.
uint32_t TrieCheck::children_of(uint32_t unit) const {
    const uint32_t children = unit ^ units_[unit].offset();
    check((children | 0xFFu) < units_.size(), ErrorCode::BadInput, "{}: unit {} points to {}, the trie has {} units",
          where_, unit, children, units_.size());
    return children;
}

void TrieCheck::check_leaf(uint32_t position) const {
    const uint32_t value = units_[position].value();
    check(value < replacements_.size(), ErrorCode::BadInput, "{}: unit {} names replacement {} of {} bytes", where_,
          position, value, replacements_.size());
    const auto first = static_cast<unsigned char>(replacements_[value]);
    check((first & 0xC0u) != 0x80u, ErrorCode::BadInput, "{}: replacement at byte {} starts inside a character", where_,
          value);
}

void TrieCheck::enter(uint32_t unit) {
    const uint32_t children = children_of(unit);
    if (unit != 0 && units_[unit].has_leaf()) check_leaf(children);
    states_[unit] = State::Open;
    path_.push_back({unit, 0});
}

void TrieCheck::take_next_label() {
    Visit& here = path_.back();
    const uint32_t label = here.next_label++;
    const uint32_t child = children_of(here.unit) ^ label;
    if (units_[child].label() != label) return;
    check(states_[child] != State::Open, ErrorCode::BadInput, "{}: the trie has a circle at unit {}", where_, child);
    if (states_[child] == State::Unseen) enter(child);
}

uint32_t read_u32(std::string_view bytes) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return value;
}

std::vector<Unit> read_units(std::string_view bytes) {
    std::vector<Unit> units(bytes.size() / 4);
    for (size_t i = 0; i < units.size(); ++i) units[i].bits = read_u32(bytes.substr(4 * i));
    return units;
}

void check_replacements(std::string_view replacements, std::string_view where) {
    check(!replacements.empty() && replacements.back() == '\0', ErrorCode::BadInput,
          "{}: the last replacement is not ended by NUL", where);
    const size_t invalid = find_invalid_utf8(replacements);
    check(invalid == std::string_view::npos, ErrorCode::BadInput, "{}: replacements are not UTF-8 at byte {}", where,
          invalid);
}

}  // namespace

Charsmap::Charsmap(std::string_view file, std::string_view where) {
    check(file.size() > 4 && file.size() <= kMaxBytes, ErrorCode::BadInput, "{}: {} bytes, expected 5 to {}", where,
          file.size(), kMaxBytes);
    const uint32_t trie_bytes = read_u32(file);
    check(trie_bytes > 0 && trie_bytes % 4 == 0 && trie_bytes < file.size() - 4, ErrorCode::BadInput,
          "{}: the trie has {} bytes, expected a multiple of 4 below {}", where, trie_bytes, file.size() - 4);
    replacements_ = file.substr(4 + size_t{trie_bytes});
    check_replacements(replacements_, where);
    units_ = read_units(file.substr(4, trie_bytes));
    TrieCheck(units_, replacements_, where).run();
}

Charsmap::Match Charsmap::longest_match(std::string_view text) const {
    Match match;
    if (units_.empty()) return match;
    uint32_t position = units_[0].offset();
    for (size_t i = 0; i < text.size(); ++i) {
        const uint32_t label = static_cast<unsigned char>(text[i]);
        position ^= label;
        const Unit unit = units_[position];
        if (unit.label() != label) break;
        position ^= unit.offset();
        if (unit.has_leaf()) match = {i + 1, replacements_.c_str() + units_[position].value()};
    }
    return match;
}

}  // namespace kine::dit
