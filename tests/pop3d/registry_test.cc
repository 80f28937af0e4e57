#include "pop3d/sessions/registry.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "libcommon/ipc/channel.h"
#include "libcommon/log/log.h"

using namespace umaya;
using namespace umaya::pop3d;
using namespace std::chrono_literals;
namespace messages = umaya::services::sessions;

namespace {

event::Task<Result<std::vector<messages::Session>>> who(std::string path) {
  UMAYA_CO_TRY(auto channel, ipc::Channel::connect(path));
  std::vector<messages::Session> out;
  messages::Who question;
  UMAYA_CO_TRY(auto reply, co_await channel->call<messages::WhoReply>(std::move(question), {}, 5s));
  while (true) {
    for (auto& session : reply.sessions) out.push_back(session);
    if (reply.last) co_return out;
    UMAYA_CO_TRY(reply, co_await channel->receive<messages::WhoReply>(5s));
  }
}

event::Task<Result<messages::KickReply>> kick(std::string path, std::string whom) {
  UMAYA_CO_TRY(auto channel, ipc::Channel::connect(path));
  messages::Kick question{std::move(whom)};
  co_return co_await channel->call<messages::KickReply>(std::move(question), {}, 5s);
}

}  // namespace

TEST_CASE("pop3 registry: who lists all sessions, kick ends those of a user or an address", "[pop3d][registry]") {
  event::Loop loop;
  std::string path = std::filesystem::temp_directory_path() / ("umaya_registry_" + std::to_string(getpid()));
  std::vector<uint64_t> ended;
  log::capture([](log::Level, std::string_view) {});
  {
    Registry registry([&](uint64_t id) { ended.push_back(id); });
    REQUIRE(registry.listen(path));
    std::vector<uint64_t> ids;
    for (int i = 0; i < 1000; ++i) {
      ids.push_back(
          registry.add({"pop3", "user" + std::to_string(i % 10), "192.0.2." + std::to_string(i % 4), "TLS", i, 7}));
    }
    auto found = event::run_until_done(who(path));
    REQUIRE(found);
    CHECK(found->size() == 1000);
    auto kicked = event::run_until_done(kick(path, "USER3"));
    REQUIRE(kicked);
    CHECK(kicked->ended == 100);
    CHECK(ended.size() == 100);
    kicked = event::run_until_done(kick(path, "192.0.2.1"));
    REQUIRE(kicked);
    CHECK(kicked->ended == 250);
    CHECK(registry.remove(ids[0])->user == "user0");
    CHECK_FALSE(registry.remove(ids[0]));
    CHECK(registry.size() == 999);
    CHECK(event::run_until_done(kick(path, "nobody"))->ended == 0);
  }
  log::capture(nullptr);
  CHECK_FALSE(std::filesystem::exists(path));
}
