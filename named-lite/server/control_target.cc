#include "named-lite/server/control_target.h"

#include <fcntl.h>

#include <cstring>

#include "libcommon/base/clock.h"
#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"
#include "named-lite/server/zone_source.h"
#include "named-lite/transfer/zone_file.h"
#include "named-lite/update/replay.h"

namespace umaya::named {

namespace {

ControlReply done(std::string text) {
  ControlReply reply;
  reply.text = std::move(text);
  return reply;
}

constexpr size_t kMostErrors = size_t{256} << 10;

std::string time_after(int64_t seconds) {
  return rfc5322_date(wall_seconds() + seconds);
}

}  // namespace

/// A zone that a command means. The snapshot keeps the rest alive.
struct ServerControl::Found {
  SnapshotPtr snapshot;
  const ServedView* view = nullptr;
  const ZoneConf* zone = nullptr;
  std::string wire;
  ImagePtr image;

  std::string label() const {
    std::string text = "zone " + zone->name.text() + "/IN";
    return view->conf.name == "_default" ? text : text + "/" + view->conf.name;
  }
};

ServerControl::ServerControl(Responder& responder, Secondaries& secondaries, ZoneKeeper& keeper, Notifier& notifier,
                             event::WorkerPool& pool, ControlHooks hooks)
    : responder_(responder),
      secondaries_(secondaries),
      keeper_(keeper),
      notifier_(notifier),
      pool_(pool),
      hooks_(std::move(hooks)) {}

/// Without a view: the one that has the zone; more than one is a question back, as with rndc.
Result<ServerControl::Found> ServerControl::find(const ZoneSelector& zone) const {
  Found found;
  found.snapshot = responder_.snapshot();
  if (!found.snapshot) return permanent("the zones are not read yet");
  found.wire = zone.name.wire();
  std::string views;
  size_t count = 0;
  for (const auto& view : found.snapshot->views) {
    if (!zone.view.empty() && view->conf.name != zone.view) continue;
    const ZoneConf* conf = view->zones.exactly(found.wire);
    if (conf == nullptr || (zone.view.empty() && conf->type == ZoneType::in_view)) continue;
    ++count;
    views += (views.empty() ? "" : ", ") + view->conf.name;
    found.view = view.get();
    found.zone = conf;
  }
  std::string text = "zone '" + zone.name.text() + "'";
  if (count == 0) return permanent(text + (zone.view.empty() ? "" : " in view '" + zone.view + "'") + " is not there");
  if (count > 1) return permanent(text + " is in several views: name one of " + views);
  found.view = found.snapshot->view_with(*found.view, found.wire);
  found.zone = found.view->zones.exactly(found.wire);
  found.image = found.view->catalog.image_of(found.wire);
  return found;
}

event::Task<ControlReply> ServerControl::reload(Command command) {
  if (command.zone) {
    ZoneSelector selector = std::move(*command.zone);
    co_return co_await reload_zone(std::move(selector));
  }
  co_return co_await reload_all(ZonesRead::all);
}

event::Task<ControlReply> ServerControl::reload_all(ZonesRead which) {
  ReloadResult result = co_await hooks_.reload(which);
  if (result.errors.size() > kMostErrors) result.errors.resize(result.errors.rfind('\n', kMostErrors) + 1);
  if (!result.good) {
    co_return control_error(result.errors + "the configuration has errors: the old one stays in service");
  }
  const char* text = which == ZonesRead::all ? "server reload successful" : "server reconfig successful";
  co_return done(result.errors + text);
}

event::Task<ControlReply> ServerControl::reconfig(Command) {
  co_return co_await reload_all(ZonesRead::only_new);
}

event::Task<ControlReply> ServerControl::reload_zone(ZoneSelector selector) {
  auto found = find(selector);
  if (!found) co_return control_error(found.error().what);
  const Found zone = std::move(*found);
  if (zone.zone->type == ZoneType::secondary) {
    secondaries_.notified(zone.view->conf.name, zone.wire);
    co_return done("zone refresh queued");
  }
  if (zone.zone->type != ZoneType::primary) co_return control_error(zone.label() + " has no file that is served");
  if (keeper_.has({zone.view->conf.name, zone.wire})) {
    co_return control_error(zone.label() + " takes updates: freeze it, change its file and thaw it");
  }
  struct Loaded {
    ImagePtr image;
    Problems problems;
    Result<> journaled;
  };
  ZoneLoad load{.id = {zone.view->conf.name, zone.wire}, .file = nullptr, .former = zone.image};
  load.differences = brings_differences(*zone.zone) && zone.snapshot->journal && zone.image;
  load.most_octets = zone.zone->settings->update.max_journal_size;
  auto work = [source = zone_source(zone.snapshot->conf, *zone.zone, nullptr), seed = zone.view->catalog.seed(), load,
               journal = zone.snapshot->journal] {
    Loaded loaded;
    loaded.image = load_zone_file(source, seed, loaded.problems).image;
    loaded.problems.sort();
    if (!loaded.image || !load.differences) return loaded;
    loaded.journaled = journal_differences(*journal, load.id, *load.former, *loaded.image, load.most_octets);
    return loaded;
  };
  Loaded loaded = co_await pool_.run(std::move(work));
  std::string text;
  for (const Problem& problem : loaded.problems.all()) {
    log::write(problem.severity == Severity::error ? log::Level::error : log::Level::warning, problem.message());
    text += problem.text() + "\n";
  }
  if (!loaded.image) co_return control_error(text + zone.label() + ": not loaded because of errors");
  if (!loaded.journaled) log::error("{}: {}", zone.label(), loaded.journaled.error().what);
  uint32_t serial = loaded.image->header().serial;
  bool same = zone.image && zone.image->header().serial == serial;
  hooks_.serve(zone.view->conf.name, zone.wire, loaded.image);
  log::info("{}: loaded serial {}", zone.label(), serial);
  if (!same) notifier_.zone_changed(zone.view->conf, *zone.zone, *loaded.image, zone.snapshot->conf);
  co_return done(text + (same ? "zone reload up-to-date" : "zone reload successful, serial " + std::to_string(serial)));
}

/// The zone that the command names, or all that updates change.
Result<std::vector<ZoneId>> ServerControl::kept(const Command& command) const {
  if (!command.zone) return keeper_.zones();
  UMAYA_TRY(Found found, find(*command.zone));
  ZoneId id{found.view->conf.name, found.wire};
  if (!keeper_.has(id)) return permanent(found.label() + " is not one that updates change");
  std::vector<ZoneId> one(1, std::move(id));
  return one;
}

event::Task<ControlReply> ServerControl::with_kept(Command command, KeeperVerb verb, std::string text) {
  auto zones = kept(command);
  if (!zones) co_return control_error(zones.error().what);
  const std::vector<ZoneId> ids = std::move(*zones);
  std::string wrong;
  for (const ZoneId& id : ids) {
    auto result = co_await verb(id);
    if (!result) wrong += "zone '" + name_text(id.zone) + "': " + result.error().what + "\n";
  }
  if (!wrong.empty()) co_return control_error(std::move(wrong));
  if (!command.zone) text += fmt::format(" ({} zones)", ids.size());
  co_return done(std::move(text));
}

event::Task<ControlReply> ServerControl::freeze(Command command) {
  return with_kept(
      std::move(command), [this](ZoneId id) { return keeper_.freeze(std::move(id)); }, "frozen");
}

event::Task<ControlReply> ServerControl::thaw(Command command) {
  return with_kept(
      std::move(command), [this](ZoneId id) { return keeper_.thaw(std::move(id)); }, "thawed");
}

/// The changes of a secondary zone, too, are in its journal first.
event::Task<ControlReply> ServerControl::sync_secondary(ZoneId id) {
  auto saved = co_await secondaries_.sync(std::move(id));
  if (!saved) co_return control_error(saved.error().what);
  co_return done("written");
}

event::Task<ControlReply> ServerControl::sync(Command command) {
  if (command.zone) {
    auto named = find(*command.zone);
    if (!named) co_return control_error(named.error().what);
    ZoneId id{named->view->conf.name, named->wire};
    if (secondaries_.has(id)) co_return co_await sync_secondary(std::move(id));
  } else {
    std::string wrong = co_await save_secondaries();
    if (!wrong.empty()) co_return control_error(std::move(wrong));
  }
  auto clean = command.clean ? ZoneKeeper::Clean::yes : ZoneKeeper::Clean::no;
  KeeperVerb verb = [this, clean](ZoneId id) { return keeper_.sync(std::move(id), clean); };
  co_return co_await with_kept(std::move(command), std::move(verb), "written");
}

/// What went wrong, line by line.
event::Task<std::string> ServerControl::save_secondaries() {
  std::string wrong;
  const std::vector<ZoneId> ids = secondaries_.unsaved();
  for (const ZoneId& id : ids) {
    auto saved = co_await secondaries_.sync(id);
    if (!saved) wrong += "zone '" + name_text(id.zone) + "': " + saved.error().what + "\n";
  }
  co_return wrong;
}

/// What only the journal has goes to the zone files. What cannot be written stays in the journal.
event::Task<std::string> ServerControl::save_all() {
  std::string wrong = co_await save_secondaries();
  const std::vector<ZoneId> ids = keeper_.unsaved();
  for (const ZoneId& id : ids) {
    auto saved = co_await keeper_.sync(id, ZoneKeeper::Clean::no);
    if (!saved) wrong += "zone '" + name_text(id.zone) + "': " + saved.error().what + "\n";
  }
  co_return wrong;
}

std::string ServerControl::dynamic_status(const Found& found) const {
  ZoneId id{found.view->conf.name, found.wire};
  if (!keeper_.has(id)) return "dynamic: no\n";
  std::string text = std::string("dynamic: yes\nfrozen: ") + (keeper_.is_frozen(id) ? "yes\n" : "no\n");
  if (!found.snapshot->journal) return text;
  auto state = found.snapshot->journal->state(id);
  if (!state || !*state) return text + "journal: empty\n";
  return text + fmt::format("journal: {} octets, serials {} to {}, {} in the file\n", (*state)->octets,
                            (*state)->first_serial, (*state)->last_serial, (*state)->file_serial);
}

event::Task<ControlReply> ServerControl::retransfer(Command command) {
  auto found = find(*command.zone);
  if (!found) co_return control_error(found.error().what);
  if (!secondaries_.retransfer(found->view->conf.name, found->wire)) {
    co_return control_error(found->label() + " is not secondary: there is nothing to transfer");
  }
  co_return done("zone transfer queued");
}

event::Task<ControlReply> ServerControl::refresh(Command command) {
  auto found = find(*command.zone);
  if (!found) co_return control_error(found.error().what);
  if (!secondaries_.notified(found->view->conf.name, found->wire)) {
    co_return control_error(found->label() + " is not secondary: there is nobody to ask");
  }
  co_return done("zone refresh queued");
}

event::Task<ControlReply> ServerControl::notify(Command command) {
  auto found = find(*command.zone);
  if (!found) co_return control_error(found.error().what);
  if (!found->image) co_return control_error(found->label() + " has no data");
  notifier_.zone_changed(found->view->conf, *found->zone, *found->image, found->snapshot->conf, Notice::command);
  co_return done("zone notify queued");
}

event::Task<ControlReply> ServerControl::zonestatus(Command command) {
  auto found = find(*command.zone);
  if (!found) co_return control_error(found.error().what);
  const ZoneConf& conf = *found->zone;
  std::string text = "name: " + conf.name.text() + "\ntype: " + std::string(zone_type_text(conf.type)) + "\n";
  if (found->view->conf.name != "_default") text += "view: " + found->view->conf.name + "\n";
  if (!conf.file.empty()) text += "files: " + conf.file + "\n";
  if (found->image) {
    const ZoneImage::Header& header = found->image->header();
    text += fmt::format("serial: {}\nnodes: {}\nrecords: {}\nmemory: {}\n", header.serial, header.node_count,
                        header.record_count, header.size);
  } else if (conf.type == ZoneType::primary || conf.type == ZoneType::secondary) {
    text += "serial: none: questions get SERVFAIL\n";
  }
  if (int64_t at = file_time(zone_path(found->snapshot->conf.directory, conf.file)); at != 0) {
    text += "file time: " + rfc5322_date(at) + "\n";
  }
  if (conf.type == ZoneType::primary) text += dynamic_status(*found);
  if (auto state = secondaries_.status(found->view->conf.name, found->wire)) {
    text += state->refreshing ? "next refresh: under way\n" : "next refresh: " + time_after(state->next_refresh) + "\n";
    if (found->image) text += "expires: " + time_after(state->expires) + "\n";
  }
  co_return done(std::move(text));
}

event::Task<ControlReply> ServerControl::command_caches(CacheCommand command, Fd out) {
  bool counts = command.what != CacheCommand::What::flush;
  auto count = co_await hooks_.caches(std::move(command), std::move(out));
  if (!count) co_return control_error("there is no cache: nobody may recurse, or the recursion process is not there");
  co_return done(counts ? std::to_string(*count) + " entries" : std::string());
}

event::Task<ControlReply> ServerControl::flush(Command) {
  CacheCommand message;
  message.what = CacheCommand::What::flush;
  co_return co_await command_caches(std::move(message), Fd());
}

event::Task<ControlReply> ServerControl::flushname(Command command) {
  CacheCommand message;
  message.what = CacheCommand::What::flush_name;
  message.name = command.name->wire();
  co_return co_await command_caches(std::move(message), Fd());
}

event::Task<ControlReply> ServerControl::flushtree(Command command) {
  CacheCommand message;
  message.what = CacheCommand::What::flush_tree;
  message.name = command.name->wire();
  co_return co_await command_caches(std::move(message), Fd());
}

event::Task<ControlReply> ServerControl::dumpdb(Command command) {
  if (command.content != DumpContent::cache) co_return control_error("only the cache is written: dumpdb -cache");
  SnapshotPtr snapshot = responder_.snapshot();
  if (!snapshot) co_return control_error("the zones are not read yet");
  std::string path = zone_path(snapshot->conf.directory, snapshot->conf.dump_file);
  Fd out(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!out) co_return control_error(path + ": " + strerror(errno));
  CacheCommand message;
  message.what = CacheCommand::What::dump;
  co_return co_await command_caches(std::move(message), std::move(out));
}

event::Task<ControlReply> ServerControl::status(Command) {
  size_t zones = 0, without_data = 0;
  if (SnapshotPtr snapshot = responder_.snapshot()) {
    for (const auto& view : snapshot->views) {
      zones += view->conf.zones.size();
      for (const auto& zone : view->catalog.zones()) without_data += zone->image ? 0 : 1;
    }
  }
  StatisticsReport report = hooks_.report();
  LogSettings log = hooks_.log({});
  StatisticsSum sum = sum_of(report.pages);
  auto count = [&sum](Count what) { return sum.counts[static_cast<size_t>(what)]; };
  co_return done(
      fmt::format("boot time: {}\nlast configured: {}\nprocess id: {}\nnumber of zones: {} ({} without data)\n"
                  "questions: {} over UDP, {} over TCP, {} without answer\ntransfers out: {}\n"
                  "transfers in: {} running, {} waiting\nserial questions: {} under way\n"
                  "NOTIFY received: {}\nsignature errors: {}\nquery logging is {}\ndebug level: {}\n"
                  "server is up and running\n",
                  rfc5322_date(report.boot_time), rfc5322_date(report.config_time), hooks_.process, zones, without_data,
                  count(Count::requests_udp), count(Count::requests_tcp), count(Count::dropped),
                  count(Count::transfers_out), secondaries_.transfers_running(), secondaries_.transfers_waiting(),
                  secondaries_.questions(), count(Count::notifies_in), count(Count::bad_signature),
                  log.queries.value_or(false) ? "ON" : "OFF", log.debug.value_or(0)));
}

event::Task<ControlReply> ServerControl::stats(Command) {
  SnapshotPtr snapshot = responder_.snapshot();
  std::string path = zone_path(snapshot->conf.directory, snapshot->conf.statistics_file);
  Fd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file) co_return control_error(path + ": " + strerror(errno));
  auto written = fs::write_all(file.get(), text_report(hooks_.report()));
  if (!written) co_return control_error(path + ": " + written.error().what);
  co_return done("statistics appended to " + path);
}

