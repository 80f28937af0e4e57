#include "submission/address_test.h"

#include <sysexits.h>

#include "submission/sendmail.h"

namespace umaya::submission {

int address_test(const config::Config&) {
  return fail(EX_UNAVAILABLE, "-bt is not built yet");
}

}  // namespace umaya::submission
