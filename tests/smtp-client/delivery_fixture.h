// NAME    delivery_fixture - a client with a table for its name service, and requests to give it
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "libcommon/log/log.h"
#include "smtp-client/delivery.h"
#include "tests/smtp-client/scripted_server.h"
#include "tests/support/fake_resolver.h"

namespace umaya::smtp_client {

using namespace std::chrono_literals;

/// Parameters with Postfix's defaults and short time limits.
inline Params test_params(uint16_t port) {
  Params p;
  p.tcp_port = std::to_string(port);
  p.host_lookup = {"dns"};
  p.inet_protocols = "all";
  p.address_preference = "any";
  p.mx_address_limit = 5;
  p.mx_session_limit = 2;
  p.randomize_addresses = false;
  p.helo_name = p.myhostname = "me.example";
  p.connect_timeout = p.helo_timeout = p.mail_timeout = p.rcpt_timeout = 2s;
  p.data_init_timeout = p.data_xfer_timeout = p.data_done_timeout = 2s;
  p.rset_timeout = p.xforward_timeout = 2s;
  p.cache_time_limit = 2s;
  p.reuse_time_limit = 300s;
  p.line_length_limit = 998;
  p.mime_nesting_limit = 100;
  return p;
}

class DeliveryFixture {
 public:
  explicit DeliveryFixture(Params params, Protocol protocol = Protocol::smtp) {
    auto resolver = std::make_unique<dns::FakeResolver>();
    dns = resolver.get();
    client = std::make_unique<Client>(protocol, std::move(params), std::move(resolver));
    log::capture([this](log::Level, std::string_view line) { lines.emplace_back(line); });
    char path[] = "/tmp/umaya-content-XXXXXX";
    file_.reset(mkstemp(path));
    ::unlink(path);
  }
  ~DeliveryFixture() { log::capture(nullptr); }

  /// Sends one message to the recipients; gives "status dsn text" of each, in order of the recipients.
  std::vector<std::string> deliver(const std::string& nexthop, std::vector<std::string> recipients,
                                   const std::string& content = "Subject: x\r\n\r\nHello\r\n") {
    services::delivery::Request request = prototype;
    request.nexthop = nexthop;
    request.envelope.queue_id = "QID";
    if (request.envelope.sender.empty() && !null_sender) request.envelope.sender = "a@me.example";
    request.content_size = content.size();
    CHECK(::ftruncate(file_.get(), 0) == 0);
    CHECK(::pwrite(file_.get(), content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
    request.content_8bit = !is_ascii(content);
    for (size_t i = 0; i < recipients.size(); ++i) {
      services::delivery::Target target;
      target.id = static_cast<uint32_t>(i);
      target.recipient = recipient_prototype;
      target.recipient.address = recipients[i];
      request.targets.push_back(std::move(target));
    }
    Delivery delivery(*client, request, file_.get());
    reply = event::run_until_done(delivery.run());
    std::vector<std::string> out(recipients.size());
    for (const auto& r : reply.results) {
      out.at(r.id) = std::string(services::delivery::status_word(r.status)) + ' ' + r.dsn + ' ' + r.text;
    }
    return out;
  }
  bool logged(std::string_view part) const {
    for (const std::string& line : lines) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

  std::unique_ptr<Client> client;
  dns::FakeResolver* dns;
  services::delivery::Request prototype;
  services::Recipient recipient_prototype;
  services::delivery::Reply reply;
  bool null_sender = false;
  std::vector<std::string> lines;

 private:
  Fd file_;
};

using Results = std::vector<std::string>;

/// The opening of most scripts.
inline const std::string kHello =
    "S: 220 mx.example ESMTP\nC: EHLO me.example\nS: 250-mx.example\nS: 250-PIPELINING\nS: 250-SIZE 100000\n"
    "S: 250-8BITMIME\nS: 250-ENHANCEDSTATUSCODES\nS: 250 DSN\n";

}  // namespace umaya::smtp_client
