// Budgets of files and functions. Functions are found by their braces: the text before an opening brace tells whether
// it begins a namespace, a type, a function or an initialiser. Lambdas and inner blocks count with the function around
// them.
#include "tests/architecture/rules.h"

#include <fmt/core.h>

#include <algorithm>
#include <regex>

namespace kine::architecture {
namespace {

constexpr size_t kMostFileLines = 500;
constexpr int kMostHostLines = 60;
constexpr int kMostDeviceLines = 150;

struct Function {
    int first;
    int last;
};

class FunctionFinder {
  public:
    std::vector<Function> find(const SourceFile& file) {
        for (size_t i = 0; i < file.code.size(); ++i) {
            if (!file.code[i].starts_with("#")) {
                line_ = static_cast<int>(i) + 1;
                read(file.code[i]);
            }
        }
        return std::move(found_);
    }

  private:
    void read(const std::string& text) {
        for (const char c : text) {
            if (depth_in_function_ > 0) {
                inside(c);
            } else {
                outside(c);
            }
        }
        if (head_ != "()") {
            head_ += ' ';
        }
    }

    void inside(char c) {
        depth_in_function_ += c == '{' ? 1 : c == '}' ? -1 : 0;
        if (depth_in_function_ == 0) {
            found_.push_back({first_, line_});
            head_ = "()";  // what closed may have been `member_{x}` of a constructor, whose body follows at once
        }
    }

    void outside(char c) {
        if (c != ' ' && c != '{' && head_ == "()") {
            head_ = "";
        }
        if (c == '{' && begins_a_function()) {
            depth_in_function_ = 1;
            first_ = line_;
        } else if (c == '{' || c == '}' || c == ';') {
            head_ = "";
        } else if (c != ' ' || head_ != "()") {
            head_ += c;
        }
    }

    /// A function's head has parameters; a type's or a namespace's head begins with its word; an initialiser follows
    /// '='.
    bool begins_a_function() const {
        static const std::regex kOther(R"(^\s*(inline\s+)?(namespace|class|struct|enum|union|extern)\b[^()]*$)");
        static const std::regex kInitialiser(R"(=\s*$)");
        return head_.find(')') != std::string::npos && !std::regex_search(head_, kOther) &&
               !std::regex_search(head_, kInitialiser);
    }

    std::string head_;
    std::vector<Function> found_;
    int line_ = 0;
    int first_ = 0;
    int depth_in_function_ = 0;
};

bool is_device_code(const SourceFile& file) { return file.path.ends_with(".cu") || file.path.ends_with(".cuh"); }

}  // namespace

Violations sizes(const Sources& sources) {
    Violations found;
    for (const SourceFile& file : sources) {
        if (file.lines.size() > kMostFileLines) {
            found.push_back(
                fmt::format("{}:1: {} lines, at most {} are allowed", file.path, file.lines.size(), kMostFileLines));
        }
        const int most = is_device_code(file) ? kMostDeviceLines : kMostHostLines;
        for (const Function& function : FunctionFinder().find(file)) {
            const int lines = function.last - function.first + 1;
            if (lines > most) {
                found.push_back(fmt::format("{}:{}: a function of {} lines, at most {} are allowed", file.path,
                                            function.first, lines, most));
            }
        }
    }
    return found;
}

}  // namespace kine::architecture
