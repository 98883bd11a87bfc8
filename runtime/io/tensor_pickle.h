// What a PyTorch checkpoint's pickle says of its tensors. A pickle is a program; this machine knows only the
// instructions that build numbers, texts, lists and dictionaries, and of all functions only the one that makes a tensor
// of a stored stretch of bytes. Whatever else a file asks for is refused before anything is done.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kine {

struct PickledTensor {
    std::string dtype_name;  ///< as safetensors calls it
    std::string storage;     ///< the file of the archive that holds the bytes
    int64_t offset = 0;      ///< in elements
    std::vector<int64_t> shape;
    std::vector<int64_t> strides;
};

/// The tensors of the outermost dictionary that holds any, by name. BadInput for a damaged pickle, Unsupported for one
/// that calls for anything but tensors; both name `where`.
std::map<std::string, PickledTensor> read_tensor_pickle(std::string_view pickle, std::string_view where);

}  // namespace kine
