#include "runtime/io/mapped_file.h"

#include "runtime/error.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

namespace kine {

MappedFile::MappedFile(const std::filesystem::path& path) : file_(path) {
    const auto size = static_cast<size_t>(file_.size());
    if (size == 0) return;  // mmap refuses empty ranges
    void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file_.descriptor(), 0);
    const int reason = errno;
    check(memory != MAP_FAILED, ErrorCode::BadInput, "{}: cannot map {} bytes: {}", path.string(), size,
          std::strerror(reason));
    bytes_ = {static_cast<const std::byte*>(memory), size};
}

void MappedFile::count_read(int64_t bytes) const {
    constexpr int64_t kKept = int64_t{64} << 20;
    if (read_.fetch_add(bytes) + bytes < kKept) return;
    read_ = 0;
    ::madvise(const_cast<std::byte*>(bytes_.data()), bytes_.size(), MADV_DONTNEED);  // advice: failure changes nothing
}

MappedFile::~MappedFile() {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
    return std::shared_ptr<const MappedFile>(new MappedFile(path));  // the constructor is private
}

}  // namespace kine
