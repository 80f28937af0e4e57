#include <sys/file.h>

#include "tests/queue-manager/qmgr_world.h"

using namespace umaya;
using namespace umaya::test;
using queue::QueueName;

TEST_CASE("qmgr: a new message is delivered and removed, with Postfix's log lines", "[qmgr]") {
  QmgrWorld world;
  world.start_qmgr();
  world.put("AAAAA1", 1);
  world.announce({"AAAAA1"});
  REQUIRE(world.until([&] { return world.nowhere("AAAAA1"); }));
  REQUIRE(world.deliveries.size() == 1);
  CHECK(world.deliveries[0].transport == "smtp");
  CHECK(world.deliveries[0].nexthop == "dest.example");
  CHECK(world.deliveries[0].envelope.queue_id == "AAAAA1");
  CHECK(world.deliveries[0].targets.at(0).recipient.address == "user0@dest.example");
  CHECK(world.appends.empty());
  world.until([&] { return world.log().find("removed") != std::string::npos; });
  CHECK(world.log().find("AAAAA1: from=<from@example.org>, size=24, nrcpt=1 (queue active)") != std::string::npos);
  CHECK(world.log().find("AAAAA1: removed") != std::string::npos);
}

TEST_CASE("qmgr: a thousand messages go through reused connections", "[qmgr]") {
  QmgrWorld world;
  world.start_qmgr();
  std::vector<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    ids.push_back("B" + std::to_string(100'000 + i));
    world.put(ids.back(), 1);
  }
  world.announce(ids);
  REQUIRE(world.until([&] { return world.nowhere(ids.back()) && world.deliveries.size() == 1000; }));
}

TEST_CASE("qmgr: promise 2, Q11 a failure is durable before the state says so, and the file goes last", "[qmgr]") {
  QmgrWorld world;
  world.put("AAAAA2", 3);
  world.result = [](const agent::Request&, const agent::Target& target) {
    const std::string& to = target.recipient.address;
    if (to.starts_with("user1")) return QmgrWorld::failed(target, agent::Status::bounced);
    if (to.starts_with("user2")) return QmgrWorld::failed(target, agent::Status::deferred);
    return QmgrWorld::sent(target);
  };
  std::string states_at_append;
  world.on_append = [&](const bounce::Append& append) {
    if (append.kind == bounce::Kind::bounce) states_at_append = world.states(world.path(QueueName::active, "AAAAA2"));
  };
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.in(QueueName::deferred, "AAAAA2"); }));
  CHECK(states_at_append == "PPP");
  CHECK(world.states(world.path(QueueName::deferred, "AAAAA2")) == "DBP");
  REQUIRE(world.notices.size() == 1);
  CHECK(world.notices[0].notice == bounce::Notice::failure);
  CHECK(world.notices[0].log == bounce::Kind::bounce);
  struct stat status;
  REQUIRE(::stat(world.path(QueueName::deferred, "AAAAA2").c_str(), &status) == 0);
  CHECK(status.st_mtime >= wall_seconds() + 295);
  CHECK(status.st_mtime <= wall_seconds() + 325);
  world.result = [](const agent::Request&, const agent::Target& target) { return QmgrWorld::sent(target); };
  CHECK(world.ask(services::qmgr::Command{services::qmgr::Verb::flush_message, "AAAAA2"}).ok);
  REQUIRE(world.until([&] { return world.nowhere("AAAAA2"); }));
  CHECK(world.deliveries.back().targets.size() == 1);
  CHECK(world.deliveries.back().targets[0].recipient.address == "user2@dest.example");
}

TEST_CASE("qmgr: promise 3 a killed qmgr loses nothing: what was under way is tried again", "[qmgr]") {
  QmgrWorld world;
  world.agent_answers = false;
  world.put("AAAAA3", 1);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.deliveries.size() == 1; }));
  world.kill_qmgr();
  CHECK(world.in(QueueName::active, "AAAAA3"));
  world.held.clear();  // the agent ends too
  world.agent_answers = true;
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAA3"); }));
  CHECK(world.deliveries.size() == 2);
}

