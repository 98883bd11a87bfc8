// What a set of ranks can do: how fast each computes and how fast they talk, by collective and group size, since one
// number a link does not describe real machines. Presets are JSON under assets/clusters; a file may be named instead,
// and calibrate() writes one.
#pragma once

#include "runtime/io/json_fwd.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kine::parallel {

/// seconds = alpha + hop for every further rank + bytes sent by the busiest rank / beta.
struct Link {
    using BySize = std::vector<std::pair<int, double>>;  ///< (group size, value), sizes rising

    BySize alpha;            ///< seconds a call
    BySize beta;             ///< bytes per second
    double hop_seconds = 0;  ///< for every rank of the group but two

    double latency(int ranks) const;
    double bytes_per_second(int ranks) const;
    double seconds(double bytes, int ranks) const { return latency(ranks) + bytes / bytes_per_second(ranks); }
};

/// The links within a node, or those between nodes.
struct Links {
    Link all_to_all;
    Link all_gather;
    Link ring;  ///< to the next rank, all at once
};

struct Cluster {
    std::string name;
    std::string summary;
    int ranks_per_node = 8;
    bool shares_compute = false;  ///< ranks are threads that divide one machine; copies are its work too
    double linear_flops = 1;      ///< per second and rank
    double attention_flops = 1;
    int64_t memory_bytes = 0;      ///< of a rank, 0: not known
    double memory_bandwidth = 0;   ///< bytes per second of a rank, for packing and merging; 0: they cost nothing
    double merge_bytes = 10;       ///< moved for each element of a merged part
    double ring_step_seconds = 0;  ///< of launching and waiting, for every step of a ring
    double duplex_slowdown = 1;    ///< of a transfer while another goes the other way
    double interference = 1;       ///< slowdown of attention while neighbours send
    int tiles_at_once = 0;         ///< blocks of 128 queries of a head that run together; 0: any number fills the rank
    Links node;
    Links network;

    /// Sending and computing at the same time: not where both are work of the same processors.
    bool overlaps() const { return !shares_compute; }
};

/// Throws ErrorCode::BadInput; `where` names the source.
Cluster cluster_from_json(const Json& json, std::string_view where);
Json to_json(const Cluster& cluster);
std::vector<Cluster> cluster_presets();
/// A preset by name, or the file "....json". An unknown name is ErrorCode::Usage and lists the known ones.
Cluster find_cluster(const std::string& name);

}  // namespace kine::parallel
