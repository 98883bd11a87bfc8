#include "dit/families/defaults.h"

#include "broadcast/policies/pab_options.h"
#include "runtime/error.h"
#include "runtime/io/json.h"
#include "runtime/options.h"

namespace kine::dit {

namespace {

struct Keys {
    FamilyDefaults& defaults;
    std::string pab = {};

    void visit(FieldList& v) {
        v("width", defaults.width, "pixels");
        v("height", defaults.height, "pixels");
        v("num_frames", defaults.num_frames, "frames");
        v("fps", defaults.fps, "frames per second");
        v("steps", defaults.steps, "denoising steps");
        v("guidance_scale", defaults.guidance_scale, "guidance");
        v("guidance_scale_2", defaults.guidance_scale_2, "guidance of a second expert");
        v("pab", pab, "settings of the policy pab");
    }
};

broadcast::PabOptions parsed(const broadcast::PabOptions& pab, const std::string& text, std::string_view where) {
    try {
        return broadcast::parse_pab_options(pab, text);
    } catch (const Error& error) {
        fail(ErrorCode::BadInput, "{}: {}", where, error.what());
    }
}

}  // namespace

FamilyDefaults with_overrides(FamilyDefaults defaults, const Json& json, std::string_view where) {
    Keys keys{defaults};
    read_options(FieldList(keys), json, where);
    check(defaults.width >= 0 && defaults.height >= 0 && defaults.num_frames >= 0 && defaults.steps >= 0,
          ErrorCode::BadInput, "{}: width {}, height {}, num_frames {} and steps {} must not be negative", where,
          defaults.width, defaults.height, defaults.num_frames, defaults.steps);
    if (!keys.pab.empty()) defaults.pab = parsed(defaults.pab, keys.pab, where);
    return defaults;
}

Json to_json(const FamilyDefaults& defaults) {
    Json json = {{"width", defaults.width}, {"height", defaults.height}, {"num_frames", defaults.num_frames},
                 {"fps", defaults.fps},     {"steps", defaults.steps},   {"guidance_scale", defaults.guidance_scale}};
    if (defaults.guidance_scale_2) json["guidance_scale_2"] = *defaults.guidance_scale_2;
    json["pab"] = broadcast::to_text(defaults.pab);
    return json;
}

}  // namespace kine::dit
