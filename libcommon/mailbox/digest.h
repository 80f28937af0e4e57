// NAME    digest - a short name for a long text
#pragma once

#include <string>
#include <string_view>

namespace umaya::mailbox {

/// 32 hexadecimal digits that depend on every octet of the text and never change between versions. Not for secrets: a
/// clash can be made on purpose.
std::string short_digest(std::string_view text);

}  // namespace umaya::mailbox
