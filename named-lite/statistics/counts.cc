#include "named-lite/statistics/counts.h"

#include <iterator>

#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

using enum CountInfo::Section;

/// In the order of Count.
constexpr CountInfo kInfos[] = {
    {server, "Requestv4", "requests", "family=\"ipv4\"", "Requests by address family."},
    {server, "Requestv6", "requests", "family=\"ipv6\"", "Requests by address family."},
    {server, "QryUDP", "requests_by_transport", "transport=\"udp\"", "Requests by transport."},
    {server, "QryTCP", "requests_by_transport", "transport=\"tcp\"", "Requests by transport."},
    {server, "ReqEdns0", "requests_with", "what=\"edns\"", "Requests that have something special."},
    {server, "ReqDO", "requests_with", "what=\"dnssec_ok\"", "Requests that have something special."},
    {server, "CookieIn", "requests_with", "what=\"cookie\"", "Requests that have something special."},
    {server, "ReqTSIG", "requests_with", "what=\"signature\"", "Requests that have something special."},
    {server, "ReqBadEDNSVer", "bad_edns_version", "", "Requests with an unknown version of EDNS."},
    {server, "ReqBadSIG", "bad_signatures", "", "Requests whose signature is wrong."},
    {server, "Response", "responses_sent", "", "Answers."},
    {server, "TruncatedResp", "truncated_responses", "", "Answers that did not fit."},
    {server, "QryAuthAns", "query_authority", "authoritative=\"yes\"", "Queries answered with and without authority."},
    {server, "QryNoauthAns", "query_authority", "authoritative=\"no\"", "Queries answered with and without authority."},
    {server, "QrySuccess", "query_results", "result=\"success\"", "Queries by the kind of their answer."},
    {server, "QryReferral", "query_results", "result=\"referral\"", "Queries by the kind of their answer."},
    {server, "QryNxrrset", "query_results", "result=\"nodata\"", "Queries by the kind of their answer."},
    {server, "QryNXDOMAIN", "query_results", "result=\"nxdomain\"", "Queries by the kind of their answer."},
    {server, "QrySERVFAIL", "query_results", "result=\"servfail\"", "Queries by the kind of their answer."},
    {server, "QryFORMERR", "query_results", "result=\"formerr\"", "Queries by the kind of their answer."},
    {server, "QryRecursion", "recursive_queries", "", "Queries that other servers were asked for."},
    {server, "QryDropped", "dropped_requests", "", "Packets that got no answer."},
    {server, "AuthQryRej", "refused", "what=\"query\"", "Requests that were refused."},
    {server, "RecQryRej", "refused", "what=\"recursion\"", "Requests that were refused."},
    {server, "XfrRej", "refused", "what=\"transfer\"", "Requests that were refused."},
    {server, "UpdateRej", "refused", "what=\"update\"", "Requests that were refused."},
    {server, "RateDropped", "rate_limited", "action=\"dropped\"", "Answers held back by rate-limit."},
    {server, "RateSlipped", "rate_limited", "action=\"slipped\"", "Answers held back by rate-limit."},
    {server, "CookieNew", "cookies", "result=\"new\"",
     "Cookies of clients: without one of ours, with, with a wrong one."},
    {server, "CookieMatch", "cookies", "result=\"good\"",
     "Cookies of clients: without one of ours, with, with a wrong one."},
    {server, "CookieNoMatch", "cookies", "result=\"bad\"",
     "Cookies of clients: without one of ours, with, with a wrong one."},
    {server, "TCPConn", "tcp_connections", "", "TCP connections that were accepted."},
    {server, "TCPConnNow", "tcp_clients", "", "TCP connections that are open.", true},
    {server, "XfrReqDone", "transfers_out", "", "Transfers to other servers, whole and incremental."},
    {server, "XfrReqIxfr", "transfers_out_incremental", "", "Incremental transfers to other servers."},
    {server, "XfrReqFail", "transfers_out_failed", "", "Transfers to other servers that broke off."},
    {zone, "XfrSuccess", "transfers_in", "", "Transfers from primaries."},
    {zone, "XfrFail", "transfers_failed", "", "Transfers from primaries that failed."},
    {zone, "NotifyIn", "notifies_received", "", "NOTIFY that were believed."},
    {zone, "NotifyOut", "notifies_sent", "", "NOTIFY that were sent."},
    {server, "UpdateDone", "updates", "result=\"done\"", "Dynamic updates."},
    {server, "UpdateFail", "updates", "result=\"failed\"", "Dynamic updates."},
    {server, "UpdateBadPrereq", "updates", "result=\"prerequisite\"", "Dynamic updates."},
    {cache, "CacheHits", "cache_hits", "", "Questions that the cache answered."},
    {cache, "CacheMisses", "cache_misses", "", "Questions that the cache could not answer."},
    {cache, "DeleteLRU", "cache_evictions", "", "Entries that gave way to others."},
    {cache, "CacheNodes", "cache_entries", "", "Entries in the cache.", true},
    {cache, "TreeMemInUse", "cache_bytes", "", "Memory of the cache.", true},
    {resolver, "Queryv4", "upstream_queries", "family=\"ipv4\"", "Queries to other servers."},
    {resolver, "Queryv6", "upstream_queries", "family=\"ipv6\"", "Queries to other servers."},
    {resolver, "QueryTCP", "upstream_tcp_queries", "", "Queries to other servers over TCP."},
    {resolver, "Retry", "upstream_retries", "", "Queries to other servers that were sent again."},
    {resolver, "QueryTimeout", "upstream_timeouts", "", "Queries that other servers did not answer in time."},
    {resolver, "Unreachable", "upstream_unreachable", "", "Queries to servers that nothing leads to."},
    {resolver, "NXDOMAIN", "upstream_errors", "rcode=\"NXDOMAIN\"", "Answers of other servers with errors."},
    {resolver, "SERVFAIL", "upstream_errors", "rcode=\"SERVFAIL\"", "Answers of other servers with errors."},
    {resolver, "FORMERR", "upstream_errors", "rcode=\"FORMERR\"", "Answers of other servers with errors."},
    {resolver, "OtherError", "upstream_errors", "rcode=\"other\"", "Answers of other servers with errors."},
    {resolver, "EDNS0Fail", "upstream_edns_failures", "", "Queries of which EDNS was taken away."},
    {resolver, "Lame", "upstream_lame", "", "Servers that do not know the zone that they are asked for."},
    {resolver, "Mismatch", "upstream_mismatches", "", "Answers that fit no question."},
    {resolver, "Merged", "upstream_merged", "", "Questions that waited for the answer to an equal one."},
    {resolver, "Prefetch", "prefetches", "", "Records that were fetched again shortly before their end."},
    {resolver, "QueryQuota", "limits_reached", "", "Questions given up because of a limit on work."},
};
static_assert(std::size(kInfos) == kCounts);

