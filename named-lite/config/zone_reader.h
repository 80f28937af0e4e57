// NAME    zone_reader - reads the zone and view statements of named.conf
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "named-lite/config/statements.h"
#include "named-lite/config/zone_conf.h"

namespace umaya::named {

/// What a view has from options, and a zone from its view, while it is read.
struct ViewDefaults {
  ZoneSettings settings;  ///< allow_query null: not said
  RecursionConf recursion;
  AnswerConf answer;
  Peers peers;
};

/// Where each zone of a view was read first, by its lower-case name.
using ZonePlaces = std::unordered_map<std::string, Place>;

/// Reports a statement that is unknown in a place or that nothing acts on. False: unknown, skip it.
bool check_known(const Reading& reading, const Statement& statement, unsigned where, std::string_view inside);

/// A statement that options, views and zones may have; false when it is none.
bool read_zone_setting(const Reading& reading, const Statement& statement, ZoneSettings& settings);
/// A statement that options and views may have; false when it is none.
bool read_view_default(const Reading& reading, const Statement& statement, ViewDefaults& defaults);

/// A view with what options said, ready for zones.
ViewConf make_view(std::string name, ViewDefaults defaults, AclNames& acls);
/// `view "name" { … };`, zones included; nothing after a report.
std::optional<ViewConf> read_view(const Reading& reading, const Statement& statement, const ViewDefaults& options);
/// Adds the zone of a statement to the view.
void read_zone(const Reading& reading, const Statement& statement, ViewConf& view, ZonePlaces& places);
/// Gives the zones that a view has from another one (in-view) what is said of them there; those that lead nowhere are
/// faults.
void join_views(Problems& problems, std::vector<ViewConf>& views);

}  // namespace umaya::named
