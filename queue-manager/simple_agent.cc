#include "queue-manager/simple_agent.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/daemon/delivery_hooks.h"
#include "libcommon/log/log.h"
#include "libcommon/services/delivery_log.h"

namespace umaya::qmgr {

namespace agent = services::delivery;

namespace {

/// The length of an enhanced status code "X.Y.Z" (RFC 3463) at the beginning; 0: there is none.
size_t code_length(std::string_view text) {
  if (text.size() < 5 || (text[0] != '2' && text[0] != '4' && text[0] != '5') || text[1] != '.') return 0;
  size_t i = 2;
  for (int part = 0; part < 2; ++part) {
    size_t begin = i;
    while (i < text.size() && ascii_digit(text[i]) && i - begin < 3) ++i;
    if (i == begin) return 0;
    if (part == 0 && (i >= text.size() || text[i++] != '.')) return 0;
  }
  return i == text.size() || text[i] == ' ' ? i : 0;
}

std::string_view word(const agent::Request& request, agent::Status status) {
  if ((request.flags & agent::kVerifyOnly) == 0) return agent::status_word(status);
  return status == agent::Status::sent ? "deliverable" : "undeliverable";
}

}  // namespace

Decision decide(AgentKind kind, std::string_view nexthop) {
  Decision decision;
  size_t code = code_length(nexthop);
  decision.dsn = nexthop.substr(0, code);
  decision.text = trim(nexthop.substr(code));
  if (kind == AgentKind::discard) {
    decision.status = agent::Status::sent;
    if (code == 0 || decision.dsn[0] != '2') decision.dsn = "2.0.0";
    return decision;
  }
  if (code == 0) decision.dsn = kind == AgentKind::retry ? "4.0.0" : "5.0.0";
  if (kind == AgentKind::retry && decision.dsn[0] != '4') decision.dsn[0] = '4';
  decision.status = decision.dsn[0] == '5' ? agent::Status::bounced : agent::Status::deferred;
  return decision;
}

event::Task<agent::Reply> deliver_simply(const agent::Job& job, AgentKind kind, int decimals) {
  const agent::Request& request = job.request;
  const int64_t now = wall_usec();
  Decision decision = decide(kind, request.nexthop);
  agent::Reply reply;
  for (const agent::Target& target : request.targets) {
    agent::RecipientResult result;
    result.id = target.id;
    result.status = decision.status;
    result.dsn = decision.dsn;
    result.text = decision.text;
    agent::StatusLine line;
    line.dsn = result.dsn;
    line.status = word(request, result.status);
    line.text = result.text;
    line.stages = {request.envelope.arrival_usec, request.active_usec, request.handed_usec, 0, now};
    log::info("{}", agent::format_status(request.envelope.queue_id, target.recipient, line, decimals));
    reply.results.push_back(std::move(result));
  }
  co_return reply;
}

int run_simple_agent(int argc, char** argv, std::string_view name, KindOf kind_of) {
  daemon::Hooks hooks;
  AgentKind kind = AgentKind::error;
  int decimals = 2;
  hooks.name = name;
  hooks.run_as = daemon::RunAs::mail_owner;
  hooks.sandbox = [](const daemon::Process&) { return daemon::SandboxPolicy{}; };
  hooks.prepare = [&](daemon::Process& process) -> Result<void> {
    kind = kind_of(process.service());
    UMAYA_TRY(int64_t limit, process.config().get_int("delay_logging_resolution_limit"));
    decimals = static_cast<int>(limit);
    return {};
  };
  daemon::serve_deliveries(hooks, [&](const agent::Job& job) { return deliver_simply(job, kind, decimals); });
  return daemon::run(argc, argv, std::move(hooks));
}

}  // namespace umaya::qmgr
