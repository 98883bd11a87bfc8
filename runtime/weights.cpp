#include "runtime/weights.h"

#include "runtime/io/shards.h"
#include "runtime/io/torch_file.h"
#include "runtime/options.h"
#include "runtime/printable.h"
#include "runtime/tensor/transfer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>

namespace kine {

namespace fs = std::filesystem;

namespace {

constexpr size_t kMostLines = 20;
constexpr size_t kMostCandidates = 10'000;  // comparing names is quadratic in their length

std::string first_part(const std::string& name) { return name.substr(0, name.find('.')); }

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

/// Of f16, contiguous.
bool is_finite(const Tensor& x) {
    const std::span values(x.data<Float16>(), static_cast<size_t>(x.elements()));
    return std::ranges::all_of(values, [](Float16 value) { return (value.bits & 0x7c00u) != 0x7c00u; });
}

bool is_of_eight_bits(const SafetensorsEntry& entry) {
    return entry.dtype == DType::Float8E4M3 || entry.dtype == DType::Float8E5M2;
}

/// "X.weight" for a tensor that it is to be multiplied by, as ComfyUI writes them; else empty.
std::string weight_of_scale(const std::string& name) {
    for (const std::string_view ending : {".scale_weight", ".weight_scale"}) {
        if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size()) + ".weight";
    }
    return "";
}

/// For arithmetic in eight bits, which is not done here, and what says that a file holds such weights.
bool is_for_small_arithmetic(const std::string& name) {
    const std::string last = last_part(name);
    return last == "scale_input" || last == "input_scale" || last == "scaled_fp8" || last == "comfy_quant";
}

}  // namespace

void Weights::add_file(const fs::path& path) {
    files_.push_back(std::make_shared<const SafetensorsFile>(open_tensor_file(path)));
    for (const auto& [name, entry] : files_.back()->entries()) {
        const auto [place, is_new] = entries_.emplace(name, Entry{files_.back().get(), name});
        check(is_new, ErrorCode::BadInput, "{}: tensor '{}' is in {} and in {}", label_, printable(name),
              place->second.file->path().filename().string(), path.filename().string());
    }
}

float Weights::scale_in(const std::string& name) const {
    const Entry& found = entries_.at(name);
    const SafetensorsEntry& stored = found.file->entries().at(found.stored_name);
    check(stored.dtype == DType::Float32 && stored.shape.elements() == 1, ErrorCode::Unsupported,
          "{}: '{}' is {} of {}, known are scales that are one F32 number", label_, printable(name),
          to_string(stored.shape), stored.dtype_name);
    return *found.file->tensor(found.stored_name).data<float>();
}

void Weights::take_scales() {
    const auto is_small = [&](const auto& named) { return is_of_eight_bits(entry(named.first)); };
    if (std::ranges::none_of(entries_, is_small)) return;
    for (const std::string& name : names()) {
        const auto weight = entries_.find(weight_of_scale(name));
        const bool is_scale = weight != entries_.end() && is_of_eight_bits(entry(weight->first));
        if (is_scale) weight->second.scale = scale_in(name);
        if (is_scale || is_for_small_arithmetic(name)) entries_.erase(name);
    }
}

Weights Weights::open_file(const fs::path& file) { return open_files({file}); }

Weights Weights::open_files(const std::vector<fs::path>& files) {
    Weights weights;
    for (const fs::path& file : files) {
        weights.label_ = weights.label_.empty() ? file.string() : weights.label_;
        weights.add_file(file);
    }
    weights.take_scales();
    return weights;
}

Weights Weights::imagined(std::string label) {
    Weights weights;
    weights.label_ = std::move(label);
    weights.gives_values_ = false;
    weights.has_names_ = false;
    return weights;
}

