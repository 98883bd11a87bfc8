// What we ask of MPI, as a table of functions that a small library of ours (plugin.cpp) fills in. That library is
// opened only in a process that an MPI launcher started, so neither the program nor libkinescope.so needs MPI to be
// there; and since it is compiled against mpi.h, any implementation will do, which opening libmpi itself could not
// promise.
#pragma once

#include <memory>

namespace kine::parallel {

/// Two channels keep what ranks tell one another apart from what they work on.
enum class MpiChannel : int { Tokens, News };

/// Functions give 0 for success, unless said otherwise.
struct MpiLibrary {
    /// Initialises MPI unless the host program did; *joined is what the others take first.
    int (*join)(void** joined, int* rank, int* size);
    /// A pending message, null on failure. At most 2^31 - 1 bytes.
    void* (*send)(void* joined, MpiChannel channel, const void* bytes, int count, int peer, int tag);
    void* (*receive)(void* joined, MpiChannel channel, void* bytes, int count, int peer, int tag);
    /// 1: done, *count bytes came, the message is freed; 0: pending; -1: failed, the message is freed.
    int (*test)(void* message, int* count);
    /// Frees a pending message: a receive no more touches its memory, a send may still read its own.
    void (*drop)(void* message);
    /// 1: a message of *count bytes waits on the channel, from *peer with any tag; 0: none.
    int (*probe)(void* joined, MpiChannel channel, int* peer, int* count);
    /// The orderly end, which every rank takes part in. Frees `joined`.
    int (*leave)(void* joined);
    /// Ends all ranks that the launcher knows, this one too.
    void (*abort)(void* joined, int status);
};

inline constexpr const char* kMpiPluginFile = "libkinescope_mpi.so";
inline constexpr const char* kMpiLibrarySymbol = "kine_mpi_library";

/// Whether an MPI launcher started this process together with others.
bool has_mpi_launcher();
/// Opens the plugin, for good: MPI cannot be taken out of a process again. ErrorCode::Unsupported where it cannot be
/// opened, since ranks that do not know of one another would all write the same files.
const MpiLibrary& open_mpi_library();

}  // namespace kine::parallel