TEST_CASE("qmgr: promise 3, Q11 late results of an agent that went on make no second copy", "[qmgr]") {
  QmgrWorld world;
  world.agent_answers = false;
  world.put("AAAAA4", 2);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.deliveries.size() == 1; }));
  world.kill_qmgr();
  world.agent_answers = true;
  world.start_qmgr();
  services::qmgr::LateResults late;
  late.queue_id = "AAAAA4";
  for (const auto& target : world.deliveries[0].targets) late.results.push_back(QmgrWorld::sent(target));
  auto done = world.ask(late);
  CHECK(done.text == "");
  CHECK(done.ok);
  world.held.clear();
  REQUIRE(world.until([&] { return world.nowhere("AAAAA4"); }, 20s));
  CHECK(world.deliveries.size() == 1);
}

TEST_CASE("qmgr: Q12 a new message does not inherit the logs of an older one with its id", "[qmgr]") {
  QmgrWorld world;
  world.result = [&](const agent::Request&, const agent::Target& target) {
    CHECK(world.forgotten.size() == 3);
    return QmgrWorld::failed(target, agent::Status::bounced);
  };
  world.put("AAAAB1", 1);
  for (QueueName log : {QueueName::bounce, QueueName::defer, QueueName::trace}) {
    std::filesystem::path path = world.path(log, "AAAAB1");
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << "of another message";
    REQUIRE(std::filesystem::exists(path));
  }
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAB1"); }));
  std::set<bounce::Kind> kinds;
  for (const auto& forget : world.forgotten) {
    CHECK(forget.queue_id == "AAAAB1");
    kinds.insert(forget.kind);
  }
  CHECK(kinds.size() == 3);
  REQUIRE(world.notices.size() == 1);
}

TEST_CASE("qmgr: Q12 the logs of a message that a crash left in the active queue stay", "[qmgr]") {
  QmgrWorld world;
  world.put("AAAAB2", 1, QueueName::active);
  std::ofstream(world.path(QueueName::bounce, "AAAAB2")) << "of this message";
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAB2"); }));
  CHECK(world.forgotten.empty());
}

TEST_CASE("qmgr: Q9 mail from a time when the clock was ahead is tried, waits and is not returned", "[qmgr]") {
  QmgrWorld world("delay_warning_time = 1h\n");
  world.result = [](const agent::Request&, const agent::Target& target) {
    return QmgrWorld::failed(target, agent::Status::deferred);
  };
  constexpr int64_t kTenYears = int64_t{10} * 365 * 24 * 3600;
  world.put("AAAAC1", 1, QueueName::incoming, "from@example.org", -kTenYears);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.in(QueueName::deferred, "AAAAC1"); }));
  CHECK(world.notices.empty());
  struct stat status;
  REQUIRE(::stat(world.path(QueueName::deferred, "AAAAC1").c_str(), &status) == 0);
  CHECK(status.st_mtime - ::time(nullptr) < 2 * 3600);  // its next try does not lie in that future
  world.result = [](const agent::Request&, const agent::Target& target) { return QmgrWorld::sent(target); };
  CHECK(world.ask(services::qmgr::Command{services::qmgr::Verb::flush_message, "AAAAC1"}).ok);
  REQUIRE(world.until([&] { return world.nowhere("AAAAC1"); }));
}

TEST_CASE("qmgr: promise 4, Q10 a damaged file goes to corrupt/ and the others go on", "[qmgr]") {
  QmgrWorld world;
  world.put("AAAAA5", 1);
  world.put("AAAAA6", 1);
  std::string path = world.path(QueueName::incoming, "AAAAA5");
  { std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(60).put('x'); }
  world.put("AAAAA7", 1);
  std::filesystem::resize_file(world.path(QueueName::incoming, "AAAAA7"), 0);
  REQUIRE(::symlink("/etc/passwd", world.path(QueueName::incoming, "AAAAA8").c_str()) == 0);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.in(QueueName::corrupt, "AAAAA5") && world.nowhere("AAAAA6"); }));
  struct stat status;
  REQUIRE(::stat(world.path(QueueName::corrupt, "AAAAA5").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0400);
  CHECK(world.log().find("warning: AAAAA5: damaged queue file") != std::string::npos);
  CHECK(world.until([&] { return world.in(QueueName::corrupt, "AAAAA7"); }));
  CHECK(world.deliveries.size() == 1);
}

