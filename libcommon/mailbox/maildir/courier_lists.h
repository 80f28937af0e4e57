// NAME    courier_lists - the unique ids that Courier's POP3 server gave
//
// SYNOPSIS
//     for (const CourierId& known : parse_courier_sizes(text)) ids[known.base] = known.unique_id;
//
// DESCRIPTION
//     courierpop3dsizelist: "/<version> <next> <uid validity>", then "<file name> <size> <n>:<uid validity>[:<utf8>]"
//     for each message; its UIDL is UID<n>-<uid validity>, UID<n> when that is 0, and with n = 0 the base of the file
//     name, in which what is not plain text is written +XX. Courier's sizes are not taken: they may differ from what is
//     sent.
//
// OWNERSHIP
//     The bases borrow the text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace umaya::mailbox {

struct CourierId {
  std::string_view base{};
  std::string unique_id{};
};

/// Lines that are damaged are left out, all of them when the head is.
std::vector<CourierId> parse_courier_sizes(std::string_view text);

}  // namespace umaya::mailbox