Weights Weights::open_shards(const fs::path& directory, const fs::path& index) {
    const std::map<std::string, std::string> shards = read_shard_index(index);
    std::set<std::string> file_names;
    for (const auto& [tensor, file] : shards) file_names.insert(file);
    Weights weights;
    weights.label_ = index.string();
    for (const std::string& file : file_names) weights.add_file(shard_path(directory, file, index));
    for (const auto& [tensor, file] : shards) {
        const auto found = weights.entries_.find(tensor);
        check(found != weights.entries_.end() && found->second.file->path().filename() == file, ErrorCode::BadInput,
              "{}: weight_map: '{}' is not in {}", weights.label_, printable(tensor), printable(file));
    }
    for (const auto& [tensor, entry] : weights.entries_) {
        check(shards.contains(tensor), ErrorCode::BadInput, "{}: weight_map: lacks '{}', which is in {}",
              weights.label_, printable(tensor), entry.file->path().filename().string());
    }
    weights.take_scales();
    return weights;
}

Weights Weights::open_component(const fs::path& directory, const std::vector<std::string>& names) {
    std::error_code ignored;
    check(fs::is_directory(directory, ignored), ErrorCode::BadInput, "{}: expected a folder with weights",
          directory.string());
    std::vector<std::string> tried;
    for (const std::string& name : names) {
        const fs::path single = directory / (name + ".safetensors");
        const fs::path index = directory / (name + ".safetensors.index.json");
        if (fs::exists(fs::symlink_status(single, ignored))) return open_file(single);
        if (fs::exists(fs::symlink_status(index, ignored))) return open_shards(directory, index);
        tried.push_back(single.filename().string());
        tried.push_back(index.filename().string());
    }
    fail(ErrorCode::BadInput, "{}: has no weights, looked for {}", directory.string(), fmt::join(tried, ", "));
}

void Weights::rename(const std::function<std::optional<std::string>(const std::string&)>& translate) {
    std::map<std::string, Entry> renamed;
    for (const auto& [name, entry] : entries_) {
        const std::optional<std::string> target = translate(name);
        if (!target) continue;
        const auto [place, is_new] = renamed.emplace(*target, entry);
        check(is_new, ErrorCode::BadInput, "{}: tensors '{}' and '{}' both mean '{}'", label_,
              printable(place->second.stored_name), printable(entry.stored_name), printable(*target));
    }
    entries_ = std::move(renamed);
}

void Weights::cut(const std::string& name, int64_t count, const std::vector<Piece>& pieces) {
    const SafetensorsEntry whole = entry(name);
    check(whole.shape.rank() >= 1 && whole.shape[0] % count == 0, ErrorCode::BadInput,
          "{}: {}: {} is not {} tensors in one, as its name says", label_, printable(name), to_string(whole.shape),
          count);
    const Entry fused = entries_.at(name);
    entries_.erase(name);
    for (const Piece& piece : pieces) {
        SafetensorsEntry rest = whole;
        const auto parts = static_cast<int64_t>(piece.parts.size());
        rest.shape.set(0, whole.shape[0] / count * parts);
        rest.bytes = whole.bytes / count * parts;
        const auto [place, is_new] =
            entries_.emplace(piece.name, Entry{fused.file, fused.stored_name, rest, piece.parts, fused.scale});
        check(is_new, ErrorCode::BadInput, "{}: tensors '{}' and '{}' both mean '{}'", label_,
              printable(place->second.stored_name), printable(name), printable(piece.name));
    }
}

const SafetensorsEntry& Weights::entry(const std::string& name) const {
    const auto found = entries_.find(name);
    check(found != entries_.end(), ErrorCode::BadInput, "{}: has no tensor '{}'", label_, printable(name));
    if (found->second.piece) return *found->second.piece;
    return found->second.file->entries().at(found->second.stored_name);
}

std::vector<std::string> Weights::names() const {
    std::vector<std::string> all;
    for (const auto& [name, entry] : entries_) all.push_back(name);
    return all;
}

int64_t Weights::parameters() const {
    int64_t sum = 0;
    for (const auto& [name, where] : entries_) sum += entry(name).shape.elements();
    return sum;
}

