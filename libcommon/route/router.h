// NAME    router - where an address goes, and why
//
// SYNOPSIS
//     UMAYA_TRY(auto router, route::Router::open(config));
//     std::string full = router->rewrite("user");
//     route::Resolution to = router->resolve("sender@example.com", "user@example.org");
//     route::Validity known = router->check_recipient("", "user@example.com");
//
// DESCRIPTION
//     Pure over the configuration and its tables. An address belongs to one class: local (mydestination, our address
//     literals), virtual alias, virtual mailbox, relay, or default (everything else); the class gives the transport,
//     which transport_maps, relayhost, the sender-dependent tables and relocated_maps may change. With steps given,
//     every decision is noted there.
//     Routing signs in the local part (user%host, host!user, "user@host") are followed as long as the domain is ours,
//     so that they are no way round relay control; routed tells that some are left.
//
// OWNERSHIP
//     Views are borrowed for the call. Call refresh() now and then to follow changed tables.
//
// ERRORS
//     A table that cannot be asked gives Resolution::error (temporary); inside table::settle() the question is asked
//     again when the answer is there.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/config/config.h"
#include "libcommon/route/params.h"
#include "libcommon/route/rewrite.h"
#include "libcommon/table/maps.h"
#include "libcommon/table/match_list.h"
#include "libcommon/table/search.h"

namespace umaya::route {

enum class AddressClass : unsigned char { local, virtual_alias, virtual_mailbox, relay, other };

struct Resolution {
  AddressClass address_class = AddressClass::other;
  std::string transport;       ///< name in master.cf, or "error" / "retry"
  std::string nexthop;         ///< as the transport wants it; for error and retry "X.Y.Z text"
  std::string recipient;       ///< user@domain, internal form
  bool bad_syntax = false;     ///< no usable domain, or a leading '-': nobody can deliver this (5.1.3)
  bool routed = false;         ///< the local part has routing signs (allow_untrusted_routing)
  std::optional<Error> error;  ///< a table could not be asked: try later
};

struct Validity {
  enum class Kind : unsigned char { valid, unknown, unavailable, error };
  Kind kind = Kind::valid;
  AddressClass address_class = AddressClass::other;
  std::string text;  ///< "User unknown in local recipient table", or the text of an error transport
  std::string dsn;   ///< "5.1.1"
};

/// Where an address stands; or'ed in the *_classes parameters.
enum Place : unsigned { kEnvelopeSender = 1, kEnvelopeRecipient = 2, kHeaderSender = 4, kHeaderRecipient = 8 };

/// Which addresses headers of remote clients get: remote_header_rewrite_domain, or none.
enum class Context : unsigned char { local, remote };

class Router {
 public:
  static Result<std::unique_ptr<Router>> open(const config::Config& config);
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// Complete form; both in internal form.
  std::string rewrite(std::string_view address, Context context = Context::local, Steps* steps = nullptr) const;
  /// False when headers from remote clients stay as they are (remote_header_rewrite_domain is empty).
  bool rewrites_remote_headers() const { return !params_.remote_header_rewrite_domain.empty(); }
  Resolution resolve(std::string_view sender, std::string_view recipient, Steps* steps = nullptr);
  /// Whether mail for a (rewritten) recipient has a place to go: reject_unlisted_recipient.
  Validity check_recipient(std::string_view sender, std::string_view recipient, Steps* steps = nullptr);
  /// The same for a sender: reject_unlisted_sender.
  Validity check_sender(std::string_view sender, Steps* steps = nullptr) {
    return check(sender, sender, "5.1.0", steps);
  }

  /// mydestination, or a literal with an address of this host.
  table::Match is_local_domain(std::string_view domain, Steps* steps = nullptr);
  /// The class that a domain alone has; error when a table cannot be asked.
  Result<AddressClass> class_of_domain(std::string_view domain, Steps* steps = nullptr);

