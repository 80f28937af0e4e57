// NAME    recursion_settings - what named.conf says of recursion, in the terms of the recursor
#pragma once

#include "named-lite/config/named_conf.h"
#include "named-lite/query/recursion_messages.h"
#include "named-lite/recursion/settings.h"
#include "named-lite/recursion/sockets.h"

namespace umaya::named {

/// Views in the order of the configuration. What BIND lets each view say and the recursor has once (sizes, times,
/// limits) is taken from the first view that allows recursion.
RecursionSettings recursion_settings_of(const NamedConf& conf);
SocketUpstream::Options upstream_options_of(const NamedConf& conf);
/// The keys that questions to other servers are signed with: those of the server clauses of views that recurse.
RecursionKeys recursion_keys_of(const NamedConf& conf);
/// The same, as they came.
TsigKeys tsig_keys(const RecursionKeys& keys);
/// Whether any client may recurse.
bool wants_recursion(const NamedConf& conf);

}  // namespace umaya::named
