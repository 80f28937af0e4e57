// NAME    checksum - the checksum of queue files: CRC-32C
#pragma once

#include "libcommon/base/checksum.h"

namespace umaya::queue {

using umaya::crc32c;

}  // namespace umaya::queue
