// NAME    store - the identities that are in force, with their private keys
//
// SYNOPSIS
//     Store store;
//     store.load(files, sources);                               // at start
//     store.use(*reader);
//     IdentityAnswer answer = co_await store.identity(query);   // looks at the files again, every two seconds at most
//     EVP_PKEY* key = store.key(query.key);
//
// DESCRIPTION
//     New files take the place of the old ones only when they can be read and belong together; otherwise what was read
//     before stays in use, and the log has file and cure, once for each change of the files. A key that was replaced
//     still signs for kKeepKey, for handshakes that have shown its certificate already.
//
// OWNERSHIP
//     The reader outlives the store's tasks. A key lives until the next task runs.
//
// LIMITS
//     kNames identities of server names; the one that was asked for longest ago is forgotten.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/event/task.h"
#include "libcommon/tls/identity/certificates.h"
#include "libcommon/tls/tlsmgr_protocol.h"
#include "tlsmgr/reader.h"

namespace umaya::tlsmgr {

class Store {
 public:
  static constexpr size_t kNames = 1024;
  static constexpr Duration kKeepKey = std::chrono::minutes(10);
  static constexpr Duration kLookAfter = std::chrono::seconds(2);

  /// Takes a set into service; complaints and errors go to the log.
  void load(const tls::IdentityFiles& files, std::vector<tls::SourceFile> sources);
  void use(Reader& reader) { reader_ = &reader; }
  event::Task<tls::IdentityAnswer> identity(tls::IdentityQuery query);
  /// nullptr: the key was not loaded at start, and nobody was given a certificate of it lately.
  evp_pkey_st* key(const std::string& name) const;
  size_t keys() const { return keys_.size(); }

 private:
  // shared_ptr: the identity that is in force, and those who were given it before, use the same key.
  using SharedKey = std::shared_ptr<evp_pkey_st>;
  struct Identity {
    std::string mark;
    std::vector<tls::Chain> chains;
    std::vector<SharedKey> keys;
    std::string trouble;  // why there is none, or why the newest files are not used
    TimePoint looked_at{};
  };
  struct Set {
    tls::IdentityFiles files;
    std::vector<tls::SourceFile> sources;
    Identity identity;
  };
  struct NamedKey {
    SharedKey key;
    TimePoint named{};
  };
  event::Task<tls::IdentityAnswer> of_files(tls::IdentityQuery query);
  event::Task<tls::IdentityAnswer> of_name(tls::IdentityQuery query);
  event::Task<bool> look_again(Set* set);
  void renew(Identity& identity, Result<tls::PrivateIdentity> loaded, const std::string& title);
  tls::IdentityAnswer answer_with(Identity& identity, const std::string& known);
  void name_keys(const Identity& identity);
  void forget_keys(TimePoint now);

  Reader* reader_ = nullptr;
  StringMap<std::unique_ptr<Set>> sets_;
  struct Named {
    Identity identity;
    std::string text;
  };
  StringMap<std::unique_ptr<Named>> names_;
  StringMap<NamedKey> keys_;
  TimePoint next_forgetting_{};
};

}  // namespace umaya::tlsmgr
