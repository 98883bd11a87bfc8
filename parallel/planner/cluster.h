// What a set of ranks can do: how fast each computes and how fast they talk, by collective and group size, since one
// number a link does not describe real machines. Presets are JSON under assets/clusters; a file may be named instead.
#pragma once

#include "runtime/io/json.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kine::parallel {

/// seconds = alpha + bytes sent by the busiest rank / beta.
struct Link {
    double alpha_seconds = 0;
    std::vector<std::pair<int, double>> beta;  ///< (group size, bytes per second), sizes rising

    /// Of the largest group that is no larger than `ranks`, or the smallest there is.
    double bytes_per_second(int ranks) const;
    double seconds(double bytes, int ranks) const { return alpha_seconds + bytes / bytes_per_second(ranks); }
};

struct Cluster {
    std::string name;
    std::string summary;
    int ranks_per_node = 8;
    bool shares_compute = false;  ///< ranks are threads that divide one machine
    double linear_flops = 1;      ///< per second and rank
    double attention_flops = 1;
    int64_t memory_bytes = 0;             ///< of a rank, 0: not known
    Link all_to_all, all_gather;          ///< within a node
    Link far_all_to_all, far_all_gather;  ///< between nodes

    const Link& exchange(int ranks) const { return ranks <= ranks_per_node ? all_to_all : far_all_to_all; }
    const Link& gather(int ranks) const { return ranks <= ranks_per_node ? all_gather : far_all_gather; }
};

/// Throws ErrorCode::BadInput; `where` names the source.
Cluster cluster_from_json(const Json& json, std::string_view where);
std::vector<Cluster> cluster_presets();
/// A preset by name, or the file "....json". An unknown name is ErrorCode::Usage and lists the known ones.
Cluster find_cluster(const std::string& name);

}  // namespace kine::parallel
