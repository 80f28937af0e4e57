// NAME    store - the identities that are in force, with their private keys
//
// SYNOPSIS
//     Store store;
//     store.load(files, sources);                               // at start
//     store.use(*reader);
//     co_await store.reload();                                  // main.cf may name other files now
//     IdentityAnswer answer = co_await store.identity(query);   // looks at the files again, every two seconds at most
//     EVP_PKEY* key = store.key(query.key);
//
// DESCRIPTION
//     New files take the place of the old ones only when they can be read and belong together; otherwise what was read
//     before stays in use, and the log has file and cure, once for each change of the files. A key that was replaced
//     still signs for kKeepKey, for handshakes that have shown its certificate already.
//
//     A reload does not end the store: processes before and behind the reload ask at the same time, each for the files
//     that its configuration names. Sets that are configured no more stay as they were last read for kKeepSet after the
//     last question. A set that nobody has heard of is looked for in the configuration as it is now.
//
// OWNERSHIP
//     The reader outlives the store's tasks. A key lives until the next task runs.
//
// LIMITS
//     kNames identities of server names; the one that was asked for longest ago is forgotten.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/task.h"
#include "libcommon/tls/identity/certificates.h"
#include "libcommon/tls/tlsmgr_protocol.h"
#include "tlsmgr/reader.h"

namespace umaya::tlsmgr {

class Store {
 public:
  static constexpr size_t kNames = 1024;
  static constexpr Duration kKeepKey = std::chrono::minutes(10);
  static constexpr Duration kKeepSet = std::chrono::hours(1);
  static constexpr Duration kLookAfter = std::chrono::seconds(2);
  static constexpr Duration kReloadAfter = std::chrono::seconds(1);  ///< from one unknown set to the next

  /// Takes a set into service; complaints and errors go to the log.
  void load(const tls::IdentityFiles& files, std::vector<tls::SourceFile> sources);
  /// lacks_self_signed: called when the configuration wants a self-signed certificate that is not there.
  void use(Reader& reader, std::function<void()> lacks_self_signed) {
    reader_ = &reader;
    lacks_self_signed_ = std::move(lacks_self_signed);
  }
  /// co_await: takes the files that are configured now into service. Trouble goes to the log and changes nothing.
  event::Task<void> reload();
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
    bool configured = true;  // false: since a reload no more
    TimePoint asked{};
  };
  // shared_ptr: whoever waits for its files goes on with a set that was dropped meanwhile.
  using SharedSet = std::shared_ptr<Set>;
  struct NamedKey {
    SharedKey key;
    TimePoint named{};
  };
  event::Task<tls::IdentityAnswer> of_files(tls::IdentityQuery query);
  event::Task<tls::IdentityAnswer> of_name(tls::IdentityQuery query);
  event::Task<SharedSet> find_set(std::string name);
  event::Task<void> read_configuration();
  event::Task<bool> look_again(Set* set);
  void renew(Identity& identity, Result<tls::PrivateIdentity> loaded, const std::string& title);
  tls::IdentityAnswer answer_with(Identity& identity, const std::string& known);
  void name_keys(const Identity& identity);
  void forget_keys(TimePoint now);

  Reader* reader_ = nullptr;
  std::function<void()> lacks_self_signed_;
  event::Semaphore reloading_{1};
  TimePoint reloaded_{};
  StringMap<SharedSet> sets_;
  struct Named {
    Identity identity;
    std::string text;
  };
  StringMap<std::unique_ptr<Named>> names_;
  StringMap<NamedKey> keys_;
  TimePoint next_forgetting_{};
};

}  // namespace umaya::tlsmgr
