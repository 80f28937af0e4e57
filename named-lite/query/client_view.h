// NAME    client_view - the view that a client is in, and what it may ask there
#pragma once

#include <string_view>

#include "named-lite/answer/answer.h"
#include "named-lite/server/snapshot.h"

namespace umaya::named {

/// The settings of the zone that holds a name, or else the view's.
const ZoneSettings& settings_for(const ServedView& view, std::string_view name);

/// Answers from this view, which the client is in.
void use_view(const ServedView& view, AnswerContext& context);
/// Sets catalog, settings and access for a client's question. The view; nullptr, and no catalog, when there is none for
/// the client.
const ServedView* choose_view(const Snapshot& snapshot, const Query& query, const Requester& client,
                              AnswerContext& context);
/// Whether other name servers, and what they answered before, are asked for this client.
bool may_recurse(const ServedView& view, const Requester& client);

}  // namespace umaya::named