constexpr std::string_view kOpcodes[] = {"QUERY", "IQUERY", "STATUS", "", "NOTIFY", "UPDATE"};
constexpr std::string_view kRcodes[] = {"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",   "REFUSED",
                                        "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE",  "",
                                        "",         "",        "",         "",         "BADVERS",  "BADKEY",
                                        "BADTIME",  "BADMODE", "BADNAME",  "BADALG",   "BADTRUNC", "BADCOOKIE"};
static_assert(std::size(kRcodes) == StatisticsSum::kRcodes);

std::string named_or_reserved(std::string_view name, size_t number) {
  return name.empty() ? "RESERVED" + std::to_string(number) : std::string(name);
}

}  // namespace

std::span<const CountInfo> count_infos() {
  return kInfos;
}

const CountInfo& count_info(Count count) {
  return kInfos[static_cast<size_t>(count)];
}

std::string type_slot_text(size_t slot) {
  return slot + 1 == StatisticsSum::kTypes ? "others" : type_text(static_cast<uint16_t>(slot));
}

std::string opcode_text(size_t opcode) {
  return named_or_reserved(opcode < std::size(kOpcodes) ? kOpcodes[opcode] : "", opcode);
}

std::string rcode_text(size_t rcode) {
  return named_or_reserved(rcode < std::size(kRcodes) ? kRcodes[rcode] : "", rcode);
}

}  // namespace umaya::named
