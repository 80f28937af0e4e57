// NAME    envelope - what travels with a message's content between the services
//
// DESCRIPTION
//     Addresses are in internal form (RFC 5321 quoting removed), the empty string is the null sender.
//
//     Recipient is the queue file's. Envelope is not queue::Envelope, and queue_envelope.h leads from one to the other,
//     for two reasons. It holds what a client may say of a message and an agent may know: flags, content filter and
//     redirection of the queue file are decided by cleanup and qmgr alone, and have no place in what smtpd or a
//     delivery agent sends. And it changes with the programs (two versions refuse one another, libcommon/ipc), while
//     the fields of queue::Envelope are the names in a file that outlives them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/queue/envelope.h"

namespace umaya::services {

/// RFC 3461 NOTIFY bits; 0: not given (failure and, when late, delay).
enum Notify : uint8_t {
  kNotifyDefault = 0,
  kNotifyNever = queue::notify::kNever,
  kNotifySuccess = queue::notify::kSuccess,
  kNotifyFailure = queue::notify::kFailure,
  kNotifyDelay = queue::notify::kDelay
};

/// RFC 3461 RET.
using Return = queue::DsnReturn;

using queue::Recipient;

/// RFC 6152 BODY.
enum class BodyType : uint8_t { not_given, seven_bit, eight_bit };

/// A name=value fact about the message; the names are Postfix's (client_name, client_address, client_port,
/// helo_name, protocol_name, sasl_method, sasl_username, sasl_sender, log_message_origin, rewrite_context …).
struct Attribute {
  std::string name;
  std::string value;
  static constexpr std::string_view kName = "attribute";
  static void visit(auto& self, auto&& v) {
    v("name", self.name);
    v("value", self.value);
  }
};

/// The message apart from recipients and content.
struct Envelope {
  std::string queue_id;
  std::string sender;
  std::string envid;  ///< RFC 3461 ENVID, xtext decoded
  Return ret = Return::not_given;
  BodyType body = BodyType::not_given;
  bool smtputf8 = false;     ///< the SMTPUTF8 parameter was given
  int64_t arrival_usec = 0;  ///< wall clock when the message began to arrive
  std::vector<Attribute> attributes;
  static constexpr std::string_view kName = "envelope";
  static void visit(auto& self, auto&& v) {
    v("queue_id", self.queue_id);
    v("sender", self.sender);
    v("envid", self.envid);
    v("ret", self.ret);
    v("body", self.body);
    v("smtputf8", self.smtputf8);
    v("arrival_usec", self.arrival_usec);
    v("attributes", self.attributes);
  }
  /// The value of an attribute, empty when it is not there.
  std::string_view attribute(std::string_view name) const {
    for (const Attribute& a : attributes) {
      if (a.name == name) return a.value;
    }
    return {};
  }
};

}  // namespace umaya::services
