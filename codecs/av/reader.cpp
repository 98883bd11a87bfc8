#include "codecs/av/reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace kine::codecs {
namespace {

constexpr int kBufferBytes = 64 * 1024;

/// pread leaves the descriptor's position to the writer.
struct Reader {
    int descriptor;
    int64_t position = 0;
};

int read_bytes(void* opaque, uint8_t* bytes, int count) {
    auto& reader = *static_cast<Reader*>(opaque);
    const ssize_t got = ::pread(reader.descriptor, bytes, static_cast<size_t>(count), reader.position);
    if (got < 0) return AVERROR(errno);
    reader.position += got;
    return got == 0 ? AVERROR_EOF : static_cast<int>(got);
}

int64_t seek_reader(void* opaque, int64_t offset, int whence) {
    auto& reader = *static_cast<Reader*>(opaque);
    struct stat status {};
    if (::fstat(reader.descriptor, &status) != 0) return AVERROR(errno);
    switch (whence & ~AVSEEK_FORCE) {
        case AVSEEK_SIZE:
            return status.st_size;
        case SEEK_SET:
            return reader.position = offset;
        case SEEK_CUR:
            return reader.position += offset;
        case SEEK_END:
            return reader.position = status.st_size + offset;
        default:
            return AVERROR(EINVAL);
    }
}

}  // namespace

AVIOContext* make_reader(int descriptor) {
    auto reader = std::make_unique<Reader>(Reader{descriptor});
    auto* buffer = static_cast<uint8_t*>(av_malloc(kBufferBytes));
    if (buffer == nullptr) return nullptr;
    AVIOContext* context = avio_alloc_context(buffer, kBufferBytes, 0, reader.get(), read_bytes, nullptr, seek_reader);
    if (context == nullptr) av_free(buffer);
    if (context != nullptr) reader.release();
    return context;
}

void free_reader(AVIOContext* context) {
    if (context == nullptr) return;
    const std::unique_ptr<Reader> reader(static_cast<Reader*>(context->opaque));
    av_freep(&context->buffer);
    avio_context_free(&context);
}

}  // namespace kine::codecs