TEST_CASE("qmgr: promise 3 a file without the mark counts when it is whole, and goes when it was never finished",
          "[qmgr]") {
  QmgrWorld world;
  world.marked = false;
  for (const char* id : {"AAAAB1", "AAAAB2", "AAAAB3", "AAAAB4"}) world.put(id, 1);
  std::string cut = world.path(QueueName::incoming, "AAAAB2");
  std::filesystem::resize_file(cut, 150);
  std::filesystem::last_write_time(cut, std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  std::filesystem::resize_file(world.path(QueueName::incoming, "AAAAB3"), 150);  // young: may still be written
  auto writer = fs::open_safe(world.path(QueueName::incoming, "AAAAB4"));
  REQUIRE(writer);
  REQUIRE(::flock(writer->get(), LOCK_EX | LOCK_NB) == 0);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAB1") && world.nowhere("AAAAB2"); }));
  CHECK(world.deliveries.size() == 1);
  CHECK(world.deliveries[0].envelope.queue_id == "AAAAB1");
  CHECK(world.in(QueueName::incoming, "AAAAB3"));
  CHECK(world.in(QueueName::incoming, "AAAAB4"));
  CHECK(world.log().find("AAAAB2: removed: never finished and never accepted") != std::string::npos);
  writer->reset();  // killed
  REQUIRE(world.until([&] { return world.nowhere("AAAAB4"); }));
  CHECK(world.deliveries.size() == 2);
}

TEST_CASE("qmgr: promise 5, Q13 when a failure cannot be recorded the recipient is kept", "[qmgr]") {
  QmgrWorld world;
  world.bounce_works = false;
  world.result = [](const agent::Request&, const agent::Target& target) {
    return QmgrWorld::failed(target, agent::Status::bounced);
  };
  world.put("AAAAA9", 1);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.in(QueueName::deferred, "AAAAA9"); }));
  CHECK(world.states(world.path(QueueName::deferred, "AAAAA9")) == "P");
  CHECK(world.log().find("status=deferred (bounce failed)") != std::string::npos);
}

TEST_CASE("qmgr: promise 6 an agent that is not there defers the mail", "[qmgr]") {
  QmgrWorld world("default_transport = nosuch\n");
  world.put("AAAAB1", 1);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.in(QueueName::deferred, "AAAAB1"); }));
  CHECK(world.log().find("status=deferred (mail transport unavailable)") != std::string::npos);
  CHECK(world.appends.at(0).kind == bounce::Kind::defer);
}

TEST_CASE("qmgr: promise 6 an agent that dies in the middle defers the mail", "[qmgr]") {
  QmgrWorld world;
  world.agent_answers = false;
  world.put("AAAAB2", 1);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.deliveries.size() == 1; }));
  world.held.clear();
  REQUIRE(world.until([&] { return world.in(QueueName::deferred, "AAAAB2"); }));
  CHECK(world.states(world.path(QueueName::deferred, "AAAAB2")) == "P");
}

TEST_CASE("qmgr: agents that end without having read the request, as in a storm of reloads, defer nothing", "[qmgr]") {
  QmgrWorld world;
  world.agents_that_leave = 4;
  world.put("AAAAB2", 1);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAB2"); }));
  CHECK(world.deliveries.size() == 1);
  CHECK(world.agents_that_leave == 0);
}

TEST_CASE("qmgr: a transport whose agents never read a request defers the mail after a few tries", "[qmgr]") {
  QmgrWorld world;
  world.agents_that_leave = 1000;
  world.put("AAAAB3", 1);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.in(QueueName::deferred, "AAAAB3"); }));
  CHECK(world.log().find("status=deferred (mail transport unavailable)") != std::string::npos);
  CHECK(world.agents_that_leave > 900);
}

