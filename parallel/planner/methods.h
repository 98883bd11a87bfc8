// A strategy on so many ranks, as prices see it: how ranks share each kind of attention. What is token by token is
// shared as the tokens live.
#pragma once

#include "parallel/planner/work.h"
#include "parallel/strategies/strategies.h"

#include <string>
#include <vector>

namespace kine::parallel {

/// How ranks share one attention.
struct Sharing {
    enum class Kind {
        Local,         ///< the attended axis is whole on every rank
        Tokens,        ///< another token axis is split meanwhile
        Heads,         ///< heads are split meanwhile
        GatheredKeys,  ///< keys and values are gathered
        Ring,
        BothWaysRing,
        TokenRing,
        DoubleRing,
        Summed,  ///< tokens are gathered, weights split, sums scattered (Megatron)
    };
    Kind kind = Kind::Local;
    Split meanwhile = Split::None;  ///< of Tokens
    int heads_group = 1;            ///< neighbours that split heads between them, inside a ring
    int window = 1;                 ///< neighbours of an inner ring
};

struct Method {
    const Strategy* strategy = nullptr;
    int group = 0;  ///< ranks of a group, where the strategy knows groups
    Layout resident;
    Sharing spatial;
    Sharing temporal;
    Sharing joint;  ///< of all tokens to one another
};

Method method_of(const Strategy& strategy, int group = 0);
/// Every strategy, in the order of the table. Where nobody says how many ranks a group has, those that know groups come
/// with every number that divides the ranks, default_group() first.
std::vector<Method> methods(const Work& work, const Sequence& sequence);

}  // namespace kine::parallel
