// NAME    commands_proxied - XCLIENT and XFORWARD: a trusted client speaks for somebody else
#include <fmt/format.h>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "smtpd/client_attributes.h"
#include "smtpd/session.h"

namespace umaya::smtpd {

using event::Task;

bool Session::is_listed(table::MatchList& hosts) const {
  return mode_ == Mode::network && hosts.matches_client(client_.name, client_.address_text) == table::Match::yes;
}

static NameStatus status_of(Known known) {
  if (known == Known::yes) return NameStatus::ok;
  return known == Known::no ? NameStatus::absent : NameStatus::temporary;
}

/// Takes what XCLIENT says over into the client; HELO and PROTO are the session's.
static void take_over(Client& client, const ClientAttribute& attribute) {
  const std::string value = attribute.known == Known::yes ? attribute.value : "unknown";
  switch (attribute.name) {
    case AttributeName::name:
      client.name = value;
      client.name_status = status_of(attribute.known);
      break;
    case AttributeName::reverse_name:
      client.reverse_name = value;
      client.reverse_status = status_of(attribute.known);
      break;
    case AttributeName::address:
      client.address = attribute.known == Known::yes ? *net::IpAddress::parse(value) : net::IpAddress();
      client.address_text = value;
      client.rfc_address = client.address.is_v6() ? "IPv6:" + value : value;
      break;
    case AttributeName::port:
      client.port = static_cast<uint16_t>(parse_uint(attribute.value).value_or(0));
      break;
    default:
      break;
  }
}

std::optional<smtp::Refusal> Session::proxied_refusal(table::MatchList& hosts) const {
  if (transaction_) return smtp::Refusal{503, "5.5.1", "Error: MAIL transaction in progress"};
  if (!is_listed(hosts)) return smtp::Refusal{550, "5.7.0", "Error: insufficient authorization"};
  return {};
}

Task<bool> Session::do_xclient(std::string_view arguments) {
  if (auto refused = proxied_refusal(shared_.xclient_hosts)) co_return fail(*refused);
  auto attributes = parse_client_attributes(arguments, kXclient);
  if (!attributes) co_return fail(attributes.error());
  std::string before = client_.label;
  std::string helo;
  bool extended = false;
  log_out();
  for (const ClientAttribute& attribute : *attributes) {
    take_over(client_, attribute);
    if (attribute.name == AttributeName::helo) helo = attribute.value;
    bool login = attribute.name == AttributeName::login && attribute.known == Known::yes;
    if (login) login_ = Login{attribute.value, std::string(kXclient.verb)};
    if (attribute.name == AttributeName::protocol) extended = iequals(attribute.value, "ESMTP");
  }
  if (shared_.classify) shared_.classify(client_);
  log::info("XCLIENT from {}: the client is {} from here on", before, client_.label);
  // Back to the greeting, as if that client had connected now.
  helo_ = std::move(helo);
  extended_ = extended;
  denied_.clear();
  deferrals_ = {};
  session_actions_ = {};
  forwarded_.reset();
  bool welcome = co_await welcome_client();
  if (!welcome) hang_up();
  co_return true;
}

Task<bool> Session::do_xforward(std::string_view arguments) {
  if (auto refused = proxied_refusal(shared_.xforward_hosts)) co_return fail(*refused);
  auto attributes = parse_client_attributes(arguments, kXforward);
  if (!attributes) co_return fail(attributes.error());
  if (!forwarded_) forwarded_.emplace();
  for (ClientAttribute& attribute : *attributes) {
    std::string value = attribute.known == Known::yes ? std::move(attribute.value) : std::string();
    switch (attribute.name) {
      case AttributeName::name:
        forwarded_->name = value.empty() ? "unknown" : std::move(value);
        break;
      case AttributeName::address:
        forwarded_->address = value.empty() ? "unknown" : std::move(value);
        break;
      case AttributeName::port:
        forwarded_->port = std::move(value);
        break;
      case AttributeName::protocol:
        forwarded_->protocol = std::move(value);
        break;
      case AttributeName::helo:
        forwarded_->helo = std::move(value);
        break;
      case AttributeName::ident:
        forwarded_->ident = std::move(value);
        break;
      case AttributeName::source:
        forwarded_->local = value == "LOCAL";
        break;
      case AttributeName::reverse_name:
      case AttributeName::login:
        break;
    }
  }
  reply_line("250 2.0.0 Ok\r\n");
  co_return true;
}

/// What the log says of the client, with what was forwarded.
std::string Session::client_for_log() const {
  std::string out = client_.label + login_for_log();
  if (!forwarded_) return out;
  if (!forwarded_->ident.empty()) out += ", orig_queue_id=" + forwarded_->ident;
  return out + ", orig_client=" + forwarded_->label();
}

/// The client of the message: the forwarded one as a whole, never mixed with that of the session.
void Session::add_client_attributes(services::Envelope& envelope) const {
  auto add = [&](std::string_view name, std::string value) {
    envelope.attributes.push_back({std::string(name), std::move(value)});
  };
  if (forwarded_) {
    add("client_name", forwarded_->name);
    add("reverse_client_name", forwarded_->name);
    add("client_address", forwarded_->address);
    add("client_port", forwarded_->port);
    add("helo_name", forwarded_->helo);
    add("protocol_name", forwarded_->protocol);
    add("log_ident", forwarded_->ident);
    add("log_message_origin", forwarded_->label());
    return;
  }
  add("client_name", client_.name);
  add("reverse_client_name", client_.reverse_name);
  add("client_address", client_.address_text);
  add("client_port", std::to_string(client_.port));
  add("helo_name", helo_);
  add("protocol_name", lmtp() ? "LMTP" : extended_ ? "ESMTP" : "SMTP");
  add("log_message_origin", client_.label);
  if (login_) {
    add("sasl_method", login_->method);
    add("sasl_username", login_->user);
  }
  if (transaction_ && !transaction_->auth_sender.empty()) add("sasl_sender", transaction_->auth_sender);
}

}  // namespace umaya::smtpd
