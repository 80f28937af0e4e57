// How long an answer takes must not tell what was wrong.
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "authd/authenticator.h"
#include "libcommon/auth/scheme.h"
#include "libcommon/log/log.h"

using namespace umaya;
using namespace umaya::authd;
using namespace std::chrono_literals;

namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Median times of failing log-ins of each user, in us, measured in turn.
std::vector<double> failure_times(Authenticator& authenticator, const std::vector<std::string>& users) {
  std::vector<std::vector<double>> times(users.size());
  for (int round = 0; round < 1700; ++round) {
    for (size_t i = 0; i < users.size(); ++i) {
      Attempt attempt{users[i], Secret("wrong" + std::to_string(round)), {"pop3", "192.0.2.1"}};
      TimePoint start = monotonic_now();
      Verdict verdict = event::run_until_done(authenticator.check(std::move(attempt)));
      times[i].push_back(std::chrono::duration<double, std::micro>(monotonic_now() - start).count());
      REQUIRE(verdict.status == auth::AuthStatus::failed);
    }
  }
  std::vector<double> out;
  for (auto& of_user : times) out.push_back(median(std::move(of_user)));
  return out;
}

bool are_alike(const std::vector<double>& times) {
  return std::all_of(times.begin(), times.end(),
                     [&](double time) { return time > times[0] * 0.95 && time < times[0] * 1.05; });
}

}  // namespace

TEST_CASE("timing: A10 wrong password, unknown and disabled user take the same time", "[authd][timing]") {
  std::string file = std::filesystem::temp_directory_path() / ("umaya_timing_" + std::to_string(getpid()));
  std::string stored = *auth::hash_password("SHA256-CRYPT", "right", 1000);
  std::ofstream(file) << "alice:" << stored << "\noff:" << stored << "::::::nologin\nnets:" << stored
                      << "::::::allow_nets=10.0.0.0/8\nnone:*\n";
  log::capture([](log::Level, std::string_view) {});
  Params params;
  params.passwd_file = file;
  {
    event::Loop loop;
    Authenticator authenticator(params, table::Options(), std::string(32, 'k'), 1, nullptr);
    const std::vector<std::string> users = {"alice", "off", "nets", "none", "nobody", "../x"};
    // What else runs on the machine is not our difference: that would be there each time.
    std::vector<double> times = failure_times(authenticator, users);
    for (int again = 0; again < 3 && !are_alike(times); ++again) times = failure_times(authenticator, users);
    for (size_t i = 1; i < users.size(); ++i) {
      INFO(users[i] << ": " << times[i] << " us, wrong password: " << times[0] << " us");
      CHECK(times[i] > times[0] * 0.95);
      CHECK(times[i] < times[0] * 1.05);
    }
  }
  log::capture(nullptr);
  std::filesystem::remove(file);
}

TEST_CASE("timing: A13 a password that was found right is right again without its slow hash", "[authd][timing]") {
  std::string file = std::filesystem::temp_directory_path() / ("umaya_cache_" + std::to_string(getpid()));
  std::ofstream(file) << "alice:" << *auth::hash_password("SHA512-CRYPT", "right", 20000) << "\n";
  log::capture([](log::Level, std::string_view) {});
  Params params;
  params.passwd_file = file;
  params.cache_ttl = 60s;
  {
    event::Loop loop;
    Authenticator authenticator(params, table::Options(), std::string(32, 'k'), 1, nullptr);
    auto time_of = [&](const std::string& service, const std::string& password) {
      Attempt attempt{"alice", Secret(password), {service, "192.0.2.1"}};
      TimePoint start = monotonic_now();
      Verdict verdict = event::run_until_done(authenticator.check(std::move(attempt)));
      CHECK((verdict.status == auth::AuthStatus::ok) == (password == "right"));
      return std::chrono::duration<double, std::micro>(monotonic_now() - start).count();
    };
    std::vector<double> fresh, again, wrong;
    for (int round = 0; round < 40; ++round) {
      std::string service = "service" + std::to_string(round);
      fresh.push_back(time_of(service, "right"));
      again.push_back(time_of(service, "right"));
      wrong.push_back(time_of(service, "wrong"));
    }
    CHECK(median(again) * 10 < median(fresh));
    // Only what is right is remembered: a wrong password costs its hash each time.
    CHECK(median(wrong) * 2 > median(fresh));
  }
  log::capture(nullptr);
  std::filesystem::remove(file);
}
