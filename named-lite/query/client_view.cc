#include "named-lite/query/client_view.h"

namespace umaya::named {

const ZoneSettings& settings_for(const ServedView& view, std::string_view name) {
  const ZoneConf* nearest = view.zones_differ ? view.zones.nearest(name) : nullptr;
  return nearest != nullptr ? *nearest->settings : *view.conf.settings;
}

void use_view(const ServedView& view, AnswerContext& context) {
  context.catalog = &view.catalog;
  context.settings = &view.conf.answer;
  context.udp_limit = view.conf.answer.max_udp_size;
  context.one_zone = !view.matches_all;
}

const ServedView* choose_view(const Snapshot& snapshot, const Query& query, const Requester& client,
                              AnswerContext& context) {
  const ServedView* view = snapshot.view_for(client);
  if (view == nullptr) return nullptr;
  use_view(*view, context);
  if (view->matches_all || !query.has_question) return view;
  const ZoneSettings& settings = settings_for(*view, query.lower_name());
  bool admitted = admits(*settings.allow_query, client) &&
                  (!settings.allow_query_on || admits(*settings.allow_query_on, client.at_local()));
  context.access = admitted ? Access::allowed : Access::refused;
  return view;
}

bool may_recurse(const ServedView& view, const Requester& client) {
  const RecursionConf& conf = view.conf.recursion;
  return admits(*conf.allow_recursion, client) && admits(*conf.allow_query_cache, client) &&
         admits(*conf.allow_recursion_on, client.at_local()) && admits(*conf.allow_query_cache_on, client.at_local());
}

}  // namespace umaya::named
