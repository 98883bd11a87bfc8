#include "dit/text/charsmap.h"

#include "dit/text/utf8.h"
#include "runtime/error.h"

#include <algorithm>
#include <vector>

namespace kine::dit {
namespace {

// What nmt_nfkc needs is 240 KB; the bound keeps a crafted file from costing seconds.
constexpr size_t kMaxBytes = size_t{4} << 20;
// The library collects the matches at one position in an array of this size and does not look when it is full.
constexpr int kMaxMatches = 32;

// One unit of the double array: label in the low byte, leaf flag in bit 8, offset to the children above; a leaf's own
// unit holds a 31-bit value with the top bit set.
struct Unit {
    uint32_t bits = 0;

    uint32_t offset() const { return (bits >> 10) << ((bits & 0x200u) >> 6); }
    uint32_t label() const { return bits & 0x800000FFu; }
    bool has_leaf() const { return ((bits >> 8) & 1u) != 0; }
    uint32_t value() const { return bits & 0x7FFFFFFFu; }
};

class TrieCheck {
  public:
    TrieCheck(std::vector<Unit> units, std::string_view replacements, std::string_view where)
        : units_(std::move(units)), replacements_(replacements), where_(where), matches_(units_.size(), kUnseen) {}

    void run();

  private:
    static constexpr int kUnseen = -1;
    static constexpr int kOpen = -2;  // on the path that is being walked
    struct Visit {
        uint32_t unit;
        int next_label;
        int deepest;  // most matches below, so far
    };

    uint32_t children_of(uint32_t unit) const;
    void check_leaf(uint32_t position) const;
    void enter(uint32_t unit);
    void leave();
    void take_next_label();

    std::vector<Unit> units_;
    std::string_view replacements_;
    std::string_view where_;
    std::vector<int> matches_;  // most matches on any walk that starts at the unit
    std::vector<Visit> path_;
};

// Units may be shared between branches, so the walk is a depth-first search that visits each unit once; its stack is
// ours, since a crafted trie can be as deep as it is long.
void TrieCheck::run() {
    enter(0);
    while (!path_.empty()) {
        if (path_.back().next_label > 0xFF) {
            leave();
        } else {
            take_next_label();
        }
    }
    check(matches_[0] <= kMaxMatches, ErrorCode::BadInput, "{}: {} rules match at one position, at most {} can", where_,
          matches_[0], kMaxMatches);
}

// The library looks at children ^ byte for every byte of the text, child or not: the whole block must exist.
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
    matches_[unit] = kOpen;
    path_.push_back({unit, 0, 0});
}

void TrieCheck::leave() {
    const Visit done = path_.back();
    path_.pop_back();
    const bool is_match = done.unit != 0 && units_[done.unit].has_leaf();
    matches_[done.unit] = done.deepest + (is_match ? 1 : 0);
    if (!path_.empty()) path_.back().deepest = std::max(path_.back().deepest, matches_[done.unit]);
}

void TrieCheck::take_next_label() {
    Visit& here = path_.back();
    const auto label = static_cast<uint32_t>(here.next_label++);
    const uint32_t child = children_of(here.unit) ^ label;
    if (units_[child].label() != label) return;
    check(matches_[child] != kOpen, ErrorCode::BadInput, "{}: the trie has a circle at unit {}", where_, child);
    if (matches_[child] == kUnseen) return enter(child);
    here.deepest = std::max(here.deepest, matches_[child]);
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

void check_charsmap(std::string_view charsmap, std::string_view where) {
    if (charsmap.empty()) return;
    check(charsmap.size() > 4 && charsmap.size() <= kMaxBytes, ErrorCode::BadInput, "{}: {} bytes, expected 5 to {}",
          where, charsmap.size(), kMaxBytes);
    const uint32_t trie_bytes = read_u32(charsmap);
    check(trie_bytes > 0 && trie_bytes % 4 == 0 && trie_bytes < charsmap.size() - 4, ErrorCode::BadInput,
          "{}: the trie has {} bytes, expected a multiple of 4 below {}", where, trie_bytes, charsmap.size() - 4);
    const std::string_view replacements = charsmap.substr(4 + size_t{trie_bytes});
    check_replacements(replacements, where);
    TrieCheck(read_units(charsmap.substr(4, trie_bytes)), replacements, where).run();
}

}  // namespace kine::dit
