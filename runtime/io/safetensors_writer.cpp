#include "runtime/io/atomic_file.h"
#include "runtime/io/safetensors.h"
#include "runtime/printable.h"
#include "runtime/tensor/convert.h"

#include <nlohmann/json.hpp>

#include <bit>
#include <cctype>

namespace kine {

namespace {

using Json = nlohmann::ordered_json;

/// "bf16" is BF16 in files.
std::string stored_name(DType dtype) {
    std::string name(name_of(dtype));
    for (char& letter : name) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    return name;
}

void check_tensor(const std::filesystem::path& path, const std::string& name, const Tensor& tensor) {
    check(name != "__metadata__", ErrorCode::Output, "{}: a tensor cannot be called __metadata__", path.string());
    check(static_cast<bool>(tensor), ErrorCode::Bug, "{}: tensor '{}' is empty", path.string(), printable(name));
    check(tensor.device().kind == DeviceKind::Cpu, ErrorCode::Bug, "{}: tensor '{}' is on {}, expected cpu",
          path.string(), printable(name), to_string(tensor.device()));
}

Json header_of(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
               const std::map<std::string, std::string>& metadata) {
    Json header = Json::object();
    if (!metadata.empty()) header["__metadata__"] = metadata;
    int64_t offset = 0;
    for (const auto& [name, tensor] : tensors) {
        check_tensor(path, name, tensor);
        const std::vector<int64_t> shape(tensor.shape().begin(), tensor.shape().end());
        header[name] = {{"dtype", stored_name(tensor.dtype())},
                        {"shape", shape},
                        {"data_offsets", {offset, offset + tensor.bytes()}}};
        offset += tensor.bytes();
    }
    return header;
}

/// Length and text, padded with spaces so that the data begin on a multiple of 8.
std::string header_text(const std::filesystem::path& path, const Json& header) {
    static_assert(std::endian::native == std::endian::little, "the format is little-endian");
    std::string text;
    try {
        text = header.dump();
    } catch (const Json::type_error&) {  // the only place where the library tells
        fail(ErrorCode::Output, "{}: a name or a metadata text is not UTF-8", path.string());
    }
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const uint64_t length = text.size();
    return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + text;
}

void write_tensor(AtomicFile& file, const Tensor& tensor) {
    const auto bytes = static_cast<size_t>(tensor.bytes());
    if (tensor.is_contiguous()) return file.write(std::span(tensor.raw(), bytes));
    std::vector<std::byte> packed(bytes);
    copy_row_major(tensor, packed.data());
    file.write(packed);
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
    const std::string header = header_text(path, header_of(path, tensors, metadata));
    AtomicFile file(path);
    file.write(header);
    for (const auto& [name, tensor] : tensors) write_tensor(file, tensor);
    file.commit();
}

}  // namespace kine
