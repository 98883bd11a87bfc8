#include "runtime/io/torch_file.h"

#include "runtime/io/mapped_file.h"
#include "runtime/io/tensor_pickle.h"
#include "runtime/io/zip_directory.h"
#include "runtime/printable.h"

#include <array>
#include <limits>
#include <utility>

namespace kine {

namespace {

constexpr std::string_view kPickle = "data.pkl";
constexpr int64_t kMostPickleBytes = int64_t{64} << 20;

struct StoredType {
    std::string_view name;
    int64_t bytes;
    std::optional<DType> dtype;
};

constexpr std::array<StoredType, 9> kTypes = {{
    {"F32", 4, DType::Float32},
    {"F16", 2, DType::Float16},
    {"BF16", 2, DType::BFloat16},
    {"I64", 8, DType::Int64},
    {"I32", 4, DType::Int32},
    {"U8", 1, DType::UInt8},
    {"F64", 8, std::nullopt},
    {"I16", 2, std::nullopt},
    {"BOOL", 1, std::nullopt},
}};

const StoredType& type_named(std::string_view name) {
    for (const StoredType& type : kTypes) {
        if (type.name == name) return type;
    }
    fail(ErrorCode::Bug, "no type '{}' in tensors of PyTorch", name);
}

/// Elements, if the axes lie one inside the other without gaps.
int64_t count_contiguous(const PickledTensor& tensor, const std::string& what) {
    check(tensor.shape.size() == tensor.strides.size() && tensor.shape.size() <= kMaxRank, ErrorCode::BadInput,
          "{}: has {} axes and {} strides, expected at most {} of both", what, tensor.shape.size(),
          tensor.strides.size(), kMaxRank);
    int64_t count = 1;
    for (size_t axis = tensor.shape.size(); axis-- > 0;) {
        const int64_t size = tensor.shape[axis];
        check(size >= 0 && (size == 0 || count <= std::numeric_limits<int64_t>::max() / 8 / size), ErrorCode::BadInput,
              "{}: axis {} has the size {}", what, axis, size);
        check(size <= 1 || tensor.strides[axis] == count, ErrorCode::Unsupported,
              "{}: axis {} has the stride {}, expected {}: only contiguous tensors are read", what, axis,
              tensor.strides[axis], count);
        count *= size;
    }
    return count;
}

SafetensorsEntry entry_of(const PickledTensor& tensor, const ZipEntry& bytes, const std::string& what) {
    const StoredType& type = type_named(tensor.dtype_name);
    const int64_t count = count_contiguous(tensor, what), held = bytes.bytes / type.bytes;
    check(tensor.offset >= 0 && tensor.offset <= held && count <= held - tensor.offset, ErrorCode::BadInput,
          "{}: {} elements at {} reach beyond its storage of {}", what, count, tensor.offset, held);
    return {tensor.dtype_name, type.dtype, Shape(std::span<const int64_t>(tensor.shape)),
            bytes.offset + tensor.offset * type.bytes, count * type.bytes};
}

/// "archive/data.pkl" -> "archive/"
std::string folder_of(const std::map<std::string, ZipEntry>& files, std::string_view where) {
    for (const auto& [name, entry] : files) {
        if (name.ends_with(kPickle)) return name.substr(0, name.size() - kPickle.size());
    }
    fail(ErrorCode::BadInput, "{}: holds no {}, expected a checkpoint of PyTorch", where, kPickle);
}

}  // namespace

bool is_torch_file(const std::filesystem::path& path) {
    const std::string ending = path.extension().string();
    return ending == ".pth" || ending == ".pt";
}

SafetensorsFile open_torch_file(const std::filesystem::path& path) {
    const std::shared_ptr<const MappedFile> mapped = MappedFile::open(path);
    const std::string where = printable(path.string(), 4096);
    const std::map<std::string, ZipEntry> files = read_zip_directory(mapped->bytes(), where);
    const std::string folder = folder_of(files, where);
    const ZipEntry program = files.at(folder + std::string(kPickle));
    check(program.bytes <= kMostPickleBytes, ErrorCode::BadInput, "{}: the pickle has {} bytes, expected at most {}",
          where, program.bytes, kMostPickleBytes);
    const auto* text = reinterpret_cast<const char*>(mapped->bytes().data()) + program.offset;
    std::map<std::string, SafetensorsEntry> entries;
    for (const auto& [name, tensor] : read_tensor_pickle({text, static_cast<size_t>(program.bytes)}, where)) {
        const auto bytes = files.find(folder + "data/" + tensor.storage);
        const std::string what = fmt::format("{}: tensor '{}'", where, printable(name));
        check(bytes != files.end(), ErrorCode::BadInput, "{}: its storage '{}' is missing", what,
              printable(tensor.storage));
        entries[name] = entry_of(tensor, bytes->second, what);
    }
    return SafetensorsFile::over(mapped, std::move(entries));
}

SafetensorsFile open_tensor_file(const std::filesystem::path& path) {
    return is_torch_file(path) ? open_torch_file(path) : SafetensorsFile::open(path);
}

}  // namespace kine
