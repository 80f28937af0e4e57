// NAME    master_requests - what root's processes, and ours, may ask: the data of users
//
// DESCRIPTION
//     Dovecot's master protocol, on the same socket; who asks is known from the socket (SO_PEERCRED).
//         REQUEST id client-pid client-request cookie  ->  USER id name uid=… gid=… home=… mail=… …
//             a log-in that was made without "nologin", once, within a minute
//         USER id name [service=…]                     ->  USER as above, or NOTFOUND id
//         PASS id name [service=…]                     ->  PASS id user=name password={SCHEME}data, or NOTFOUND id;
//             for root alone, or whose instance this is
//         LIST id                                      ->  LIST id name …, then DONE id
//         SEAL id                                      ->  SEAL id key
//             our own: the key, in hexadecimal digits, of what AUTH with umaya_seal is answered
//     Trouble is FAIL id reason=….
#pragma once

#include <string>

#include "authd/session.h"

namespace umaya::authd {

bool is_master_request(const auth::AuthLine& line);
/// The answer, one or more lines with their ends.
event::Task<std::string> answer_master(const auth::AuthLine* line, Shared* shared, Trust trust);

}  // namespace umaya::authd
