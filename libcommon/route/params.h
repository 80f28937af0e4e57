// NAME    params - the parameters that rewriting and resolving read
#pragma once

#include <string>
#include <vector>

#include "libcommon/config/bind.h"

namespace umaya::route {

struct Params {
  std::string myhostname, mydomain, myorigin;
  std::string mydestination, relay_domains, virtual_alias_domains, virtual_mailbox_domains;
  std::vector<std::string> proxy_interfaces, parent_domain_matches_subdomains;
  std::string recipient_delimiter, double_bounce_sender, empty_address_recipient;
  std::string remote_header_rewrite_domain;
  std::string local_transport, virtual_transport, relay_transport, default_transport, relayhost;
  std::string transport_maps, relocated_maps;
  std::string sender_dependent_relayhost_maps, sender_dependent_default_transport_maps;
  std::string null_relayhost_key, null_default_transport_key;
  std::string canonical_maps, sender_canonical_maps, recipient_canonical_maps;
  std::vector<std::string> canonical_classes, sender_canonical_classes, recipient_canonical_classes;
  std::vector<std::string> masquerade_domains, masquerade_exceptions, masquerade_classes;
  std::vector<std::string> propagate_unmatched_extensions;
  std::string virtual_alias_maps, smtp_generic_maps;
  std::string always_bcc, sender_bcc_maps, recipient_bcc_maps;
  std::string local_recipient_maps, relay_recipient_maps, virtual_mailbox_maps;
  int64_t virtual_alias_expansion_limit = 0, virtual_alias_recursion_limit = 0, virtual_alias_address_length_limit = 0;
  bool append_at_myorigin = true, append_dot_mydomain = false;
  bool swap_bangpath = true, allow_percent_hack = true, allow_min_user = false;
  bool resolve_dequoted_address = true, resolve_null_domain = false, resolve_numeric_domain = false;
  bool owner_request_special = true, show_user_unknown_table_name = true, helpful_warnings = true;
};

inline constexpr auto kBindings = config::bindings<Params>({
    {"allow_min_user", &Params::allow_min_user},
    {"allow_percent_hack", &Params::allow_percent_hack},
    {"always_bcc", &Params::always_bcc},
    {"append_at_myorigin", &Params::append_at_myorigin},
    {"append_dot_mydomain", &Params::append_dot_mydomain},
    {"canonical_classes", &Params::canonical_classes},
    {"canonical_maps", &Params::canonical_maps},
    {"default_transport", &Params::default_transport},
    {"double_bounce_sender", &Params::double_bounce_sender},
    {"empty_address_default_transport_maps_lookup_key", &Params::null_default_transport_key},
    {"empty_address_recipient", &Params::empty_address_recipient},
    {"empty_address_relayhost_maps_lookup_key", &Params::null_relayhost_key},
    {"helpful_warnings", &Params::helpful_warnings},
    {"local_recipient_maps", &Params::local_recipient_maps},
    {"local_transport", &Params::local_transport},
    {"masquerade_classes", &Params::masquerade_classes},
    {"masquerade_domains", &Params::masquerade_domains},
    {"masquerade_exceptions", &Params::masquerade_exceptions},
    {"mydestination", &Params::mydestination},
    {"mydomain", &Params::mydomain},
    {"myhostname", &Params::myhostname},
    {"myorigin", &Params::myorigin},
    {"owner_request_special", &Params::owner_request_special},
    {"parent_domain_matches_subdomains", &Params::parent_domain_matches_subdomains},
    {"propagate_unmatched_extensions", &Params::propagate_unmatched_extensions},
    {"proxy_interfaces", &Params::proxy_interfaces},
    {"recipient_bcc_maps", &Params::recipient_bcc_maps},
    {"recipient_canonical_classes", &Params::recipient_canonical_classes},
    {"recipient_canonical_maps", &Params::recipient_canonical_maps},
    {"recipient_delimiter", &Params::recipient_delimiter},
    {"relay_domains", &Params::relay_domains},
    {"relay_recipient_maps", &Params::relay_recipient_maps},
    {"relay_transport", &Params::relay_transport},
    {"relayhost", &Params::relayhost},
    {"relocated_maps", &Params::relocated_maps},
    {"remote_header_rewrite_domain", &Params::remote_header_rewrite_domain},
    {"resolve_dequoted_address", &Params::resolve_dequoted_address},
    {"resolve_null_domain", &Params::resolve_null_domain},
    {"resolve_numeric_domain", &Params::resolve_numeric_domain},
    {"sender_bcc_maps", &Params::sender_bcc_maps},
    {"sender_canonical_classes", &Params::sender_canonical_classes},
    {"sender_canonical_maps", &Params::sender_canonical_maps},
    {"sender_dependent_default_transport_maps", &Params::sender_dependent_default_transport_maps},
    {"sender_dependent_relayhost_maps", &Params::sender_dependent_relayhost_maps},
    {"show_user_unknown_table_name", &Params::show_user_unknown_table_name},
    {"smtp_generic_maps", &Params::smtp_generic_maps},
    {"swap_bangpath", &Params::swap_bangpath},
    {"transport_maps", &Params::transport_maps},
    {"virtual_alias_address_length_limit", &Params::virtual_alias_address_length_limit},
    {"virtual_alias_domains", &Params::virtual_alias_domains},
    {"virtual_alias_expansion_limit", &Params::virtual_alias_expansion_limit},
    {"virtual_alias_maps", &Params::virtual_alias_maps},
    {"virtual_alias_recursion_limit", &Params::virtual_alias_recursion_limit},
    {"virtual_mailbox_domains", &Params::virtual_mailbox_domains},
    {"virtual_mailbox_maps", &Params::virtual_mailbox_maps},
    {"virtual_transport", &Params::virtual_transport},
});

}  // namespace umaya::route
