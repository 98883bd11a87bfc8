// What a run takes where the request says nothing.
#pragma once

#include "broadcast/policies/pab.h"
#include "runtime/io/json_fwd.h"

#include <optional>
#include <string>
#include <string_view>

namespace kine::dit {

struct FamilyDefaults {
    int64_t width = 0;
    int64_t height = 0;
    int64_t num_frames = 0;
    std::string fps;
    int64_t steps = 0;
    double guidance_scale = 1.0;
    std::optional<double> guidance_scale_2 = {};  ///< of a second expert
    broadcast::PabOptions pab = {};
};

/// `json` over the family's own: the same names, `pab` in the form of cache options. Throws ErrorCode::BadInput.
FamilyDefaults with_overrides(FamilyDefaults defaults, const Json& json, std::string_view where);
/// The same form again.
Json to_json(const FamilyDefaults& defaults);

}  // namespace kine::dit
