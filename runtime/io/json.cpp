// nlohmann's parser feeds a builder of ours, because its own keeps the last of duplicate keys and accepts nesting that
// later overflows the stack.
#include "runtime/io/json.h"

#include "runtime/error.h"
#include "runtime/io/json_checks.h"
#include "runtime/io/regular_file.h"
#include "runtime/printable.h"

#include <vector>

namespace kine {

namespace {

constexpr size_t kMostDepth = 64;

class Builder final : public nlohmann::json_sax<Json> {
  public:
    Builder(std::string_view where, int64_t max_values) : where_(where), max_values_(max_values) {}

    Json take() { return std::move(root_); }

    bool null() override { return put(nullptr); }
    bool boolean(bool value) override { return put(value); }
    bool number_integer(number_integer_t value) override { return put(value); }
    bool number_unsigned(number_unsigned_t value) override { return put(value); }
    // An integer beyond 64 bits arrives as a float. It stays one: tokenizer files say "no limit" with 10^30, and
    // whoever reads an integer field refuses floats.
    bool number_float(number_float_t value, const string_t&) override { return put(value); }
    bool string(string_t& value) override { return put(std::move(value)); }
    bool binary(binary_t&) override { return false; }  // not in JSON text
    bool start_object(size_t) override { return open(Json::object()); }
    bool end_object() override { return close(); }
    bool start_array(size_t) override { return open(Json::array()); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        Json::object_t& object = open_.back()->get_ref<Json::object_t&>();
        if (object.contains(name)) fail(ErrorCode::BadInput, "{}: key '{}' appears twice", where_, printable(name));
        key_ = std::move(name);
        return true;
    }
    bool parse_error(size_t position, const std::string&, const Json::exception& error) override {
        fail_json(where_, position, error.what());
    }

  private:
    Json& place(Json value) {
        check(++values_ <= max_values_, ErrorCode::BadInput, "{}: holds more than {} values", where_, max_values_);
        if (open_.empty()) return root_ = std::move(value);
        Json& parent = *open_.back();
        if (parent.is_array()) return parent.emplace_back(std::move(value));
        return parent[key_] = std::move(value);
    }
    bool put(Json value) {
        place(std::move(value));
        return true;
    }
    bool open(Json value) {
        check(open_.size() < kMostDepth, ErrorCode::BadInput, "{}: is nested deeper than {}", where_, kMostDepth);
        open_.push_back(&place(std::move(value)));  // stays put: only the innermost open value grows
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::string_view where_;
    Json root_;
    std::vector<Json*> open_;
    std::string key_;
    int64_t max_values_;
    int64_t values_ = 0;
};

}  // namespace

Json parse_json(std::string_view text, std::string_view where, int64_t max_values) {
    check_has_no_nul(text, where);
    Builder builder(where, max_values);
    Json::sax_parse(text, &builder);  // what it refuses, the builder throws
    return builder.take();
}

Json read_json(const std::filesystem::path& file, int64_t max_bytes) {
    return parse_json(read_text(file, max_bytes), file.string());
}

std::string read_text(const std::filesystem::path& file, int64_t max_bytes) {
    const RegularFile open(file);
    check(open.size() <= max_bytes, ErrorCode::BadInput, "{}: has {} bytes, expected at most {}", file.string(),
          open.size(), max_bytes);
    std::string text(static_cast<size_t>(open.size()), '\0');
    open.read_at(0, std::as_writable_bytes(std::span(text)));
    return text;
}

}  // namespace kine