event::Task<ControlReply> ServerControl::querylog(Command command) {
  LogSettings wanted;
  wanted.queries = command.on ? *command.on : !hooks_.log({}).queries.value_or(false);
  bool on = hooks_.log(wanted).queries.value_or(false);
  log::info("query logging is now {}", on ? "on" : "off");
  co_return done(on ? "query logging is now on" : "query logging is now off");
}

/// Without a level: one more.
event::Task<ControlReply> ServerControl::trace(Command command) {
  LogSettings wanted;
  wanted.debug = command.level ? *command.level : hooks_.log({}).debug.value_or(0) + 1;
  uint32_t level = hooks_.log(wanted).debug.value_or(0);
  log::info("debug level is now {}", level);
  co_return done("debug level is now " + std::to_string(level));
}

event::Task<ControlReply> ServerControl::notrace(Command command) {
  command.level = 0;
  co_return co_await trace(std::move(command));
}

event::Task<ControlReply> ServerControl::stop(Command command) {
  std::string wrong = co_await save_all();
  if (!wrong.empty()) log::error("not all zones were written: {}", wrong);
  co_return co_await halt(std::move(command));
}

/// Zone files are written at the next start or later: their journal is there.
event::Task<ControlReply> ServerControl::halt(Command command) {
  hooks_.stop();
  co_return done(command.print_pid ? "pid: " + std::to_string(hooks_.process) : std::string());
}

}  // namespace umaya::named