TEST_CASE("qmgr: promise 8 mail for a dead destination does not hold up the rest", "[qmgr]") {
  QmgrWorld world("smtp_destination_concurrency_failed_cohort_limit = 1\n");
  for (int i = 0; i < 200; ++i) {
    world.put("D" + std::to_string(10'000 + i), 1, QueueName::incoming, "a@b.example", 0,
              [](int) { return "x@dead.example"; });
  }
  world.put("AAAAB3", 1);
  world.edit_reply = [](const agent::Request& request, agent::Reply& reply) {
    if (request.nexthop != "dead.example") return;
    reply.destination_failed = true;
    reply.destination_dsn = "4.4.1";
    reply.destination_text = "connect to dead.example: Connection timed out";
    for (auto& result : reply.results) result.status = agent::Status::deferred;
  };
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAB3"); }));
  REQUIRE(world.until([&] {
    auto scan = world.spool().scan(QueueName::deferred);
    int count = 0;
    while (scan->next()) ++count;
    return count == 200;
  }));
  CHECK(world.deliveries.size() < 20);
  CHECK(world.log().find("status=deferred (delivery temporarily suspended: connect to dead.example: Connection "
                         "timed out)") != std::string::npos);
}

TEST_CASE("qmgr: mail that is too old goes back to its sender after a last try", "[qmgr]") {
  QmgrWorld world;
  world.result = [](const agent::Request&, const agent::Target& target) {
    return QmgrWorld::failed(target, agent::Status::deferred);
  };
  world.put("AAAAB4", 1, QueueName::deferred, "from@example.org", 6 * 86400);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAB4"); }));
  CHECK(world.deliveries.size() == 1);
  REQUIRE(world.notices.size() == 1);
  CHECK(world.notices[0].notice == bounce::Notice::failure);
  CHECK(world.notices[0].log == bounce::Kind::defer);
  world.until([&] { return world.log().find("removed") != std::string::npos; });
  CHECK(world.log().find("AAAAB4: from=<from@example.org>, status=expired, returned to sender") != std::string::npos);
}

TEST_CASE("qmgr: the sender is warned of a delay once", "[qmgr]") {
  QmgrWorld world("delay_warning_time = 1h\n");
  world.result = [](const agent::Request&, const agent::Target& target) {
    return QmgrWorld::failed(target, agent::Status::deferred);
  };
  world.put("AAAAB5", 1, QueueName::incoming, "from@example.org", 2 * 3600);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.in(QueueName::deferred, "AAAAB5"); }));
  REQUIRE(world.notices.size() == 1);
  CHECK(world.notices[0].notice == bounce::Notice::delay);
  CHECK(world.ask(services::qmgr::Command{services::qmgr::Verb::flush_message, "AAAAB5"}).ok);
  REQUIRE(world.until([&] { return world.deliveries.size() == 2 && world.in(QueueName::deferred, "AAAAB5"); }));
  CHECK(world.notices.size() == 1);
}

TEST_CASE("qmgr: deferred mail is left alone until it is due, and goes at once on a flush", "[qmgr]") {
  QmgrWorld world;
  world.put("AAAAB6", 1, QueueName::deferred);
  auto fd = fs::open_safe(world.path(QueueName::deferred, "AAAAB6"), O_RDWR);
  REQUIRE(fs::set_modified(fd->get(), wall_seconds() + 1000));
  fd->reset();
  world.start_qmgr();
  CHECK_FALSE(world.until([&] { return !world.deliveries.empty(); }, 500ms));
  CHECK(world.ask(services::qmgr::Command{services::qmgr::Verb::flush_all, ""}).ok);
  REQUIRE(world.until([&] { return world.nowhere("AAAAB6"); }));
}

TEST_CASE("qmgr: transports in defer_transports wait for a flush", "[qmgr]") {
  QmgrWorld world("defer_transports = smtp\n");
  world.put("AAAAB7", 1);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.in(QueueName::deferred, "AAAAB7"); }));
  CHECK(world.deliveries.empty());
  CHECK(world.log().find("dsn=4.3.2, status=deferred (deferred transport)") != std::string::npos);
  CHECK(world.ask(services::qmgr::Command{services::qmgr::Verb::flush_all, ""}).ok);
  REQUIRE(world.until([&] { return world.nowhere("AAAAB7"); }));
}

