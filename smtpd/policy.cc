#include "smtpd/policy.h"

#include <fmt/format.h>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "smtpd/evaluation.h"

namespace umaya::smtpd {

using event::Task;

Policy::Policy(Parts parts)
    : parts_(std::move(parts)), compiler_([this] {
        CompilerOptions options = parts_.compiler;
        auto open = options.open_maps;
        options.open_maps = [this, open](const std::string& name) {
          maps_.push_back(open(name));
          return maps_.back();
        };
        return options;
      }()) {
  const Params& p = parts_.params;
  auto add = [&](Stage stage, std::string_view title, const std::string& list, Check bare_table) {
    lists_[static_cast<size_t>(stage)] = compiler_.compile(title, list, bare_table);
  };
  add(Stage::client, "smtpd_client_restrictions", p.client_restrictions, Check::check_client_access);
  add(Stage::helo, "smtpd_helo_restrictions", p.helo_restrictions, Check::check_helo_access);
  add(Stage::sender, "smtpd_sender_restrictions", p.sender_restrictions, Check::check_sender_access);
  add(Stage::relay, "smtpd_relay_restrictions", p.relay_restrictions, Check::check_recipient_access);
  add(Stage::recipient, "smtpd_recipient_restrictions", p.recipient_restrictions, Check::check_recipient_access);
  add(Stage::data, "smtpd_data_restrictions", p.data_restrictions, Check::broken);
  add(Stage::end_of_data, "smtpd_end_of_data_restrictions", p.end_of_data_restrictions, Check::broken);
  add(Stage::etrn, "smtpd_etrn_restrictions", p.etrn_restrictions, Check::check_etrn_access);
  complaints_ = compiler_.take_complaints();
}

void Policy::refresh() {
  for (auto& maps : maps_) maps->refresh();
  if (parts_.sender_logins) parts_.sender_logins->refresh();
  parts_.addresses.refresh();
}

std::shared_ptr<const RuleList> Policy::compile_result(std::string_view list) {
  auto known = from_tables_.find(list);
  if (known != from_tables_.end()) return known->second;
  constexpr size_t kRemembered = 1000;
  if (from_tables_.size() >= kRemembered) from_tables_.clear();
  auto rules = std::make_shared<const RuleList>(compiler_.compile("access table", list));
  for (const std::string& line : compiler_.take_complaints()) log::warning("{}", line);
  from_tables_.emplace(list, rules);
  return rules;
}

std::string describe_parties(const Question& q) {
  std::string line;
  if (q.sender) fmt::format_to(std::back_inserter(line), " from=<{}>", *q.sender);
  if (q.recipient) fmt::format_to(std::back_inserter(line), " to=<{}>", *q.recipient);
  fmt::format_to(std::back_inserter(line), " proto={}", q.protocol);
  if (!q.helo.empty()) fmt::format_to(std::back_inserter(line), " helo=<{}>", q.helo);
  if (!q.login_method.empty()) fmt::format_to(std::back_inserter(line), " sasl_method={}", q.login_method);
  if (!q.login_user.empty()) fmt::format_to(std::back_inserter(line), " sasl_username={}", q.login_user);
  if (!q.login_sender.empty()) fmt::format_to(std::back_inserter(line), " sasl_sender={}", q.login_sender);
  return line;
}

std::string describe_event(const Question& q, std::string_view what, std::string_view text) {
  return fmt::format("{}: {}: {} from {}: {};{}", q.queue_id.empty() ? "NOQUEUE" : q.queue_id, what, q.where,
                     q.client.label, text, describe_parties(q));
}

Task<Refusal> Policy::check_client(Question question, Deferrals& deferrals, MessageActions& actions) {
  Evaluation evaluation(*this, question, actions);
  Step step = co_await evaluation.run(Stage::client);
  deferrals.client = std::move(evaluation.waiting_deferral());
  if (step == Step::reject) co_return evaluation.take_refusal();
  co_return std::nullopt;
}

Task<Refusal> Policy::check_helo(Question question, Deferrals& deferrals, MessageActions& actions) {
  Evaluation evaluation(*this, question, actions);
  evaluation.waiting_deferral() = deferrals.client;
  Step step = co_await evaluation.run(Stage::helo);
  deferrals.helo = std::move(evaluation.waiting_deferral());
  if (step == Step::reject) co_return evaluation.take_refusal();
  co_return std::nullopt;
}

Task<Refusal> Policy::check_sender(Question question, Deferrals& deferrals, MessageActions& actions) {
  Evaluation evaluation(*this, question, actions);
  evaluation.waiting_deferral() = deferrals.helo ? deferrals.helo : deferrals.client;
  Step step = co_await evaluation.run(Stage::sender);
  if (step != Step::reject && parts_.params.reject_unlisted_sender && !actions.discard) {
    step = co_await evaluation.unlisted_sender();
  }
  deferrals.sender = std::move(evaluation.waiting_deferral());
  if (step == Step::reject) co_return evaluation.take_refusal();
  co_return std::nullopt;
}

Task<Refusal> Policy::check_recipient(Question question, const Deferrals& deferrals, MessageActions& actions) {
  const Params& p = parts_.params;
  Evaluation evaluation(*this, question, actions);
  if (p.delay_reject) {
    static constexpr Stage kDelayed[] = {Stage::client, Stage::helo, Stage::sender};
    for (Stage stage : kDelayed) {
      Step step = co_await evaluation.run(stage);
      if (step == Step::reject) co_return evaluation.take_refusal();
    }
    if (p.reject_unlisted_sender && !actions.discard) {
      Step step = co_await evaluation.unlisted_sender();
      if (step == Step::reject) co_return evaluation.take_refusal();
    }
  } else {
    evaluation.waiting_deferral() = deferrals.sender ? deferrals.sender
                                    : deferrals.helo ? deferrals.helo
                                                     : deferrals.client;
  }
  const Stage order[] = {p.relay_before_recipient ? Stage::relay : Stage::recipient,
                         p.relay_before_recipient ? Stage::recipient : Stage::relay};
  for (Stage stage : order) {
    Step step = co_await evaluation.run(stage);
    if (step != Step::reject) step = evaluation.enforce_deferral();
    if (step == Step::reject) co_return evaluation.take_refusal();
  }
  if (p.reject_unlisted_recipient && !actions.discard) {
    Step step = co_await evaluation.unlisted_recipient();
    if (step == Step::reject) co_return evaluation.take_refusal();
  }
  if (p.reject_over_quota && !actions.discard) {
    Step step = co_await evaluation.over_quota();
    if (step == Step::reject) co_return evaluation.take_refusal();
  }
  co_return std::nullopt;
}

Task<Refusal> Policy::check_data(Question question, MessageActions& actions) {
  Evaluation evaluation(*this, question, actions);
  Step step = co_await evaluation.run(Stage::data);
  if (step != Step::reject) step = evaluation.enforce_deferral();
  if (step == Step::reject) co_return evaluation.take_refusal();
  co_return std::nullopt;
}

Task<Refusal> Policy::check_end_of_data(Question question, MessageActions& actions) {
  Evaluation evaluation(*this, question, actions);
  Step step = co_await evaluation.run(Stage::end_of_data);
  if (step != Step::reject) step = evaluation.enforce_deferral();
  if (step == Step::reject) co_return evaluation.take_refusal();
  co_return std::nullopt;
}

Task<Refusal> Policy::check_etrn(Question question, const Deferrals& deferrals, MessageActions& actions) {
  Evaluation evaluation(*this, question, actions);
  if (parts_.params.delay_reject) {
    static constexpr Stage kDelayed[] = {Stage::client, Stage::helo};
    for (Stage stage : kDelayed) {
      Step step = co_await evaluation.run(stage);
      if (step == Step::reject) co_return evaluation.take_refusal();
    }
  } else {
    evaluation.waiting_deferral() = deferrals.helo ? deferrals.helo : deferrals.client;
  }
  Step step = co_await evaluation.run(Stage::etrn);
  if (step != Step::reject) step = evaluation.enforce_deferral();
  if (step == Step::reject) co_return evaluation.take_refusal();
  co_return std::nullopt;
}

}  // namespace umaya::smtpd