Tensor Weights::load(const Context& context, const std::string& name) const {
    const Entry& found = entries_.at(name);
    const Tensor whole = found.file->tensor(found.stored_name);
    if (!found.piece) return whole;
    const int64_t rows = found.piece->shape[0] / static_cast<int64_t>(found.parts.size());
    if (found.parts.size() == 1) return whole.slice(0, found.parts[0] * rows, (found.parts[0] + 1) * rows);
    Tensor result = Tensor::empty(context.host(), found.piece->shape, whole.dtype());
    const int64_t bytes = found.piece->bytes / static_cast<int64_t>(found.parts.size());
    for (size_t i = 0; i < found.parts.size(); ++i)
        std::memcpy(result.raw() + static_cast<int64_t>(i) * bytes, whole.raw() + found.parts[i] * bytes,
                    static_cast<size_t>(bytes));
    return result;
}

Tensor Weights::load_as(const Context& context, const std::string& name, DType dtype) const {
    const Tensor stored = load(context, name);
    const float scale = entries_.at(name).scale;
    if (stored.dtype() == dtype && scale == 1.0f) return stored;
    const Tensor made =
        scale != 1.0f ? convert_scaled(context.host(), stored, dtype, scale) : convert(context.host(), stored, dtype);
    check(dtype != DType::Float16 || is_finite(made), ErrorCode::Unsupported,
          "{}: '{}' has values that are not in the range of f16 (65504), expected dtype bf16 or f32", label_,
          printable(name));
    return made;
}

std::vector<std::string> Weights::unused() const {
    std::vector<std::string> left;
    for (const auto& [name, entry] : entries_) {
        if (!used_.contains(name)) left.push_back(name);
    }
    return left;
}

std::vector<std::string> Weights::unexpected() const {
    std::vector<std::string> left = unused();
    std::erase_if(left, [this](const std::string& name) { return !asked_parts_.contains(first_part(name)); });
    return left;
}

/// The unused name most like `name` that ends alike: a bias is never meant for a weight.
std::string Weights::nearest(const std::string& name) const {
    std::vector<std::string> candidates;
    for (const auto& [other, entry] : entries_) {
        if (candidates.size() == kMostCandidates) break;
        if (!used_.contains(other) && last_part(other) == last_part(name)) candidates.push_back(other);
    }
    return nearest_name(name, candidates);
}

std::vector<std::string> Weights::problem_lines() const {
    std::vector<std::string> lines;
    for (const Problem& problem : problems_) {
        if (lines.size() == kMostLines) break;
        const std::string other = entries_.contains(problem.name) ? "" : nearest(problem.name);
        const std::string hint = other.empty() ? "" : fmt::format(", nearest is {}", printable(other));
        lines.push_back(fmt::format("{}: {}{}", printable(problem.name), problem.text, hint));
    }
    return lines;
}

std::vector<std::string> Weights::report() const {
    std::vector<std::string> lines = problem_lines();
    for (const std::string& name : unexpected()) {
        if (lines.size() == kMostLines) return lines;
        lines.push_back(fmt::format("{}: {} of {} is not used by this model", printable(name),
                                    to_string(entry(name).shape), entry(name).dtype_name));
    }
    return lines;
}

void Weights::finish() const {
    for (const auto& file : files_) file->expect_unchanged();
    const std::vector<std::string> lines = report();
    if (lines.empty()) return;
    const size_t count = problems_.size() + unexpected().size();
    const std::string rest = count > lines.size() ? fmt::format("\n  and {} more", count - lines.size()) : "";
    fail(ErrorCode::BadInput, "{}: {} of the weights do not fit the model\n  {}{}", label_, count,
         fmt::join(lines, "\n  "), rest);
}

namespace {

/// Of a matrix in eight bits, a byte each and a scale for every row.
int64_t held_bytes(const Shape& shape, DType dtype, Quantization held) {
    if (held == Quantization::None || held == Quantization::Tf32) return shape.elements() * size_of(dtype);
    return shape.elements() + shape[0] * size_of(DType::Float32);
}

}  // namespace

