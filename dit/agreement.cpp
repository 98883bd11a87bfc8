#include "dit/agreement.h"

#include "runtime/config.h"
#include "runtime/digest.h"
#include "runtime/options.h"

#include <nlohmann/json.hpp>

#include <span>

namespace kine::dit {

namespace {

int64_t digest(std::span<const std::byte> bytes) {
    Digest digest;
    digest.add(bytes);
    return static_cast<int64_t>(digest.value());
}

int64_t digest(std::string_view text) { return digest(std::as_bytes(std::span(text.data(), text.size()))); }

int64_t digest(const Tensor& tensor) {
    if (!tensor) return 0;
    return digest(
        {static_cast<const std::byte*>(static_cast<const void*>(tensor.raw())), static_cast<size_t>(tensor.bytes())});
}

struct Digests {
    std::vector<std::string> names;
    std::vector<int64_t> values;

    void add(std::string name, int64_t value) {
        names.push_back(std::move(name));
        values.push_back(value);
    }
};

Digests digests_of(Request request, const OpenedModel& model) {
    Digests all;
    all.add("version", digest(kVersion));
    all.add("model", digest(model.hash));
    all.add("dtype", digest(name_of(model.dtype)));
    all.add("quantize", digest(name_of(model.quantization)));
    const FieldList fields(request);
    for (const OptionField& field : fields.fields()) all.add(field.name, digest(field.write().dump()));
    all.add("latents", digest(request.latents));
    all.add("image", digest(request.image));
    return all;
}

}  // namespace

void check_agreement(const Context& context, parallel::Communicator& communicator, const Request& request,
                     const OpenedModel& model) {
    const Digests own = digests_of(request, model);
    const Shape shape{static_cast<int64_t>(own.values.size())};
    const std::vector<Shape> shapes(static_cast<size_t>(communicator.size()), shape);
    const std::vector<Tensor> all =
        communicator.all_gather(context.host(), Tensor::of<int64_t>(context.host(), shape, own.values), shapes);
    for (size_t rank = 1; rank < all.size(); ++rank) {
        for (size_t i = 0; i < own.names.size(); ++i) {
            check(all[rank].data<int64_t>()[i] == all[0].data<int64_t>()[i], ErrorCode::Usage,
                  "rank {} was started with another {} than rank 0", rank, own.names[i]);
        }
    }
}

}  // namespace kine::dit
