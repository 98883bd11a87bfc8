#include "runtime/options.h"

#include "runtime/error.h"
#include "runtime/io/json.h"
#include "runtime/printable.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <set>

namespace kine {

namespace {

constexpr std::string_view kUnset = "none";  // an empty optional as text

std::string normalised(std::string_view name) {
    std::string result(name);
    std::replace(result.begin(), result.end(), '-', '_');
    return result;
}

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (size_t end = 0; end != std::string_view::npos && !text.empty();) {
        end = text.find(separator);
        parts.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (text.empty() && end != std::string_view::npos) parts.push_back(text);  // "1:" has an empty second item
    }
    return parts;
}

[[noreturn]] void refuse(std::string_view name, std::string_view expected, const Json& value) {
    fail(ErrorCode::BadInput, "{}: expected {}, got {}", name, expected,
         printable(value.dump(-1, ' ', false, Json::error_handler_t::replace), 60));
}

/// How one C++ type appears as text and as JSON.
template <class T>
struct Codec;

template <>
struct Codec<bool> {
    static constexpr std::string_view kType = "bool";
    static std::string text(bool value) { return value ? "true" : "false"; }
    static bool parse(std::string_view name, std::string_view text) { return parse_bool(name, text); }
    static bool read(std::string_view name, const Json& value) {
        if (!value.is_boolean()) refuse(name, "true or false", value);
        return value.get<bool>();
    }
};

template <>
struct Codec<int64_t> {
    static constexpr std::string_view kType = "int";
    static std::string text(int64_t value) { return std::to_string(value); }
    static int64_t parse(std::string_view name, std::string_view text) { return parse_int(name, text); }
    static int64_t read(std::string_view name, const Json& value) {
        constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
        const bool is_large = value.is_number_unsigned() && value.get<uint64_t>() > kMost;
        if (!value.is_number_integer() || is_large) refuse(name, "an integer", value);
        return value.get<int64_t>();
    }
};

template <>
struct Codec<int> {
    static constexpr std::string_view kType = "int";
    static bool fits(int64_t value) { return value == static_cast<int>(value); }
    static std::string text(int value) { return std::to_string(value); }
    static int parse(std::string_view name, std::string_view text) {
        const int64_t value = parse_int(name, text);
        check(fits(value), ErrorCode::Usage, "{}: {} is out of range", name, value);
        return static_cast<int>(value);
    }
    static int read(std::string_view name, const Json& value) {
        const int64_t wide = Codec<int64_t>::read(name, value);
        if (!fits(wide)) refuse(name, "a 32-bit integer", value);
        return static_cast<int>(wide);
    }
};

template <>
struct Codec<uint64_t> {
    static constexpr std::string_view kType = "int";
    static std::string text(uint64_t value) { return std::to_string(value); }
    static uint64_t parse(std::string_view name, std::string_view text) { return parse_uint(name, text); }
    static uint64_t read(std::string_view name, const Json& value) {
        const bool is_negative = value.is_number_integer() && !value.is_number_unsigned() && value.get<int64_t>() < 0;
        if (!value.is_number_integer() || is_negative) refuse(name, "an integer from 0", value);
        return value.get<uint64_t>();
    }
};

template <>
struct Codec<double> {
    static constexpr std::string_view kType = "float";
    static std::string text(double value) { return fmt::format("{}", value); }
    static double parse(std::string_view name, std::string_view text) { return parse_number(name, text); }
    static double read(std::string_view name, const Json& value) {
        if (!value.is_number()) refuse(name, "a number", value);
        return value.get<double>();
    }
};

template <>
struct Codec<std::string> {
    static constexpr std::string_view kType = "text";
    static std::string text(const std::string& value) { return value; }
    static std::string parse(std::string_view, std::string_view text) { return std::string(text); }
    static std::string read(std::string_view name, const Json& value) {
        if (!value.is_string()) refuse(name, "a text", value);
        return value.get<std::string>();
    }
};

template <class T>
struct Codec<std::vector<T>> {
    static constexpr std::string_view kType = "list";
    static std::string text(const std::vector<T>& values) {
        std::vector<std::string> items;
        for (const T& value : values) items.push_back(Codec<T>::text(value));
        return fmt::format("{}", fmt::join(items, ":"));
    }
    static std::vector<T> parse(std::string_view name, std::string_view text) {
        std::vector<T> values;
        for (const std::string_view part : parts_of(text, ':')) values.push_back(Codec<T>::parse(name, part));
        return values;
    }
    static std::vector<T> read(std::string_view name, const Json& value) {
        if (!value.is_array()) refuse(name, "a list", value);
        std::vector<T> values;
        for (const Json& item : value) values.push_back(Codec<T>::read(name, item));
        return values;
    }
};

template <class T>
struct Codec<std::optional<T>> {
    static constexpr std::string_view kType = Codec<T>::kType;
    static std::string text(const std::optional<T>& value) {
        return value ? Codec<T>::text(*value) : std::string(kUnset);
    }
    static std::optional<T> parse(std::string_view name, std::string_view text) {
        if (text == kUnset) return std::nullopt;
        return Codec<T>::parse(name, text);
    }
    static std::optional<T> read(std::string_view name, const Json& value) { return Codec<T>::read(name, value); }
};

template <class T>
Json json_of(const T& value) {
    return value;
}

template <class T>
Json json_of(const std::optional<T>& value) {
    return value ? Json(*value) : Json();
}

}  // namespace

