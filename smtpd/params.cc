#include "smtpd/params.h"

namespace umaya::smtpd {

Result<> set_bare_newline(Params& params, const std::string& value) {
  if (iequals(value, "normalize") || iequals(value, "yes")) {
    params.bare_newline = BareNewline::normalize;
  } else if (iequals(value, "reject")) {
    params.bare_newline = BareNewline::reject;
  } else if (iequals(value, "note")) {
    params.bare_newline = BareNewline::note;
  } else if (iequals(value, "no")) {
    params.bare_newline = BareNewline::no;
  } else {
    return permanent("use one of normalize, note, reject, yes, no");
  }
  return {};
}

}  // namespace umaya::smtpd
