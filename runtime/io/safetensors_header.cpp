#include "runtime/io/safetensors_header.h"

#include "runtime/io/json_checks.h"
#include "runtime/printable.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <limits>

namespace kine {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kMetadata = "__metadata__";

struct Format {
    std::string_view name;
    int64_t bits;
    std::optional<DType> dtype = std::nullopt;
};

constexpr std::array<Format, 21> kFormats = {{
    {"F32", 32, DType::Float32},
    {"BF16", 16, DType::BFloat16},
    {"F16", 16, DType::Float16},
    {"I64", 64, DType::Int64},
    {"I32", 32, DType::Int32},
    {"U8", 8, DType::UInt8},
    {"BOOL", 8},
    {"I8", 8},
    {"F8_E5M2", 8, DType::Float8E5M2},
    {"F8_E4M3", 8, DType::Float8E4M3},
    {"F8_E8M0", 8},
    {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8},
    {"F6_E2M3", 6},
    {"F6_E3M2", 6},
    {"F4", 4},
    {"I16", 16},
    {"U16", 16},
    {"U32", 32},
    {"U64", 64},
    {"F64", 64},
}};
constexpr Format kComplex64 = {"C64", 64};

const Format* find_format(std::string_view name) {
    const auto* found = std::find_if(kFormats.begin(), kFormats.end(), [&](const Format& f) { return f.name == name; });
    if (found != kFormats.end()) return found;
    return name == kComplex64.name ? &kComplex64 : nullptr;
}

/// Sizes multiplied without wrapping: a product that wraps to 0 passes every later check.
std::optional<int64_t> bits_of(const Shape& shape, int64_t bits) {
    int64_t product = 1;
    for (const int64_t size : shape) {
        if (__builtin_mul_overflow(product, size, &product)) return std::nullopt;
    }
    if (__builtin_mul_overflow(product, bits, &product)) return std::nullopt;
    return product;
}

/// Conditions are tested before their messages are built, since a header may hold a million entries.
class HeaderReader final : public nlohmann::json_sax<Json> {
  public:
    explicit HeaderReader(std::string_view where) : where_(where) {}

    SafetensorsHeader take() { return std::move(header_); }

    bool null() override { refuse("null"); }
    bool boolean(bool value) override { refuse(value ? "true" : "false"); }
    bool number_float(number_float_t, const string_t& text) override {
        check_is_no_integer(text, place());
        refuse(printable(text, 40));
    }
    bool number_integer(number_integer_t value) override {  // the parser calls this for negative numbers only
        refuse(std::to_string(value));
    }
    bool number_unsigned(number_unsigned_t value) override {
        if (state_ != State::Numbers) refuse(std::to_string(value));
        if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
            fail(ErrorCode::BadInput, "{}: {} is out of range", place(), value);
        }
        add_number(static_cast<int64_t>(value));
        return true;
    }
    bool string(string_t& value) override {
        if (state_ == State::Metadata) {
            header_.metadata.emplace(field_, std::move(value));
        } else if (state_ == State::Tensor && field_ == "dtype") {
            entry_.dtype_name = std::move(value);
        } else {
            refuse("a text");
        }
        return true;
    }
    bool binary(binary_t&) override { return false; }  // not in JSON text
    bool start_object(size_t) override {
        if (state_ == State::Start) {
            state_ = State::Names;
        } else if (state_ == State::Names) {
            begin_entry();
        } else {
            refuse("an object");
        }
        return true;
    }
    bool end_object() override {
        if (state_ == State::Tensor) finish_entry();
        state_ = state_ == State::Names ? State::End : State::Names;
        return true;
    }
    bool start_array(size_t) override {
        if (state_ != State::Tensor || field_ == "dtype") refuse("a list");
        state_ = State::Numbers;
        return true;
    }
    bool end_array() override {
        state_ = State::Tensor;
        return true;
    }
    bool key(string_t& name) override {
        if (state_ == State::Names) {
            check_new_name(name);
            name_ = std::move(name);
        } else {
            check_new_field(name);
            field_ = std::move(name);
        }
        return true;
    }
    bool parse_error(size_t position, const std::string&, const Json::exception& error) override {
        constexpr size_t kLengthBytes = 8;
        fail_json(where_, position + kLengthBytes, error.what());
    }

  private:
    enum class State { Start, Names, Metadata, Tensor, Numbers, End };

    /// "model.safetensors: tensor 'a.weight': shape"
    std::string place() const {
        std::string text(where_);
        if (state_ == State::Start || state_ == State::End) return text;
        text += name_ == kMetadata ? ": __metadata__" : fmt::format(": tensor '{}'", printable(name_));
        if (state_ == State::Tensor || state_ == State::Numbers) text += ": " + field_;
        if (state_ == State::Metadata) text += fmt::format(": '{}'", printable(field_));
        return text;
    }

    std::string_view expected() const {
        if (state_ == State::Start || state_ == State::Names) return "an object";
        if (state_ == State::Metadata) return "a text";
        if (state_ == State::Numbers) return "integers from 0";
        return field_ == "dtype" ? "a text" : "a list of integers from 0";
    }

    [[noreturn]] void refuse(std::string_view came) const {
        fail(ErrorCode::BadInput, "{}: expected {}, got {}", place(), expected(), came);
    }

    void check_new_name(const std::string& name) {
        const bool is_double = name == kMetadata ? std::exchange(has_metadata_, true) : header_.entries.contains(name);
        if (is_double) fail(ErrorCode::BadInput, "{}: '{}' appears twice", where_, printable(name));
    }

