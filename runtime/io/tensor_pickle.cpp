#include "runtime/io/tensor_pickle.h"

#include "runtime/error.h"
#include "runtime/printable.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <set>
#include <utility>

namespace kine {

namespace {

constexpr size_t kMostArguments = 16;
constexpr int kDeepest = 4;  // dictionaries around the tensors: {"module": {...}}

enum class Kind { Nothing, Number, Text, Sequence, Dictionary, Function, Storage, Tensor };

struct Value {
    Kind kind = Kind::Nothing;
    int64_t number = 0;
    std::string text = {};
    std::vector<Value*> items = {};  // of a dictionary: key, value, key, value
    PickledTensor tensor = {};       // of a storage: type and file only
};

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kStorages = {{
    {"torch FloatStorage", "F32"},
    {"torch HalfStorage", "F16"},
    {"torch BFloat16Storage", "BF16"},
    {"torch DoubleStorage", "F64"},
    {"torch LongStorage", "I64"},
    {"torch IntStorage", "I32"},
    {"torch ShortStorage", "I16"},
    {"torch ByteStorage", "U8"},
    {"torch BoolStorage", "BOOL"},
}};

constexpr std::string_view kMakeTensor = "torch._utils _rebuild_tensor_v2";
constexpr std::string_view kMakeParameter = "torch._utils _rebuild_parameter";
constexpr std::string_view kOrderedDictionary = "collections OrderedDict";

std::string_view storage_type(std::string_view function) {
    for (const auto& [name, dtype] : kStorages) {
        if (name == function) return dtype;
    }
    return "";
}

class Machine {
  public:
    Machine(std::string_view program, std::string_view where) : program_(program), where_(where) {}

    const Value& run() {
        while (true) {
            const auto code = static_cast<unsigned char>(take(1)[0]);
            if (code == '.') return *pop();
            const auto known = std::find_if(kInstructions.begin(), kInstructions.end(),
                                            [&](const Instruction& instruction) { return instruction.code == code; });
            check(known != kInstructions.end(), ErrorCode::Unsupported,
                  "{}: the pickle's instruction {} at {} is none that tensors need", where_, code, at_ - 1);
            known->run(*this);
        }
    }

  private:
    struct Instruction {
        unsigned char code;
        void (*run)(Machine& machine);
    };
    static const std::array<Instruction, 34> kInstructions;

    [[noreturn]] void damaged() const {
        fail(ErrorCode::BadInput, "{}: the pickle is damaged at byte {}", where_, at_);
    }

    std::string_view take(size_t count) {
        if (count > program_.size() - at_) damaged();
        at_ += count;
        return program_.substr(at_ - count, count);
    }

    template <class T>
    T number() {
        T value = 0;
        std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
        return value;
    }

    std::string line() {
        const size_t end = program_.find('\n', at_);
        if (end == std::string_view::npos) damaged();
        const std::string text(take(end - at_));
        take(1);
        return text;
    }

    Value* make(Kind kind) {
        arena_.push_back({kind});
        return &arena_.back();
    }
    void push(Value* value) { stack_.push_back(value); }
    void push_number(int64_t value) {
        push(make(Kind::Number));
        stack_.back()->number = value;
    }
    void push_text(std::string_view text) {
        push(make(Kind::Text));
        stack_.back()->text = text;
    }

    Value* pop() {
        const size_t floor = marks_.empty() ? 0 : marks_.back();
        if (stack_.size() <= floor) damaged();
        Value* value = stack_.back();
        stack_.pop_back();
        return value;
    }
    Value* pop(Kind kind) {
        Value* value = pop();
        if (value->kind != kind) damaged();
        return value;
    }
    Value* top(Kind kind) {
        if (stack_.empty() || stack_.back()->kind != kind) damaged();
        return stack_.back();
    }
    std::vector<Value*> pop_marked() {
        if (marks_.empty()) damaged();
        std::vector<Value*> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
        stack_.resize(marks_.back());
        marks_.pop_back();
        return items;
    }

