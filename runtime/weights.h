// Typed look-up of weights by name. A model binds all it needs through a Scope; misses, wrong shapes and unused entries
// are collected and reported together, so that one run shows everything that is wrong with a checkpoint. Weights of
// eight bits are widened, and multiplied by the scale that lies beside them.
#pragma once

#include "runtime/context.h"
#include "runtime/io/safetensors.h"
#include "runtime/quantization.h"
#include "runtime/tensor/convert.h"
#include "runtime/weight_offload.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace kine {

/// All tensors of one component: a single file, or the shards that an index names. Not safe for several threads.
class Weights {
  public:
    /// `directory` holds NAME.safetensors or NAME.safetensors.index.json for the first of `names` that exists, e.g.
    /// {"diffusion_pytorch_model", "model"}. Shards must be plain file names inside the directory.
    static Weights open_component(const std::filesystem::path& directory, const std::vector<std::string>& names);
    static Weights open_file(const std::filesystem::path& file);
    /// Several files that together are one component.
    static Weights open_files(const std::vector<std::filesystem::path>& files);
    /// No file: whatever is asked for is there, imagined.
    static Weights imagined(std::string label);

    /// From here on binding looks at names and shapes only and gives imagined tensors.
    void imagine() { gives_values_ = false; }

    /// How linear layers of transformer blocks are to be held; the others stay as they are.
    void quantize_blocks(Quantization quantization) { of_blocks_ = quantization; }

    /// Who keeps the weights of layers that a model gives away (Scope::of_layer); null: they lie where work is done.
    void offload_to(std::shared_ptr<WeightOffload> offload) { offload_ = std::move(offload); }

    /// Renames every entry before anything is looked up; nullopt drops it (and it does not count as unused).
    void rename(const std::function<std::optional<std::string>(const std::string&)>& translate);

    /// Some rows of a stored tensor, under a name of their own.
    struct Piece {
        std::string name;
        std::vector<int64_t> parts;  ///< which of the equal parts that the tensor's first axis is cut into, in order
    };
    /// Cuts the tensor `name` into pieces that take its place. BadInput if its first axis has no `count` equal parts.
    void cut(const std::string& name, int64_t count, const std::vector<Piece>& pieces);

    const std::string& label() const { return label_; }  ///< the path, for messages
    bool contains(const std::string& name) const { return entries_.contains(name); }
    const SafetensorsEntry& entry(const std::string& name) const;
    std::vector<std::string> names() const;
    int64_t parameters() const;
    /// What was bound, under the names that it was asked for by.
    const std::map<std::string, Shape>& bound() const { return bound_; }
    /// Of all that was bound, in the types that it is held in: at most so many, since products may hold bf16 in less.
    int64_t bound_bytes() const { return bound_bytes_; }

    /// Throws ErrorCode::BadInput listing each problem (at most 20 lines and a count) with the nearest names present.
    /// An entry that nobody bound is a problem too, unless nothing under its first name ("encoder" of
    /// "encoder.conv_in.bias") was asked for: then it belongs to a part that this program leaves out.
    void finish() const;
    std::vector<std::string> unused() const;

  private:
    friend class Scope;
    struct Entry {
        const SafetensorsFile* file;
        std::string stored_name;
        std::optional<SafetensorsEntry> piece = {};  // of a tensor that was cut: what is left of it
        std::vector<int64_t> parts = {};             // each as long as the piece's first axis over their number
        float scale = 1.0f;
    };
    struct Problem {
        std::string name;
        std::string text;
    };
    static Weights open_shards(const std::filesystem::path& directory, const std::filesystem::path& index);
    void add_file(const std::filesystem::path& path);
    void take_scales();
    float scale_in(const std::string& name) const;
    Tensor load(const Context& context, const std::string& name) const;
    /// In host memory, converted and multiplied by its scale.
    Tensor load_as(const Context& context, const std::string& name, DType dtype) const;
    std::string nearest(const std::string& name) const;
    std::vector<std::string> unexpected() const;
    std::vector<std::string> problem_lines() const;
    std::vector<std::string> report() const;
    void count_placeholder(int64_t bytes);
    [[noreturn]] void give_up() const;

    std::string label_;
    std::vector<std::shared_ptr<const SafetensorsFile>> files_;
    std::map<std::string, Entry> entries_;
    std::set<std::string> used_;
    std::set<std::string> asked_parts_;  // first names of all that was asked for
    std::vector<Problem> problems_;
    bool gives_values_ = true;
    Quantization of_blocks_ = Quantization::None;
    std::shared_ptr<WeightOffload> offload_;
    bool has_names_ = true;  // false: no file says which there are
    std::map<std::string, Shape> bound_;
    int64_t bound_bytes_ = 0;
    int64_t placeholder_bytes_ = 0;  // of zeros that stand for what is missing
};

/// A place in the tree of names: scope / "blocks" / 3 / "attn" looks under "blocks.3.attn.".
class Scope {
  public:
    Scope(const Context& context, Weights& weights, DType dtype, std::string prefix = "")
        : context_(&context), weights_(&weights), dtype_(dtype), prefix_(std::move(prefix)) {}

    Scope operator/(std::string_view name) const;
    Scope operator/(int64_t index) const { return *this / std::to_string(index); }
    Scope as(DType dtype) const;
    /// A transformer block's place, whose linear layers are held as Weights::quantize_blocks and offload_to say.
    Scope of_block() const { return of_layer().quantized(weights_->of_blocks_); }
    /// A layer's place, of whatever kind, whose linear layers are kept as Weights::offload_to says.
    Scope of_layer() const;
    /// The same place with linear layers held so.
    Scope quantized(Quantization quantization) const;

    /// The tensor `prefix.name` converted to this scope's dtype (a view of the file where it already is). A miss or a
    /// wrong shape is recorded and yields zeros of the expected shape, so that binding goes on; Weights::finish throws.
    /// Imagined weights give imagined tensors. Throws at once when more is missing than the file holds: then the
    /// configuration belongs to another model.
    Tensor bind(std::string_view name, const Shape& expected) const;
    /// The same for the matrix of a linear layer, in memory of the host where it is offloaded or made fp8. Counted as
    /// it is held.
    Tensor bind_matrix(std::string_view name, const Shape& expected) const;
    bool has(std::string_view name) const;
    const Context& context() const { return *context_; }
    DType dtype() const { return dtype_; }
    Quantization quantization() const { return quantization_; }
    const std::shared_ptr<WeightOffload>& offload() const { return offload_; }
    const std::string& prefix() const { return prefix_; }

  private:
    std::string full(std::string_view name) const;
    std::optional<std::string> problem_with(const std::string& name, const Shape& expected) const;
    Tensor bind_in(const Context& place, std::string_view name, const Shape& expected, Quantization held) const;

    const Context* context_;
    Weights* weights_;
    DType dtype_;
    std::string prefix_;
    Quantization quantization_ = Quantization::None;
    std::shared_ptr<WeightOffload> offload_;
};

}  // namespace kine