  /// canonical and masquerade for one address in one place. The error is temporary.
  Result<std::string> map_address(std::string_view address, Place place, Steps* steps = nullptr);
  /// True when map_address can change something in that place.
  bool maps_in(Place place) const;
  /// virtual_alias_maps with recursion; at least one address.
  Result<std::vector<std::string>> expand_virtual(std::string_view address, Steps* steps = nullptr);
  bool has_virtual_aliases() const { return !virtual_alias_.empty(); }
  /// smtp_generic_maps for an address that leaves.
  Result<std::string> map_generic(std::string_view address, Steps* steps = nullptr);
  bool has_generic() const { return !generic_.empty(); }
  /// Copies that always_bcc, sender_bcc_maps, recipient_bcc_maps ask for; complete addresses, maybe none.
  Result<std::vector<std::string>> sender_bcc(std::string_view sender);
  Result<std::vector<std::string>> recipient_bcc(std::string_view recipient);
  const std::string& always_bcc() const { return always_bcc_; }

  const Params& params() const { return params_; }
  const table::AddressRules& address_rules() const { return address_rules_; }
  table::ParentStyle parent_style(std::string_view feature) const;
  /// Opens tables again that have changed; cheap, at most once a second.
  void refresh();

 private:
  struct Progress;
  Router() = default;
  Result<> load(const config::Config& config);
  void open_tables(const config::Config& config);
  RewriteRules rules(Context context) const;
  void warn_if_also_in(std::string_view domain, std::string_view first,
                       std::initializer_list<std::pair<std::string_view, table::MatchList*>> others);
  bool strip_local(Progress& progress, Steps* steps);
  void follow_routes(Progress& progress, Steps* steps);
  void finish_recipient(Progress& progress, Resolution& out);
  void choose_class(std::string_view sender, bool local, std::string_view domain, Resolution& out, Steps* steps);
  void choose_default(std::string_view sender, Resolution& out, Steps* steps);
  void choose_relayhost(std::string_view sender, std::string_view domain, Resolution& out, Steps* steps);
  void apply_transport_map(std::string_view domain, Resolution& out, Steps* steps);
  void apply_relocated(Resolution& out, Steps* steps);
  table::Found find_transport(const Resolution& to, std::string_view domain);
  table::Found find_sender(table::Maps& maps, std::string_view sender, const std::string& null_key);
  Validity check(std::string_view sender, std::string_view address, std::string_view dsn, Steps* steps);
  bool is_listed(std::string_view recipient, Validity& out, Steps* steps);
  Result<std::string> map_one(table::Maps& maps, std::string address, bool propagate, Steps* steps);
  Result<std::vector<std::string>> map_many(table::Maps& maps, std::string_view address, bool propagate);
  std::string masquerade(std::string address, Steps* steps) const;
  Result<std::vector<std::string>> bcc_of(table::Maps& maps, std::string_view address);

  Params params_;
  table::AddressRules address_rules_;
  std::vector<net::IpAddress> own_addresses_;
  std::string always_bcc_;
  std::set<std::string> warned_domains_;
  unsigned canonical_places_ = 0, sender_canonical_places_ = 0, recipient_canonical_places_ = 0, masquerade_places_ = 0;
  bool propagate_canonical_ = false, propagate_virtual_ = false, propagate_generic_ = false;
  table::MatchList mydestination_, relay_domains_, virtual_alias_domains_, virtual_mailbox_domains_;
  table::Maps transport_, relocated_, sender_relayhost_, sender_transport_;
  table::Maps canonical_, sender_canonical_, recipient_canonical_, virtual_alias_, generic_;
  table::Maps sender_bcc_, recipient_bcc_, local_recipients_, relay_recipients_, virtual_mailboxes_;
};

/// "local", "virtual alias", "virtual mailbox", "relay", "default".
std::string_view class_name(AddressClass address_class);

}  // namespace umaya::route
