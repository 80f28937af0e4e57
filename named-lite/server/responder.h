// NAME    responder - a client's packet to its answer, in the process that has the keys
//
// DESCRIPTION
//     The zone process answers here what the query processes hand on (questions.h). Finds the view of the client,
//     checks what it may ask, and answers; a question that is signed (RFC 8945) is checked first and its answer signed.
//     A question for a zone or for what is new in it gives a TransferOrder, which the connection carries out; one that
//     only other name servers can answer gives a RecursiveOrder (late_answers.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "named-lite/answer/answer.h"
#include "named-lite/answer/edns.h"
#include "named-lite/query/found_answer.h"
#include "named-lite/query/query_log.h"
#include "named-lite/server/snapshot.h"
#include "named-lite/server/transfer_out.h"
#include "named-lite/statistics/page.h"

namespace umaya::named {

struct Counters {
  uint64_t udp = 0;
  uint64_t tcp = 0;
  uint64_t dropped = 0;  ///< packets that get no answer
  uint64_t signature_errors = 0;
  uint64_t transfers = 0;
  uint64_t notifies = 0;  ///< of primaries
};

/// A question that other name servers have to be asked, of a client that may have their answer.
struct RecursiveOrder {
  SnapshotPtr snapshot;  ///< owns the key of the signer
  RecursivePlace place;
  net::IpAddress client;
  net::IpAddress local;  ///< that was asked
  std::string options;   ///< EDNS options of the answer
  std::optional<TsigSigner> signer;
};

class UpdateService;

class Responder {
 public:
  explicit Responder(std::shared_ptr<Snapshot> snapshot) : snapshot_(std::move(snapshot)) {}
  /// Puts a new snapshot into service; questions from now on are answered from it.
  void replace(std::shared_ptr<Snapshot> snapshot);
  /// Answers cookies with this secret when the configuration names none.
  void make_cookies(const CookieSecret& secret) { secret_ = secret; }
  SnapshotPtr snapshot() const { return snapshot_; }
  /// Serves this image for the zone (wire form, lower case) of a view, here and in the query processes; null: there are
  /// no data any more.
  void serve(std::string_view view, std::string_view zone, ImagePtr image);
  /// Is told of each serve(): number of the view, zone, image.
  using Served = std::function<void(size_t, std::string_view, const ImagePtr&)>;
  void on_serve(Served served) { served_ = std::move(served); }
  /// The same data lie in another place from now on.
  void moved(size_t view, std::string_view zone, ImagePtr image);
  /// The answer in out; its size, 0 when none may be given. local: the address that was asked. later: takes what only
  /// other name servers can answer; null: nobody asks them, and no client may recurse.
  size_t respond(std::string_view packet, const sockaddr* client, Transport transport, std::span<char> out,
                 const net::IpAddress& local = {}, std::optional<RecursiveOrder>* later = nullptr);
  /// Counts and notes the answer to such a question.
  void conclude(const Query& query, const RecursiveOrder& order, std::string_view answer);
  /// The transfer that a packet asks for, when the client may have it; respond() answers all else. Over UDP an IXFR
  /// only. local: the address that was asked.
  std::optional<TransferOrder> transfer(std::string_view packet, const sockaddr* client, Transport transport,
                                        const net::IpAddress& local = {});
  /// Counts one that has begun.
  void count_transfer(const TransferOrder& order);
  void count_incremental();
  const Counters& counters() const { return counters_; }
  /// Counts there, too, from now on; page outlives this.
  void count_in(PageNumbers& page) { page_ = &page; }
  /// Null: nothing is counted.
  PageNumbers* page() const { return page_; }
  void add(Count what) const {
    if (page_ != nullptr) page_->add(what);
  }
  /// Tells it of each question from now on; nullptr: nobody. It outlives this.
  void tell(QueryLog* log) { log_ = log; }
  /// Counts a packet that somebody else answers.
  void count(Transport transport) { ++(transport == Transport::udp ? counters_.udp : counters_.tcp); }
  /// Is told of each NOTIFY that may be believed: view and zone (wire form, lower case), and the serial when it tells
  /// one. False: no such secondary zone.
  using Notified = std::function<bool(const std::string&, std::string_view, std::optional<uint32_t>)>;
  void on_notify(Notified notified) { notified_ = std::move(notified); }
  /// Tells the seconds that a zone of a view may still be served, when its primaries are others (RFC 7314).
  using Expires = std::function<std::optional<uint32_t>(const std::string&, std::string_view)>;
  void on_expire(Expires expires) { expires_ = std::move(expires); }
  /// Who takes UPDATE; null: nobody, NOTIMP. It must outlive those who ask for it.
  void set_updates(UpdateService* updates) { updates_ = updates; }
  UpdateService* updates() const { return updates_; }

 private:
  void note(const Query& query, std::string_view packet, const sockaddr* client, const net::IpAddress& local,
            const AnswerContext& context, std::string_view reply) const;
  size_t respond_notify(const Query& query, std::string_view packet, const Requester& client, AnswerContext& context,
                        std::span<char> out);
  size_t respond_signed(const Query& query, std::string_view packet, Requester client, AnswerContext& context,
                        std::span<char> out);
  size_t respond_from(const Requester& client, const Query& query, std::string_view packet, AnswerContext& context,
                      std::span<char> out);
  size_t respond_to(const Requester& client, const Query& query, std::string_view packet, AnswerContext& context,
                    std::span<char> out);
  size_t answer_question(const ServedView* view, const Query& query, std::string_view packet, AnswerContext& context,
                         std::span<char> out) const;
  size_t answer_or_order(const ServedView& view, const Requester& client, const Query& query, std::string_view packet,
                         AnswerContext& context, std::span<char> out);
  std::string expire_of(const ServedView& view, const Query& query) const;
  std::optional<Requester> requester_of(const Query& query, std::string_view packet, const sockaddr* client,
                                        const net::IpAddress& local, std::optional<TsigSigner>& signer) const;

  std::shared_ptr<Snapshot> snapshot_;
  std::optional<CookieSecret> secret_;
  std::optional<Cookies> cookies_;  // these two: of the snapshot
  EdnsSettings edns_;
  EdnsOptions options_;  // these three: of the question that is being answered
  CookieState cookie_ = CookieState::none;
  std::optional<RecursiveOrder>* later_ = nullptr;
  Counters counters_;
  PageNumbers* page_ = nullptr;
  QueryLog* log_ = nullptr;
  Notified notified_;
  Served served_;
  Expires expires_;
  UpdateService* updates_ = nullptr;
};

}  // namespace umaya::named
