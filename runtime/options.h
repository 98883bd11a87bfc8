// One visit() per options struct serves defaults, key=value text, JSON, help and printing:
//
//   struct PabOptions {
//       int spatial_range = 2;
//       template <class Visitor> void visit(Visitor& v) { v("spatial_range", spatial_range, "compute every N-th step");
//       }
//   };
//
// Supported members: bool, int, int64_t, uint64_t, double, std::string, std::vector<int64_t>, std::vector<double>,
// std::vector<std::string>, std::optional of those.
// '-' and '_' are the same in names.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kine {

/// One visited member, with its type erased: what help, parsing and printing need.
struct OptionField {
    std::string name;  ///< with '_'
    std::string help;
    std::string type;                                       ///< "int", "float", "bool", "text", "list"
    std::string value;                                      ///< present value as text
    std::function<void(std::string_view text)> parse;       ///< throws ErrorCode::Usage
    std::function<void(const nlohmann::json& value)> read;  ///< throws ErrorCode::BadInput
    std::function<nlohmann::json()> write;
};

/// Collects the fields of `options`, which must outlive the result.
class FieldList {
  public:
    template <class Options>
    explicit FieldList(Options& options) {
        options.visit(*this);
    }

    void operator()(std::string_view name, bool& value, std::string_view help);
    void operator()(std::string_view name, int& value, std::string_view help);
    void operator()(std::string_view name, int64_t& value, std::string_view help);
    void operator()(std::string_view name, uint64_t& value, std::string_view help);
    void operator()(std::string_view name, double& value, std::string_view help);
    void operator()(std::string_view name, std::string& value, std::string_view help);
    void operator()(std::string_view name, std::vector<int64_t>& value, std::string_view help);
    void operator()(std::string_view name, std::vector<double>& value, std::string_view help);
    void operator()(std::string_view name, std::vector<std::string>& value, std::string_view help);
    void operator()(std::string_view name, std::optional<int64_t>& value, std::string_view help);
    void operator()(std::string_view name, std::optional<double>& value, std::string_view help);
    void operator()(std::string_view name, std::optional<std::string>& value, std::string_view help);

    const std::vector<OptionField>& fields() const { return fields_; }
    std::vector<std::string> names() const;
    /// Unknown names are usage errors that list the known ones and name the nearest.
    const OptionField& find(std::string_view name) const;

  private:
    template <class T>
    void add(std::string_view name, T& value, std::string_view help);

    std::vector<OptionField> fields_;
};

/// Sets members from "a=1,b=2"; lists use ':' between items. Numbers are strict: whole text, finite, in range.
void set_options(const FieldList& fields, std::string_view key_value_text);
/// Sets members from a JSON object (a model's config). Keys of ours that are missing keep their defaults, null counts
/// as missing, foreign keys are ignored. `where` names the file in messages. `required` members must be present.
void read_options(const FieldList& fields, const nlohmann::json& object, std::string_view where,
                  const std::vector<std::string>& required = {});
nlohmann::json to_json(const FieldList& fields);

/// A whole number that a file states. Outside least .. most: ErrorCode::BadInput.
void check_size(std::string_view where, std::string_view name, int64_t value, int64_t most, int64_t least = 1);
struct NamedSize {
    std::string_view name;
    int64_t value;
};
/// Several of them, each 1 .. 65,536: no tensor of a model has a longer side than its vocabulary.
void check_sizes(std::string_view where, std::initializer_list<NamedSize> sizes);

// Strict numbers for every door that text comes in by. `what` names the option in the message.
int64_t parse_int(std::string_view what, std::string_view text);
uint64_t parse_uint(std::string_view what, std::string_view text);
double parse_number(std::string_view what, std::string_view text);  ///< finite
bool parse_bool(std::string_view what, std::string_view text);      ///< true/false/1/0/yes/no/on/off

/// The candidate with the smallest edit distance, empty if none is close.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace kine