    /// LONG1: little-endian, two's complement.
    int64_t long_number() {
        const auto size = static_cast<size_t>(number<uint8_t>());
        if (size > sizeof(int64_t)) damaged();
        const std::string_view bytes = take(size);
        uint64_t value = size > 0 && (bytes.back() & 0x80) != 0 ? ~uint64_t{0} : 0;
        std::memcpy(&value, bytes.data(), size);
        return static_cast<int64_t>(value);
    }

    void push_sequence(std::vector<Value*> items) {
        push(make(Kind::Sequence));
        stack_.back()->items = std::move(items);
    }
    void push_last(size_t count) {
        std::vector<Value*> items(count);
        for (size_t i = count; i-- > 0;) items[i] = pop();
        push_sequence(std::move(items));
    }
    void append(Kind kind, const std::vector<Value*>& items) {
        if (kind == Kind::Dictionary && items.size() % 2 != 0) damaged();
        std::vector<Value*>& all = top(kind)->items;
        all.insert(all.end(), items.begin(), items.end());
    }
    std::vector<Value*> pop_pair() {
        Value* second = pop();
        return {pop(), second};
    }

    void store(uint32_t place) {
        if (stack_.empty()) damaged();
        memo_[place] = stack_.back();
    }
    void recall(uint32_t place) {
        const auto found = memo_.find(place);
        if (found == memo_.end()) damaged();
        push(found->second);
    }

    void push_function() {
        const std::string module = line(), name = line(), function = module + " " + name;
        const bool is_known = function == kMakeTensor || function == kMakeParameter || function == kOrderedDictionary ||
                              !storage_type(function).empty();
        check(is_known, ErrorCode::Unsupported, "{}: the pickle calls '{}', only what makes tensors is done", where_,
              printable(function));
        push(make(Kind::Function));
        stack_.back()->text = function;
    }

    /// ("storage", type, file, device, elements)
    void push_storage(const Value& parts) {
        const std::vector<Value*>& items = parts.items;
        const bool is_storage = items.size() == 5 && items[0]->kind == Kind::Text && items[0]->text == "storage" &&
                                items[1]->kind == Kind::Function && items[2]->kind == Kind::Text;
        if (!is_storage) damaged();
        push(make(Kind::Storage));
        stack_.back()->tensor.dtype_name = storage_type(items[1]->text);
        stack_.back()->tensor.storage = items[2]->text;
    }

    std::vector<int64_t> numbers_of(const Value& sequence) const {
        if (sequence.kind != Kind::Sequence || sequence.items.size() > kMostArguments) damaged();
        std::vector<int64_t> numbers;
        for (const Value* item : sequence.items) {
            if (item->kind != Kind::Number) damaged();
            numbers.push_back(item->number);
        }
        return numbers;
    }

    /// (storage, offset, shape, strides, ...)
    void push_tensor(const std::vector<Value*>& arguments) {
        if (arguments.size() < 4 || arguments[0]->kind != Kind::Storage || arguments[1]->kind != Kind::Number)
            damaged();
        push(make(Kind::Tensor));
        PickledTensor& tensor = stack_.back()->tensor;
        tensor = arguments[0]->tensor;
        tensor.offset = arguments[1]->number;
        tensor.shape = numbers_of(*arguments[2]);
        tensor.strides = numbers_of(*arguments[3]);
    }

    void reduce() {
        const std::vector<Value*>& arguments = pop(Kind::Sequence)->items;
        const std::string function = pop(Kind::Function)->text;
        if (function == kOrderedDictionary && arguments.empty()) {
            push(make(Kind::Dictionary));
        } else if (function == kMakeTensor) {
            push_tensor(arguments);
        } else if (function == kMakeParameter && !arguments.empty() && arguments[0]->kind == Kind::Tensor) {
            push(arguments[0]);
        } else {
            damaged();
        }
    }