TEST_CASE("qmgr: one message to 12,000 recipients is read in pieces and each gets it once", "[qmgr]") {
  QmgrWorld world("qmgr_message_recipient_limit = 2000\n");
  world.put("AAAAC1", 12'000, QueueName::incoming, "list@example.org", 0,
            [](int i) { return "user" + std::to_string(i) + "@d" + std::to_string(i % 300) + ".example"; });
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAC1"); }, 60s));
  std::set<std::string> seen;
  size_t count = 0;
  for (const auto& request : world.deliveries) {
    for (const auto& target : request.targets) seen.insert(target.recipient.address), ++count;
  }
  CHECK(count == 12'000);
  CHECK(seen.size() == 12'000);
}

TEST_CASE("qmgr: no more than the active limit is taken, and the rest follows", "[qmgr]") {
  QmgrWorld world("qmgr_message_active_limit = 10\n");
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    ids.push_back("E" + std::to_string(10'000 + i));
    world.put(ids.back(), 1);
  }
  world.start_qmgr();
  world.announce(ids);
  REQUIRE(world.until([&] { return world.deliveries.size() == 100; }));
}

TEST_CASE("qmgr: a content filter takes all recipients, a null double bounce ends here", "[qmgr]") {
  QmgrWorld world;
  world.put("AAAAC2", 1, QueueName::incoming, "", 0, [](int) { return "double-bounce@host.example"; });
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAC2"); }));
  CHECK(world.deliveries.empty());
  world.until([&] { return world.log().find("removed") != std::string::npos; });
  CHECK(world.log().find("status=sent (undeliverable postmaster notification discarded)") != std::string::npos);
}

TEST_CASE("qmgr: a message that is put on hold during its delivery is not sent twice", "[qmgr]") {
  QmgrWorld world;
  world.put("AAAAD1", 1);
  world.put("AAAAD2", 2);
  world.result = [&](const agent::Request& request, const agent::Target& target) {
    const std::string& id = request.envelope.queue_id;
    if (target.recipient.address.starts_with("user0")) (void)world.spool().move(id, QueueName::active, QueueName::hold);
    return target.recipient.address.starts_with("user0") ? QmgrWorld::sent(target)
                                                         : QmgrWorld::failed(target, agent::Status::deferred);
  };
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAD1"); }));
  REQUIRE(world.until([&] { return world.states(world.path(QueueName::hold, "AAAAD2")) == "DP"; }));
}

TEST_CASE("qmgr: success is reported when it was asked for, but not when the next server does", "[qmgr]") {
  QmgrWorld world;
  bool is_passed_on = false;
  world.result = [&](const agent::Request&, const agent::Target& target) {
    auto result = QmgrWorld::sent(target);
    result.action = is_passed_on ? agent::Action::passed_on : agent::Action::relayed;
    return result;
  };
  auto put = [&](const std::string& id) {
    auto fd = world.spool().create(QueueName::incoming, id);
    REQUIRE(fd);
    queue::Envelope envelope;
    envelope.sender = "from@example.org";
    envelope.arrival_usec = wall_usec();
    queue::MessageWriter writer(std::move(*fd), envelope);
    REQUIRE(writer.add_recipient({"x@dest.example", "", "", queue::notify::kSuccess}));
    auto done = writer.finish();
    REQUIRE(done);
    REQUIRE(queue::mark_complete(done->get()));
    done->reset();
    world.give_away();
    world.announce({id});
  };
  world.start_qmgr();
  put("AAAAE1");
  REQUIRE(world.until([&] { return world.nowhere("AAAAE1"); }));
  REQUIRE(world.appends.size() == 1);
  CHECK(world.appends[0].kind == bounce::Kind::trace);
  REQUIRE(world.notices.size() == 1);
  CHECK(world.notices[0].notice == bounce::Notice::success);
  is_passed_on = true;
  put("AAAAE2");
  REQUIRE(world.until([&] { return world.nowhere("AAAAE2"); }));
  CHECK(world.notices.size() == 1);
}

TEST_CASE("qmgr: an alias that cleanup has expanded is reported once and gets no mail", "[qmgr][dsn]") {
  QmgrWorld world;
  auto put = [&](const std::string& id, const std::string& redirect) {
    auto fd = world.spool().create(QueueName::incoming, id);
    REQUIRE(fd);
    queue::Envelope envelope;
    envelope.sender = "from@example.org";
    envelope.arrival_usec = wall_usec();
    envelope.redirect = redirect;
    queue::MessageWriter writer(std::move(*fd), envelope);
    const uint8_t expanded = queue::notify::kSuccess | queue::notify::kExpanded;
    REQUIRE(writer.add_recipient({"list@dest.example", "", "rfc822;list@dest.example", expanded}));
    REQUIRE(writer.add_recipient({"x@dest.example", "list@dest.example", "", queue::notify::kNever}));
    REQUIRE(writer.add_recipient({"y@dest.example", "list@dest.example", "", queue::notify::kNever}));
    REQUIRE(writer.finish());
    world.give_away();
    world.announce({id});
  };
  world.result = [](const agent::Request&, const agent::Target& target) {
    return QmgrWorld::failed(target, agent::Status::deferred);
  };
  world.start_qmgr();
  put("AAAAE3", "");
  REQUIRE(world.until([&] { return world.in(QueueName::deferred, "AAAAE3"); }));
  CHECK(world.states(world.path(QueueName::deferred, "AAAAE3")) == "DPP");
  std::vector<bounce::Append> traced;
  for (const auto& append : world.appends) {
    if (append.kind == bounce::Kind::trace) traced.push_back(append);
  }
  REQUIRE(traced.size() == 1);
  REQUIRE(traced[0].records.size() == 1);
  const bounce::Record& record = traced[0].records[0];
  CHECK(record.recipient.address == "list@dest.example");
  CHECK(record.recipient.dsn_original == "rfc822;list@dest.example");
  CHECK(record.recipient.notify == queue::notify::kSuccess);
  CHECK(record.result.action == agent::Action::expanded);
  CHECK(record.result.dsn == "2.0.0");
  for (const auto& request : world.deliveries) {
    for (const auto& target : request.targets) CHECK(target.recipient.address != "list@dest.example");
  }
  // A message that was redirected is no longer for the alias: nothing is said of it.
  world.appends.clear();
  world.deliveries.clear();
  world.result = [](const agent::Request&, const agent::Target& target) { return QmgrWorld::sent(target); };
  put("AAAAE4", "other@dest.example");
  REQUIRE(world.until([&] { return world.nowhere("AAAAE4"); }));
  CHECK(world.appends.empty());
  REQUIRE(world.deliveries.size() == 1);
  CHECK(world.deliveries[0].targets.size() == 1);
}

TEST_CASE("qmgr: recipients that an agent passes to another transport go there at once", "[qmgr]") {
  QmgrWorld world("slow_destination_recipient_limit = 1\n");
  world.serve_agent("slow");
  world.put("AAAAE5", 3);
  world.edit_reply = [](const agent::Request& request, agent::Reply& reply) {
    if (request.transport != "smtp") return;
    reply.results.resize(1);  // the first one had a result
    reply.pass_to = "slow:elsewhere";
  };
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAE5"); }));
  REQUIRE(world.deliveries.size() == 3);
  CHECK(world.deliveries[0].transport == "smtp");
  std::set<std::string> passed;
  for (size_t i = 1; i < 3; ++i) {
    CHECK(world.deliveries[i].transport == "slow");
    CHECK(world.deliveries[i].nexthop == "elsewhere");
    REQUIRE(world.deliveries[i].targets.size() == 1);
    passed.insert(world.deliveries[i].targets[0].recipient.address);
  }
  CHECK(passed.size() == 2);
}

TEST_CASE("qmgr: promise 1 a complete message needs no announcement, one that is still written is left alone",
          "[qmgr]") {
  QmgrWorld world;
  world.put("AAAAC1", 1);
  world.put("AAAAC2", 1);
  world.put("AAAAC3", 1, QueueName::active);
  REQUIRE(::chmod(world.path(QueueName::incoming, "AAAAC2").c_str(), 0600) == 0);
  auto writer = fs::open_safe(world.path(QueueName::incoming, "AAAAC2"));
  REQUIRE(writer);
  REQUIRE(::flock(writer->get(), LOCK_EX | LOCK_NB) == 0);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAC1") && world.nowhere("AAAAC3"); }));
  world.announce({"AAAAC2"});
  world.until([] { return false; }, 300ms);
  CHECK(world.in(QueueName::incoming, "AAAAC2"));
  CHECK(world.deliveries.size() == 2);
  REQUIRE(::chmod(world.path(QueueName::incoming, "AAAAC2").c_str(), 0700) == 0);
  writer->reset();
  world.announce({"AAAAC2"});
  REQUIRE(world.until([&] { return world.nowhere("AAAAC2"); }));
  CHECK(world.deliveries.size() == 3);
}

TEST_CASE("qmgr: promise 7 a late failure is in the bounce log before the state says so", "[qmgr]") {
  QmgrWorld world;
  world.agent_answers = false;
  world.put("AAAAC4", 2);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.deliveries.size() == 1; }));
  world.kill_qmgr();
  world.agent_answers = true;
  std::string states_at_append;
  world.on_append = [&](const bounce::Append&) {
    states_at_append = world.states(world.path(QueueName::active, "AAAAC4"));
  };
  services::qmgr::LateResults late;
  late.queue_id = "AAAAC4";
  late.results.push_back(QmgrWorld::sent(world.deliveries[0].targets.at(0)));
  late.results.push_back(QmgrWorld::failed(world.deliveries[0].targets.at(1), agent::Status::bounced));
  world.bounce_works = false;
  world.start_qmgr();
  CHECK_FALSE(world.ask(late).ok);
  CHECK(world.states(world.path(QueueName::active, "AAAAC4")) == "PP");
  world.bounce_works = true;
  CHECK(world.ask(late).ok);
  CHECK(states_at_append == "PP");
  CHECK(world.states(world.path(QueueName::active, "AAAAC4")) == "DB");
}

