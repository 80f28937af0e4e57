// NAME    commands - what the umaya command can do, one function a verb
//
// DESCRIPTION
//     Each gives the exit code. Messages go to standard error and the log, as postfix(1) does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcommon/config/check.h"
#include "libcommon/config/config.h"

namespace umaya::commands {

/// What the command line said before the verb.
struct Invocation {
  std::string config_directory;
  int verbose = 0;
};

int start(const Invocation& invocation, const std::vector<std::string>& arguments);
int start_foreground(const Invocation& invocation, const std::vector<std::string>& arguments);
int stop(const Invocation& invocation, const std::vector<std::string>& arguments);
int abort_now(const Invocation& invocation, const std::vector<std::string>& arguments);
int reload(const Invocation& invocation, const std::vector<std::string>& arguments);
int status(const Invocation& invocation, const std::vector<std::string>& arguments);
int flush(const Invocation& invocation, const std::vector<std::string>& arguments);
int check(const Invocation& invocation, const std::vector<std::string>& arguments);
int new_instance(const Invocation& invocation, const std::vector<std::string>& arguments);
int explain(const Invocation& invocation, const std::vector<std::string>& arguments);
int who(const Invocation& invocation, const std::vector<std::string>& arguments);
int kick(const Invocation& invocation, const std::vector<std::string>& arguments);
int demo(const Invocation& invocation, const std::vector<std::string>& arguments);
int auth_command(const Invocation& invocation, const std::vector<std::string>& arguments);
int pw_command(const Invocation& invocation, const std::vector<std::string>& arguments);
int quota_command(const Invocation& invocation, const std::vector<std::string>& arguments);
int user_command(const Invocation& invocation, const std::vector<std::string>& arguments);

/// The instance's configuration, its log open under the name of this command. Ends the program when there is none.
config::Config open_instance(const Invocation& invocation);
/// Checks as "umaya check" does: prints findings; false when the instance could not start.
bool check_instance(const config::Config& config);
/// Makes the self-signed certificate when a service needs it and there is none; says so.
void provide_certificate(const config::Config& config);
/// What authd will find when it starts; nothing when master.cf has none.
std::vector<config::Finding> check_auth(const config::Config& config);
/// Limits of mailboxes that are none.
std::vector<config::Finding> check_quota(const config::Config& config);
/// What the parameters of database tables say.
std::vector<config::Finding> check_databases(const config::Config& config);

/// Scheme of new passwords when none is named.
inline constexpr std::string_view kUsualScheme = "SHA512-CRYPT";

/// What new_instance() makes.
struct InstancePlan {
  std::string directory;
  std::string domain = "example.test";  ///< mydestination and myorigin
  std::vector<std::string> users;       ///< with homes beneath the directory
  uint16_t smtp_port = 0;               ///< 0: no service
  uint16_t pop3_port = 0;
  std::string main_cf;  ///< more lines of main.cf
};
/// Writes the files of an instance and prepares its directories; refuses a directory that has a main.cf.
Result<void> make_instance(const InstancePlan& plan);
/// Runs newaliases for the instance.
Result<void> build_aliases(const config::Config& config);
/// A TCP port on the loopback that nobody uses now.
uint16_t free_port();

}  // namespace umaya::commands
