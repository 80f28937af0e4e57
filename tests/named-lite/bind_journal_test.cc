#include "named-lite/server/bind_journal.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "libcommon/base/bytes.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::named;

namespace {

std::string journal_to(uint32_t serial) {
  std::string head = ";BIND LOG V9.2\n";
  head.push_back('\0');
  ByteWriter out(head);
  out.be32(7).be32(64).be32(serial).be32(300);
  head.resize(64, '\0');
  return head;
}

}  // namespace

TEST_CASE("bind journal: its head says to which serial it leads, and other files are none", "[named][zone]") {
  CHECK(end_of_bind_journal(journal_to(4000000000)) == 4000000000);
  CHECK(end_of_bind_journal(journal_to(9) + "more") == 9u);
  for (size_t size = 0; size < 64; ++size) CHECK_FALSE(end_of_bind_journal(journal_to(9).substr(0, size)));
  std::string other = journal_to(9);
  other[0] = '#';
  CHECK_FALSE(end_of_bind_journal(other));
}

TEST_CASE("bind journal: changes behind the file are found where BIND keeps them", "[named][zone]") {
  test::TempDirectory directory;
  auto write = [&](const char* name, uint32_t serial) {
    std::ofstream(directory.path() + "/" + name, std::ios::binary) << journal_to(serial);
  };
  NamedConf conf;
  conf.directory = directory.path();
  ZoneConf zone;
  CHECK_FALSE(unwritten_by_bind(conf, zone, 7));
  zone.file = "ex.test";
  CHECK_FALSE(unwritten_by_bind(conf, zone, 7));
  write("ex.test.jnl", 9);
  CHECK(unwritten_by_bind(conf, zone, 7) == 9u);
  CHECK_FALSE(unwritten_by_bind(conf, zone, 9));
  CHECK_FALSE(unwritten_by_bind(conf, zone, 10));
  zone.journal = "other";
  CHECK_FALSE(unwritten_by_bind(conf, zone, 7));
  write("other", 12);
  CHECK(unwritten_by_bind(conf, zone, 9) == 12u);
}
