// PyTorch checkpoints, byte by byte, as torch.save writes them: a zip archive of stored files and a pickle.
#pragma once

#include "runtime/tensor/tensor.h"

#include <map>
#include <string>
#include <vector>

namespace kine {

/// The lowest `count` bytes of a number.
inline std::string low_bytes(uint64_t value, int count) {
    std::string bytes;
    for (int i = 0; i < count; ++i, value >>= 8) bytes += static_cast<char>(value);
    return bytes;
}

inline std::string pickled_text(const std::string& text) { return "X" + low_bytes(text.size(), 4) + text; }
inline std::string pickled_number(int64_t value) { return "J" + low_bytes(static_cast<uint64_t>(value), 4); }
inline std::string pickled_sizes(const std::vector<int64_t>& sizes) {
    std::string bytes = "(";
    for (const int64_t size : sizes) bytes += pickled_number(size);
    return bytes + "t";
}

/// One call of torch._utils._rebuild_tensor_v2 over the file `storage` of the archive.
inline std::string pickled_tensor(const Tensor& tensor, const std::string& storage, int64_t offset = 0) {
    std::vector<int64_t> strides;
    for (int axis = 0; axis < tensor.rank(); ++axis) strides.push_back(tensor.stride(axis));
    const std::string type = tensor.dtype() == DType::BFloat16 ? "BFloat16Storage" : "FloatStorage";
    return "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled_text("storage") + "ctorch\n" + type + "\n" +
           pickled_text(storage) + pickled_text("cpu") + pickled_number(tensor.elements()) + "tQ" +
           pickled_number(offset) + pickled_sizes({tensor.shape().begin(), tensor.shape().end()}) +
           pickled_sizes(strides) + "\x89" + "ccollections\nOrderedDict\n)RtR";
}

/// A zip archive that stores its files as they are.
inline std::string zip_of(const std::map<std::string, std::string>& files) {
    std::string archive, directory;
    for (const auto& [name, bytes] : files) {
        const std::string sizes = low_bytes(0, 4) + low_bytes(bytes.size(), 4) + low_bytes(bytes.size(), 4);
        const std::string shared = low_bytes(0, 2) + low_bytes(0, 2) + low_bytes(0, 4) + sizes;  // flags, method, time
        directory += low_bytes(0x02014b50, 4) + low_bytes(0, 4) + shared + low_bytes(name.size(), 2) +
                     low_bytes(0, 12) + low_bytes(archive.size(), 4) + name;
        archive += low_bytes(0x04034b50, 4) + low_bytes(0, 2) + shared + low_bytes(name.size(), 2) + low_bytes(0, 2) +
                   name + bytes;
    }
    return archive + directory + low_bytes(0x06054b50, 4) + low_bytes(0, 4) + low_bytes(files.size(), 2) +
           low_bytes(files.size(), 2) + low_bytes(directory.size(), 4) + low_bytes(archive.size(), 4) + low_bytes(0, 2);
}

/// {name: tensor}, or {wrapper: {name: tensor}}.
inline std::string torch_bytes(const std::map<std::string, Tensor>& tensors, const std::string& wrapper = "") {
    std::map<std::string, std::string> files;
    std::string pickle = "ccollections\nOrderedDict\n)Rq\x01(";
    for (const auto& [name, tensor] : tensors) {
        const std::string storage = std::to_string(files.size());
        files["archive/data/" + storage].assign(reinterpret_cast<const char*>(tensor.raw()),
                                                static_cast<size_t>(tensor.bytes()));
        pickle += pickled_text(name) + pickled_tensor(tensor, storage);
    }
    pickle += "u}b";  // attributes, which a dictionary of a module's tensors has
    if (!wrapper.empty()) pickle = "}(" + pickled_text(wrapper) + pickle + "u";
    files["archive/data.pkl"] = "\x80\x02" + pickle + ".";
    return zip_of(files);
}

}  // namespace kine
