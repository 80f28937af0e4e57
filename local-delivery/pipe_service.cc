#include "local-delivery/pipe_service.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/mailbox/mbox_delivery.h"
#include "libcommon/message/address.h"
#include "libcommon/services/status_filter.h"
#include "local-delivery/command.h"

namespace umaya::local_delivery {

using event::Task;
using namespace services::delivery;

namespace {

struct PipeAgent {
  PipeParams params;
  PipeCommand command;
  Identity identity;
  std::string service;
  std::string queue_directory;
  Duration time_limit{};
  StatusFilter status_filter;
  std::unique_ptr<Workers> workers;
};

std::unique_ptr<PipeAgent>& agent() {
  static std::unique_ptr<PipeAgent> instance;
  return instance;
}

// With whose rights the command runs; never root's or the mail system's.
Result<Identity> find_identity(const daemon::Process& process, const PipeAgent& pipe) {
  if (!process.privileged()) return Identity{::geteuid(), ::getegid()};
  UMAYA_TRY(daemon::Account user, daemon::find_user(pipe.command.user));
  Identity who{user.uid, user.gid};
  if (!pipe.command.group.empty()) {
    UMAYA_TRY(who.gid, daemon::find_group(pipe.command.group));
  }
  UMAYA_TRY(daemon::Account owner, daemon::find_user(pipe.params.mail_owner));
  if (who.uid == 0 || who.gid == 0)
    return permanent("pipe: user=" + pipe.command.user + ": commands do not run as root");
  if (who.uid == owner.uid) return permanent("pipe: user=" + pipe.command.user + " owns the mail system");
  return who;
}

std::string with_eol(std::string text, const std::string& eol) {
  if (eol == "\n") return text;
  std::string out;
  for (char c : text) {
    if (c == '\n') {
      out += eol;
    } else {
      out += c;
    }
  }
  return out;
}

std::string head_of(const PipeCommand& command, const PipeParams& params, const Request& request) {
  const services::Recipient& to = request.targets[0].recipient;
  const std::string& sender = request.envelope.sender.empty() ? command.null_sender : request.envelope.sender;
  std::string head;
  if (command.from_line) head += mailbox::from_line(message::to_external(sender), wall_seconds());
  if (command.return_path) head += "Return-Path: <" + printable(message::to_external(sender), true) + ">\n";
  if (command.original_to && params.original_recipient) {
    head += "X-Original-To: " + printable(to.original.empty() ? to.address : to.original, true) + "\n";
  }
  if (command.delivered_to) head += "Delivered-To: " + printable(to.address, true) + "\n";
  return with_eol(std::move(head), command.eol);
}

PipeMessage message_of(const PipeParams& params, const Request& request) {
  static constexpr std::pair<const char*, const char*> kAttributes[] = {
      {"client_address", "client_address"}, {"client_helo", "helo_name"},         {"client_hostname", "client_name"},
      {"client_port", "client_port"},       {"client_protocol", "protocol_name"}, {"sasl_method", "sasl_method"},
      {"sasl_sender", "sasl_sender"},       {"sasl_username", "sasl_username"}};
  PipeMessage message;
  message.sender = request.envelope.sender;
  message.nexthop = request.nexthop;
  message.queue_id = request.envelope.queue_id;
  message.size = request.content_size;
  message.recipient_delimiter = params.recipient_delimiter;
  for (const Target& target : request.targets) {
    message.recipients.push_back({target.recipient.address, target.recipient.original});
  }
  for (auto& [macro, attribute] : kAttributes) {
    message.attributes.emplace_back(macro, request.envelope.attribute(attribute));
  }
  return message;
}

std::vector<std::string> environment_of(const PipeParams& params) {
  std::vector<std::string> out{"PATH=/usr/local/bin:/usr/bin:/bin"};
  for (const std::string& item : params.export_environment) {
    if (item.find('=') != item.npos) {
      out.push_back(item);
    } else if (const char* value = std::getenv(item.c_str())) {
      out.push_back(item + "=" + value);
    }
  }
  return out;
}

CommandVerdict check_loop(const Job& job) {
  auto headers = delivered_to_headers(job.message.get(), job.request.content_offset, job.request.content_size);
  const std::string& address = job.request.targets[0].recipient.address;
  if (names_recipient(headers, address)) return {Status::bounced, "5.4.6", "mail forwarding loop for " + address};
  return {Status::sent, "2.0.0", ""};
}

Task<CommandVerdict> deliver_message(const Job& job) {
  const PipeAgent& pipe = *agent();
  if (pipe.command.delivered_to) {
    CommandVerdict loop = check_loop(job);
    if (loop.status != Status::sent) co_return loop;
  }
  Result<services::become::Run> run = pipe_run(pipe.command, pipe.params, job.request);
  if (!run) {
    Status status = run.error().is_permanent() ? Status::bounced : Status::deferred;
    co_return CommandVerdict{status, run.error().dsn, run.error().what};
  }
  run->time_limit_usec = pipe.time_limit.count() / 1000;
  if (run->directory.empty()) run->directory = pipe.queue_directory;
  services::become::Ended ended = co_await pipe.workers->run(pipe.identity, std::move(*run), job.message.get());
  CommandVerdict verdict = command_verdict(ended, pipe.command.argv[0]);
  if (verdict.status == Status::sent) {
    std::string output = one_line(ended.output);
    verdict.text = "delivered via " + pipe.service + " service" + (output.empty() ? "" : " (" + output + ")");
  }
  co_return verdict;
}

}  // namespace

Result<services::become::Run> pipe_run(const PipeCommand& command, const PipeParams& params, const Request& request) {
  if (request.targets.empty()) return temporary("request without recipients", "4.3.0");
  bool one_needed = command.delivered_to || command.original_to;
  if (one_needed && request.targets.size() > 1) {
    return temporary(fmt::format("flags=D and flags=O need {}_destination_recipient_limit = 1", request.transport),
                     "4.3.5");
  }
  if (command.size_limit > 0 && request.content_size > command.size_limit) {
    return permanent(fmt::format("message size {} exceeds size limit {} of mailer {}", request.content_size,
                                 command.size_limit, request.transport),
                     "5.2.3");
  }
  services::become::Run run;
  auto argv = expand_argv(command, message_of(params, request));
  if (!argv) return temporary(argv.error().what, "4.3.5");
  run.argv = std::move(*argv);
  run.environment = environment_of(params);
  run.directory = command.directory;
  run.head = head_of(command, params, request);
  run.tail = command.blank_line ? command.eol : "";
  run.eol = command.eol;
  run.quote_from = command.quote_from;
  run.quote_dot = command.quote_dot;
  run.content_offset = request.content_offset;
  run.content_size = request.content_size;
  return run;
}

Result<void> prepare_pipe(daemon::Process& process) {
  auto pipe = std::make_unique<PipeAgent>();
  UMAYA_CHECK(config::bind(process.config(), kPipeBindings, pipe->params));
  UMAYA_TRY(pipe->command, parse_pipe_arguments(process.arguments()));
  UMAYA_TRY(pipe->identity, find_identity(process, *pipe));
  pipe->service = process.service();
  pipe->queue_directory = process.queue_path("");
  UMAYA_TRY(pipe->time_limit, process.config().get_time(pipe->service + "_time_limit"));
  pipe->status_filter = StatusFilter::open(process.config(), "pipe_delivery_status_filter");
  pipe->workers = std::make_unique<Workers>(process.queue_path(services::become::kSocket));
  agent() = std::move(pipe);
  return {};
}

Task<Reply> deliver_by_pipe(const Job& job) {
  CommandVerdict verdict = co_await deliver_message(job);
  Reply reply;
  for (const Target& target : job.request.targets) {
    RecipientResult result = make_result(target, verdict.status, verdict.dsn, verdict.text);
    result.action = agent()->command.final_delivery ? Action::delivered : Action::relayed;
    if (verdict.status != Status::sent) result.diagnostic_type = "x-unix";
    agent()->status_filter.apply(result);
    log_status(job, target, result, agent()->service, agent()->params.log_decimals);
    reply.results.push_back(std::move(result));
  }
  co_return reply;
}

}  // namespace umaya::local_delivery