TEST_CASE("qmgr: promise 7 the file stays until the notice of a failure is posted", "[qmgr]") {
  QmgrWorld world;
  world.result = [](const agent::Request&, const agent::Target& target) {
    return QmgrWorld::failed(target, agent::Status::bounced);
  };
  world.on_append = [&](const bounce::Append&) { world.bounce_works = true; };
  world.on_notify = [&] { world.bounce_works = false; };
  world.put("AAAAC5", 1);
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.in(QueueName::deferred, "AAAAC5"); }));
  CHECK(world.notices.size() == 1);
  CHECK(world.states(world.path(QueueName::deferred, "AAAAC5")) == "B");
  std::ofstream(world.path(QueueName::bounce, "AAAAC5")) << "as the bounce service would";
  world.give_away();
  world.bounce_works = true;
  world.on_notify = {};
  CHECK(world.ask(services::qmgr::Command{services::qmgr::Verb::flush_message, "AAAAC5"}).ok);
  REQUIRE(world.until([&] { return world.nowhere("AAAAC5"); }));
  CHECK(world.notices.size() == 2);
  CHECK(world.deliveries.size() == 1);
}

TEST_CASE("qmgr: promise 5 with few descriptors a long queue is delivered slowly and whole", "[qmgr]") {
  QmgrWorld world;
  for (int i = 0; i < 300; ++i) world.put("E" + std::to_string(10'000 + i), 2);
  world.start_qmgr(40);
  REQUIRE(world.until([&] { return world.spool().scan(QueueName::incoming)->next() == std::nullopt; }));
  REQUIRE(world.until([&] { return world.spool().scan(QueueName::active)->next() == std::nullopt; }, 30s));
  CHECK(world.spool().scan(QueueName::deferred)->next() == std::nullopt);
  CHECK(world.deliveries.size() == 300);
  CHECK(world.log().find("Too many open files") == std::string::npos);
}