    void check_new_field(const std::string& field) {
        const bool is_known =
            state_ == State::Metadata || field == "dtype" || field == "shape" || field == "data_offsets";
        if (!is_known) {
            fail(ErrorCode::BadInput, "{}: tensor '{}': unknown field '{}', known are dtype, shape, data_offsets",
                 where_, printable(name_), printable(field));
        }
        const bool is_double = state_ == State::Metadata ? header_.metadata.contains(field)
                                                         : std::find(seen_.begin(), seen_.end(), field) != seen_.end();
        if (is_double) {
            fail(ErrorCode::BadInput, "{}: '{}': field '{}' appears twice", where_, printable(name_), printable(field));
        }
        if (state_ == State::Tensor) seen_.push_back(field);
    }

    void begin_entry() {
        state_ = name_ == kMetadata ? State::Metadata : State::Tensor;
        entry_ = {};
        seen_.clear();
        offsets_.clear();
        field_.clear();
    }

    void add_number(int64_t value) {
        if (field_ == "shape") {
            if (entry_.shape.rank() >= kMaxRank) {
                fail(ErrorCode::BadInput, "{}: expected at most {} axes, got more", place(), kMaxRank);
            }
            entry_.shape.append(value);
        } else {
            if (offsets_.size() >= 2) fail(ErrorCode::BadInput, "{}: expected 2 numbers, got more", place());
            offsets_.push_back(value);
        }
    }

    std::string label() const { return fmt::format("{}: tensor '{}'", where_, printable(name_)); }

    void finish_entry() {
        for (const std::string_view field : {"dtype", "shape", "data_offsets"}) {
            if (std::find(seen_.begin(), seen_.end(), field) == seen_.end()) {
                fail(ErrorCode::BadInput, "{}: {} is missing", label(), field);
            }
        }
        take_offsets();
        check_size();
        header_.entries.emplace(std::move(name_), std::move(entry_));
        name_.clear();
    }

    void take_offsets() {
        if (offsets_.size() != 2) {
            fail(ErrorCode::BadInput, "{}: data_offsets: expected 2 numbers, got {}", label(), offsets_.size());
        }
        if (offsets_[0] > offsets_[1]) {
            fail(ErrorCode::BadInput, "{}: data_offsets: begin {} is after end {}", label(), offsets_[0], offsets_[1]);
        }
        entry_.offset = offsets_[0];
        entry_.bytes = offsets_[1] - offsets_[0];
    }

    void check_size() {
        const Format* format = find_format(entry_.dtype_name);
        if (format == nullptr) {
            fail(ErrorCode::BadInput, "{}: dtype: unknown format '{}'", label(), printable(entry_.dtype_name));
        }
        entry_.dtype = format->dtype;
        const std::optional<int64_t> bits = bits_of(entry_.shape, format->bits);
        if (!bits.has_value()) {
            fail(ErrorCode::BadInput, "{}: shape: {} of {} has too many elements", label(), to_string(entry_.shape),
                 entry_.dtype_name);
        }
        if (*bits % 8 != 0) {
            fail(ErrorCode::BadInput, "{}: shape: {} of {} does not fill whole bytes", label(), to_string(entry_.shape),
                 entry_.dtype_name);
        }
        if (*bits / 8 != entry_.bytes) {
            fail(ErrorCode::BadInput, "{}: data_offsets: {} of {} needs {} bytes, got {}", label(),
                 to_string(entry_.shape), entry_.dtype_name, *bits / 8, entry_.bytes);
        }
    }

    std::string_view where_;
    SafetensorsHeader header_;
    State state_ = State::Start;
    bool has_metadata_ = false;
    std::string name_;
    std::string field_;
    SafetensorsEntry entry_;
    std::vector<std::string> seen_;
    std::vector<int64_t> offsets_;
};

using NamedEntry = std::pair<const std::string, SafetensorsEntry>;

std::vector<const NamedEntry*> by_offset(const SafetensorsHeader& header) {
    std::vector<const NamedEntry*> sorted;
    for (const NamedEntry& named : header.entries) sorted.push_back(&named);
    std::sort(sorted.begin(), sorted.end(), [](const NamedEntry* a, const NamedEntry* b) {
        return std::pair(a->second.offset, a->second.bytes) < std::pair(b->second.offset, b->second.bytes);
    });
    return sorted;
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, std::string_view where) {
    if (!text.starts_with('{')) {
        fail(ErrorCode::BadInput, "{}: header: expected '{{' first, got '{}'", where, printable(text.substr(0, 1)));
    }
    check_has_no_nul(text, where);
    HeaderReader reader(where);
    Json::sax_parse(text, &reader);  // what it refuses, the reader throws
    return reader.take();
}

void check_safetensors_layout(const SafetensorsHeader& header, int64_t data_bytes, std::string_view where) {
    int64_t end = 0;
    for (const NamedEntry* named : by_offset(header)) {
        const auto& [name, entry] = *named;
        if (entry.offset != end) {
            fail(ErrorCode::BadInput, "{}: tensor '{}': data_offsets: expected begin {}, got {} ({})", where,
                 printable(name), end, entry.offset, entry.offset < end ? "overlap" : "hole");
        }
        end += entry.bytes;
    }
    if (end > data_bytes) {
        fail(ErrorCode::BadInput, "{}: tensors need {} bytes, the file ends {} bytes early (cut short?)", where, end,
             end - data_bytes);
    }
    if (end != data_bytes) {
        fail(ErrorCode::BadInput, "{}: {} bytes follow the last tensor, expected none", where, data_bytes - end);
    }
}

}  // namespace kine