Scope Scope::operator/(std::string_view name) const {
    Scope below = *this;
    below.prefix_ = fmt::format("{}{}.", prefix_, name);
    return below;
}

Scope Scope::as(DType dtype) const {
    Scope other = *this;
    other.dtype_ = dtype;
    return other;
}

Scope Scope::quantized(Quantization quantization) const {
    Scope other = *this;
    other.quantization_ = quantization;
    return other;
}

Scope Scope::of_layer() const {
    Scope other = *this;
    other.offload_ = weights_->offload_;
    return other;
}

std::string Scope::full(std::string_view name) const { return prefix_ + std::string(name); }

bool Scope::has(std::string_view name) const { return weights_->contains(full(name)); }

/// A checkpoint that lacks more than it holds will not become this model: its configuration must not make us allocate
/// it.
void Weights::count_placeholder(int64_t bytes) {
    constexpr int64_t kLeast = int64_t{64} << 20;
    int64_t stored = kLeast;
    for (const auto& [name, where] : entries_) stored += entry(name).bytes;
    placeholder_bytes_ += std::min(bytes, std::numeric_limits<int64_t>::max() - placeholder_bytes_);
    if (placeholder_bytes_ > stored) give_up();
}

void Weights::give_up() const {
    fail(ErrorCode::BadInput, "{}: {} of the weights do not fit the model, and more were not looked for\n  {}", label_,
         problems_.size(), fmt::join(problem_lines(), "\n  "));
}

std::optional<std::string> Scope::problem_with(const std::string& name, const Shape& expected) const {
    if (!weights_->has_names_) return std::nullopt;
    if (!weights_->contains(name)) return fmt::format("is missing, expected {}", to_string(expected));
    const SafetensorsEntry& entry = weights_->entry(name);
    check(entry.dtype.has_value(), ErrorCode::Unsupported,
          "{}: '{}' is stored as {}, known are F32, BF16, F16, F8_E4M3, F8_E5M2, I64, I32 and U8", weights_->label(),
          printable(name), entry.dtype_name);
    if (entry.shape != expected) {
        return fmt::format("expected {}, the file has {}", to_string(expected), to_string(entry.shape));
    }
    const bool is_readable =
        entry.dtype && (*entry.dtype == dtype_ || (is_floating(*entry.dtype) && is_floating(dtype_)));
    if (!is_readable) return fmt::format("expected {}, the file has {}", name_of(dtype_), entry.dtype_name);
    return std::nullopt;
}

Tensor Scope::bind(std::string_view name, const Shape& expected) const {
    return bind_in(*context_, name, expected, Quantization::None);
}

Tensor Scope::bind_matrix(std::string_view name, const Shape& expected) const {
    const bool is_hosts = offload_ || quantization_ == Quantization::Fp8;  // who makes eight bits of it is the host
    return bind_in(is_hosts ? context_->host() : *context_, name, expected, quantization_);
}

Tensor Scope::bind_in(const Context& place, std::string_view name, const Shape& expected, Quantization held) const {
    const std::string key = full(name);
    weights_->asked_parts_.insert(first_part(key));
    if (weights_->contains(key)) weights_->used_.insert(key);
    weights_->bound_[key] = expected;
    weights_->bound_bytes_ += held_bytes(expected, dtype_, held);
    if (std::optional<std::string> problem = problem_with(key, expected)) {
        weights_->problems_.push_back({key, std::move(*problem)});
        weights_->count_placeholder(expected.elements() * size_of(dtype_));
        return weights_->gives_values_ ? Tensor::zeros(place, expected, dtype_) : Tensor::imagined(expected, dtype_);
    }
    if (!weights_->gives_values_) return Tensor::imagined(expected, dtype_);
    return to_device(place, weights_->load_as(*context_, key, dtype_));
}

}  // namespace kine
