#include "apps/embed/latents_file.h"

#include "runtime/io/safetensors.h"
#include "runtime/weights.h"

namespace kine::embed {

namespace {

std::string names_in(const SafetensorsFile& file) {
    std::string names;
    for (const auto& [name, entry] : file.entries()) names += (names.empty() ? "" : ", ") + name;
    return names;
}

std::string choose(const SafetensorsFile& file, const TensorFile& wanted) {
    if (!wanted.name.empty()) {
        check(file.contains(wanted.name), ErrorCode::BadInput, "{}: no tensor '{}', it holds {}", wanted.path,
              wanted.name, names_in(file));
        return wanted.name;
    }
    if (file.contains("latents")) return "latents";
    check(file.entries().size() == 1, ErrorCode::BadInput,
          "{}: expected a tensor 'latents' or only one, it holds {}; choose with FILE:NAME", wanted.path,
          names_in(file));
    return file.entries().begin()->first;
}

}  // namespace

Tensor read_latents(const Context& context, const std::string& file_and_name) {
    const TensorFile wanted = parse_tensor_file(file_and_name);
    const SafetensorsFile file = SafetensorsFile::open(wanted.path);
    const std::string name = choose(file, wanted);
    Tensor latents = file.tensor(name);
    while (latents.rank() > 4 && latents.dim(0) == 1) latents = latents.select(0, 0);
    check(latents.rank() == 4, ErrorCode::BadInput, "{}: '{}' has the shape {}, expected [C, T, Y, X]", wanted.path,
          name, to_string(latents.shape()));
    return convert(context.host(), latents, DType::Float32);
}

void write_latents(const std::string& file, const Tensor& latents) { write_safetensors(file, {{"latents", latents}}); }

}  // namespace kine::embed