template <class T>
void FieldList::add(std::string_view name, T& value, std::string_view help) {
    const std::string key = normalised(name);
    OptionField field;
    field.name = key;
    field.help = help;
    field.type = Codec<T>::kType;
    field.value = Codec<T>::text(value);
    field.parse = [key, &value](std::string_view text) { value = Codec<T>::parse(key, text); };
    field.read = [key, &value](const Json& json) { value = Codec<T>::read(key, json); };
    field.write = [&value] { return json_of(value); };
    fields_.push_back(std::move(field));
}

void FieldList::operator()(std::string_view name, bool& value, std::string_view help) { add(name, value, help); }
void FieldList::operator()(std::string_view name, int& value, std::string_view help) { add(name, value, help); }
void FieldList::operator()(std::string_view name, int64_t& value, std::string_view help) { add(name, value, help); }
void FieldList::operator()(std::string_view name, uint64_t& value, std::string_view help) { add(name, value, help); }
void FieldList::operator()(std::string_view name, double& value, std::string_view help) { add(name, value, help); }
void FieldList::operator()(std::string_view name, std::string& value, std::string_view help) { add(name, value, help); }
void FieldList::operator()(std::string_view name, std::vector<int64_t>& value, std::string_view help) {
    add(name, value, help);
}
void FieldList::operator()(std::string_view name, std::vector<double>& value, std::string_view help) {
    add(name, value, help);
}
void FieldList::operator()(std::string_view name, std::vector<std::string>& value, std::string_view help) {
    add(name, value, help);
}
void FieldList::operator()(std::string_view name, std::optional<int64_t>& value, std::string_view help) {
    add(name, value, help);
}
void FieldList::operator()(std::string_view name, std::optional<double>& value, std::string_view help) {
    add(name, value, help);
}
void FieldList::operator()(std::string_view name, std::optional<std::string>& value, std::string_view help) {
    add(name, value, help);
}

std::vector<std::string> FieldList::names() const {
    std::vector<std::string> names;
    for (const OptionField& field : fields_) names.push_back(field.name);
    return names;
}

const OptionField& FieldList::find(std::string_view name) const {
    const std::string key = normalised(name);
    std::vector<std::string> known;
    for (const OptionField& field : fields_) {
        if (field.name == key) return field;
        known.push_back(field.name);
    }
    const std::string nearest = nearest_name(key, known);
    const std::string hint = nearest.empty() ? "" : fmt::format(", nearest is {}", nearest);
    fail(ErrorCode::Usage, "unknown option '{}'{}, known are {}", printable(name), hint, fmt::join(known, ", "));
}

void set_options(const FieldList& fields, std::string_view key_value_text) {
    std::set<std::string> seen;
    for (const std::string_view part : parts_of(key_value_text, ',')) {
        const size_t equals = part.find('=');
        check(equals != std::string_view::npos, ErrorCode::Usage, "options: expected name=value, got '{}'",
              printable(part));
        const OptionField& field = fields.find(part.substr(0, equals));
        check(seen.insert(field.name).second, ErrorCode::Usage, "options: {} is given twice", field.name);
        field.parse(part.substr(equals + 1));
    }
}

void read_options(const FieldList& fields, const Json& object, std::string_view where,
                  const std::vector<std::string>& required) {
    check(object.is_object(), ErrorCode::BadInput, "{}: expected a JSON object, got {}", where, object.type_name());
    for (const OptionField& field : fields.fields()) {
        const auto found = object.find(field.name);
        const bool is_present = found != object.end() && !found->is_null();
        const bool is_required = std::find(required.begin(), required.end(), field.name) != required.end();
        check(is_present || !is_required, ErrorCode::BadInput, "{}: {} is missing", where, field.name);
        if (!is_present) continue;
        try {
            field.read(*found);
        } catch (const Error& error) {
            throw Error(error.code(), fmt::format("{}: {}", where, error.what()), error.where());
        }
    }
}

Json to_json(const FieldList& fields) {
    Json object = Json::object();
    for (const OptionField& field : fields.fields()) object[field.name] = field.write();
    return object;
}

void check_size(std::string_view where, std::string_view name, int64_t value, int64_t most, int64_t least) {
    check(value >= least && value <= most, ErrorCode::BadInput, "{}: {} is {}, expected {} to {}", where, name, value,
          least, most);
}

void check_sizes(std::string_view where, std::initializer_list<NamedSize> sizes) {
    constexpr int64_t kMost = 1 << 16;
    for (const auto& [name, value] : sizes) check_size(where, name, value, kMost);
}

}  // namespace kine
