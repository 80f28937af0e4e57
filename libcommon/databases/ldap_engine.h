// NAME    ldap_engine - a directory: how to connect to it and how to search it (private to this folder)
//
// DESCRIPTION
//     A search asks for terminal, leaf, ordinary and special attributes. Values of ordinary ones are results. Values of
//     special ones are names or LDAP URLs of further entries, which are searched in their turn. An entry that has a
//     terminal attribute gives the values of those alone; leaf attributes count only in an entry without special ones.
//
// LIMITS
//     recursion_limit levels, and a minute for the whole look-up.
#pragma once

#include <ldap.h>

#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/secret.h"
#include "libcommon/databases/engine.h"

namespace umaya::databases {

enum class Bind : unsigned char { none, simple, external };

/// Attributes in the order terminal, leaf, ordinary, special.
struct AttributeNames {
  std::vector<std::string> names;
  size_t terminal = 0;  ///< how many are of this kind
  size_t leaf = 0;
  size_t results = 0;  ///< terminal, leaf and ordinary ones together
  /// Which one a name in an answer means ("mail;lang-en" is a "mail"); names.size() for none.
  size_t index_of(std::string_view name) const;
};

struct LdapTls {
  bool start = false;
  bool ldaps = false;
  bool verify = false;
  std::string authorities_file, authorities_directory, certificate, key, ciphers, random_file;
};

class LdapEngine : public Engine {
 public:
  Result<std::unique_ptr<Connection>> connect(const Host& host) const override;
  Template base, filter;
  AttributeNames attributes;
  int scope = LDAP_SCOPE_SUBTREE;
  Bind bind = Bind::simple;
  std::string bind_name;
  Secret bind_password;
  int version = LDAP_VERSION3;
  int dereference = LDAP_DEREF_NEVER;
  bool chase_referrals = false;
  int timeout = 10;  ///< seconds
  int size_limit = 0;
  size_t recursion_limit = 1000;
  LdapTls tls;

 private:
  int set_options(LDAP* directory) const;
  int set_tls_options(LDAP* directory) const;
  int log_in(LDAP* directory) const;
};

struct CloseDirectory {
  void operator()(LDAP* directory) const { ldap_unbind_ext(directory, nullptr, nullptr); }
};
struct FreeMessage {
  void operator()(LDAPMessage* message) const { ldap_msgfree(message); }
};
using DirectoryPtr = std::unique_ptr<LDAP, CloseDirectory>;
using MessagePtr = std::unique_ptr<LDAPMessage, FreeMessage>;

/// Waits for the whole answer to a request; gives a result code, LDAP_TIMEOUT when the time is over.
int await_result(LDAP* directory, int request, int seconds, MessagePtr& result);

class LdapConnection : public Connection {
 public:
  LdapConnection(const LdapEngine& engine, DirectoryPtr directory);
  Attempt ask(const std::string& key) override;

 private:
  class Search;
  const LdapEngine& engine_;
  DirectoryPtr directory_;
};

}  // namespace umaya::databases
