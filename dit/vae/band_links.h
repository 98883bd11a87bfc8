// Whole pictures of one video made by several, a band of rows each. What looks at neighbouring pixels needs rows of the
// bands above and below; what looks at all pixels needs all of them.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::dit {

/// How the maker of one band reaches the others, who all make the same calls in the same order.
class BandLinks {
  public:
    virtual ~BandLinks() = default;
    virtual bool is_first() const = 0;  ///< there is no band above
    virtual bool is_last() const = 0;   ///< nor below
    /// x [F, Y, X, C] between the last row of the band above and the first row of the one below, where there are any.
    virtual Tensor with_edges(const Context& context, const Tensor& x) = 0;
    /// The rows [F, Y, X, C] of all bands, in order.
    virtual Tensor all_rows(const Context& context, const Tensor& x) = 0;
};

}  // namespace kine::dit
