#include "kernels/cudnn/plugin/descriptor.h"

#include <array>
#include <utility>

namespace kine::kernels::cudnn {

void check(cudnnStatus_t status, std::string_view what) {
    if (status == CUDNN_STATUS_SUCCESS) return;
    std::array<char, 512> words = {};
    cudnnGetLastErrorString(words.data(), words.size());
    const int category = CUDNN_STATUS_CATEGORY(status);
    const bool is_refused = category == CUDNN_STATUS_NOT_SUPPORTED || category == CUDNN_STATUS_BAD_PARAM;
    fail(is_refused ? ErrorCode::Unsupported : ErrorCode::Device, "cuDNN: {}: {} {}", what, cudnnGetErrorString(status),
         words.data());
}

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) {
    check(cudnnBackendCreateDescriptor(type, &handle_), "a descriptor");
}

Descriptor::~Descriptor() {
    if (handle_ != nullptr) cudnnBackendDestroyDescriptor(handle_);
}

Descriptor::Descriptor(Descriptor&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

void Descriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                     const void* values) {
    check(cudnnBackendSetAttribute(handle_, name, type, count, values),
          fmt::format("attribute {}", static_cast<int>(name)));
}

void Descriptor::set(cudnnBackendAttributeName_t name, std::span<const int64_t> values) {
    set(name, CUDNN_TYPE_INT64, static_cast<int64_t>(values.size()), values.data());
}

void Descriptor::set(cudnnBackendAttributeName_t name, cudnnDataType_t value) {
    set(name, CUDNN_TYPE_DATA_TYPE, 1, &value);
}

void Descriptor::set(cudnnBackendAttributeName_t name, bool value) { set(name, CUDNN_TYPE_BOOLEAN, 1, &value); }

void Descriptor::set(cudnnBackendAttributeName_t name, const Descriptor& value) {
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.handle_);
}

void Descriptor::finish() { check(cudnnBackendFinalize(handle_), "finishing a descriptor"); }

int64_t Descriptor::number(cudnnBackendAttributeName_t name) const {
    int64_t value = 0, count = 0;
    check(cudnnBackendGetAttribute(handle_, name, CUDNN_TYPE_INT64, 1, &count, &value), "a number");
    return value;
}

std::string Descriptor::text(cudnnBackendAttributeName_t name) const {
    int64_t length = 0;
    check(cudnnBackendGetAttribute(handle_, name, CUDNN_TYPE_CHAR, 0, &length, nullptr), "the length of a text");
    std::string value(static_cast<size_t>(length), '\0');
    check(cudnnBackendGetAttribute(handle_, name, CUDNN_TYPE_CHAR, length, &length, value.data()), "a text");
    return value;
}

}  // namespace kine::kernels::cudnn