    std::string_view program_;
    std::string_view where_;
    size_t at_ = 0;
    std::deque<Value> arena_;  // owns all values: a pickle may tie them into rings
    std::vector<Value*> stack_;
    std::vector<size_t> marks_;
    std::map<uint32_t, Value*> memo_;
};

/// Numbers with fractions and attributes of dictionaries say nothing of tensors.
constexpr std::array<Machine::Instruction, 34> Machine::kInstructions = {{
    {0x80, [](Machine& m) { m.take(1); }},  // the protocol's number
    {0x95, [](Machine& m) { m.take(8); }},  // the length of a frame
    {'N', [](Machine& m) { m.push(m.make(Kind::Nothing)); }},
    {0x88, [](Machine& m) { m.push_number(1); }},
    {0x89, [](Machine& m) { m.push_number(0); }},
    {'J', [](Machine& m) { m.push_number(m.number<int32_t>()); }},
    {'K', [](Machine& m) { m.push_number(m.number<uint8_t>()); }},
    {'M', [](Machine& m) { m.push_number(m.number<uint16_t>()); }},
    {0x8a, [](Machine& m) { m.push_number(m.long_number()); }},
    {'G', [](Machine& m) { m.take(8), m.push(m.make(Kind::Nothing)); }},
    {'X', [](Machine& m) { m.push_text(m.take(m.number<uint32_t>())); }},
    {0x8c, [](Machine& m) { m.push_text(m.take(m.number<uint8_t>())); }},
    {'(', [](Machine& m) { m.marks_.push_back(m.stack_.size()); }},
    {')', [](Machine& m) { m.push_sequence({}); }},
    {']', [](Machine& m) { m.push_sequence({}); }},
    {'}', [](Machine& m) { m.push(m.make(Kind::Dictionary)); }},
    {'t', [](Machine& m) { m.push_sequence(m.pop_marked()); }},
    {'l', [](Machine& m) { m.push_sequence(m.pop_marked()); }},
    {0x85, [](Machine& m) { m.push_last(1); }},
    {0x86, [](Machine& m) { m.push_last(2); }},
    {0x87, [](Machine& m) { m.push_last(3); }},
    {'a', [](Machine& m) { m.append(Kind::Sequence, {m.pop()}); }},
    {'e', [](Machine& m) { m.append(Kind::Sequence, m.pop_marked()); }},
    {'s', [](Machine& m) { m.append(Kind::Dictionary, m.pop_pair()); }},
    {'u', [](Machine& m) { m.append(Kind::Dictionary, m.pop_marked()); }},
    {'q', [](Machine& m) { m.store(m.number<uint8_t>()); }},
    {'r', [](Machine& m) { m.store(m.number<uint32_t>()); }},
    {0x94, [](Machine& m) { m.store(static_cast<uint32_t>(m.memo_.size())); }},
    {'h', [](Machine& m) { m.recall(m.number<uint8_t>()); }},
    {'j', [](Machine& m) { m.recall(m.number<uint32_t>()); }},
    {'c', [](Machine& m) { m.push_function(); }},
    {'Q', [](Machine& m) { m.push_storage(*m.pop(Kind::Sequence)); }},
    {'R', [](Machine& m) { m.reduce(); }},
    {'b', [](Machine& m) { m.pop(), m.top(Kind::Dictionary); }},
}};

using TensorMap = std::map<std::string, PickledTensor>;

/// Tensors in a dictionary itself, else in the first of its dictionaries that has any. A pickle may name a dictionary
/// any number of times: `seen` has been looked through.
TensorMap tensors_in(const Value& value, int depth, std::set<const Value*>& seen) {
    TensorMap tensors;
    if (value.kind != Kind::Dictionary || depth > kDeepest || !seen.insert(&value).second) return tensors;
    for (size_t i = 0; i + 1 < value.items.size(); i += 2) {
        const Value &key = *value.items[i], &item = *value.items[i + 1];
        if (key.kind == Kind::Text && item.kind == Kind::Tensor) tensors[key.text] = item.tensor;
    }
    for (size_t i = 1; i < value.items.size() && tensors.empty(); i += 2)
        tensors = tensors_in(*value.items[i], depth + 1, seen);
    return tensors;
}

}  // namespace

std::map<std::string, PickledTensor> read_tensor_pickle(std::string_view pickle, std::string_view where) {
    Machine machine(pickle, where);
    std::set<const Value*> seen;
    return tensors_in(machine.run(), 0, seen);
}

}  // namespace kine
