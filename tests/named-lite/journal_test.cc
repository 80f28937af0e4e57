#include "named-lite/update/journal.h"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "named-lite/update/batch.h"
#include "named-lite/update/journal_pages.h"
#include "named-lite/update/replay.h"
#include "named-lite/zone/change_image.h"
#include "tests/named-lite/update_support.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

const ZoneId kId{"_default", std::string(name("ex.test.").wire())};

std::string zone_text(uint32_t serial, const std::string& more = "") {
  return "$TTL 60\n@ SOA ns1 root " + std::to_string(serial) + " 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n" + more;
}

/// A step that adds one record.
ZoneChange step(uint32_t from, uint32_t to) {
  ZoneChange change{from, to, {}, {}};
  change.removed.push_back(record("@ SOA ns1 root " + std::to_string(from) + " 2 3 4 5"));
  change.added.push_back(record("@ SOA ns1 root " + std::to_string(to) + " 2 3 4 5"));
  change.added.push_back(record("n" + std::to_string(to) + " TXT \"" + std::string(100, 'x') + "\""));
  return change;
}

std::unique_ptr<Journal> open_in(const test::TempDirectory& directory) {
  auto journal = Journal::open(directory / "j");
  if (!journal) FAIL(journal.error().what);
  return std::move(*journal);
}

std::vector<ZoneChange> steps_since(Journal& journal, uint32_t serial, uint64_t most = UINT64_MAX) {
  auto steps = journal.since(kId, serial, most);
  REQUIRE(steps);
  REQUIRE(*steps);
  return **steps;
}

Result<Replayed> replay(Journal& journal, uint32_t serial, const std::string& more = "",
                        FileRule rule = FileRule::journal_counts) {
  return replay_journal(journal, kId, image_of(zone_text(serial, more)), rule);
}

}  // namespace

TEST_CASE("journal entry: what is written is read, and nothing else", "[named][update]") {
  ZoneChange change = step(7, 8);
  std::string octets = encode_step(change);
  auto read = decode_step(octets);
  REQUIRE(read);
  CHECK(*read == change);
  for (size_t size = 0; size < octets.size(); ++size) CHECK_FALSE(decode_step(octets.substr(0, size)));
  for (size_t at = 0; at < octets.size(); ++at) {
    std::string wrong = octets;
    wrong[at] = static_cast<char>(wrong[at] ^ 1);
    CHECK_FALSE(decode_step(wrong));
  }
  JournalState state{3, 9, 5, 100, 200, 150, 4711};
  std::string text = encode_state(state);
  CHECK(*decode_state(text) == state);
  for (size_t at = 0; at < text.size(); ++at) {
    std::string wrong = text;
    wrong[at] = static_cast<char>(wrong[at] ^ 1);
    CHECK_FALSE(decode_state(wrong));
  }
}

TEST_CASE("journal: steps follow one another and are found by their serial", "[named][update]") {
  test::TempDirectory directory;
  auto journal = open_in(directory);
  CHECK_FALSE(*journal->state(kId));
  REQUIRE(journal->append(kId, std::vector{step(7, 8), step(8, 9)}, UINT64_MAX));
  REQUIRE(journal->append(kId, std::vector{step(9, 12)}, UINT64_MAX));
  auto state = journal->state(kId);
  REQUIRE(*state);
  CHECK((*state)->first_serial == 7);
  CHECK((*state)->last_serial == 12);
  CHECK((*state)->file_serial == 7);
  CHECK(steps_since(*journal, 7).size() == 3);
  CHECK(steps_since(*journal, 8)[0] == step(8, 9));
  CHECK(steps_since(*journal, 12).empty());
  CHECK_FALSE(*journal->since(kId, 10, UINT64_MAX));
  CHECK_FALSE(*journal->since(kId, 7, 200));  // larger than was asked for
  CHECK(journal->append(kId, std::vector{step(9, 13)}, UINT64_MAX).error().what ==
        "the journal ends at serial 12, the change begins at 9");
  // What does not follow takes the whole append with it.
  CHECK_FALSE(journal->append(kId, std::vector{step(12, 13), step(14, 15)}, UINT64_MAX));
  CHECK((*journal->state(kId))->last_serial == 12);
  CHECK_FALSE(*journal->state({"other", kId.zone}));
}

TEST_CASE("journal: serials wrap", "[named][update]") {
  test::TempDirectory directory;
  auto journal = open_in(directory);
  REQUIRE(journal->append(kId, std::vector{step(UINT32_MAX, 1), step(1, 2)}, UINT64_MAX));
  CHECK(steps_since(*journal, UINT32_MAX).size() == 2);
  CHECK(steps_since(*journal, 1).size() == 1);
}

TEST_CASE("journal: it forgets only what the zone file has", "[named][update]") {
  test::TempDirectory directory;
  auto journal = open_in(directory);
  for (uint32_t serial = 7; serial < 17; ++serial) {
    REQUIRE(journal->append(kId, std::vector{step(serial, serial + 1)}, 600));
  }
  CHECK(steps_since(*journal, 7).size() == 10);
  REQUIRE(journal->file_written(kId, 15));
  REQUIRE(journal->append(kId, std::vector{step(17, 18)}, 900));
  auto state = *journal->state(kId);
  CHECK(state->octets <= 900);
  CHECK(state->first_serial == 15);
  CHECK_FALSE(*journal->since(kId, 14, UINT64_MAX));
  CHECK(steps_since(*journal, 15).size() == 3);
  CHECK_FALSE(journal->file_written(kId, 14));
  REQUIRE(journal->clear(kId));
  CHECK_FALSE(*journal->state(kId));
  REQUIRE(journal->append(kId, std::vector{step(30, 31)}, 600));
  CHECK(steps_since(*journal, 30).size() == 1);
}

TEST_CASE("journal: a process that was killed and still ends a write is waited for", "[named][update]") {
  test::TempDirectory directory;
  auto journal = open_in(directory);
  std::thread ending([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    journal.reset();
  });
  CHECK(Journal::open(directory / "j"));
  ending.join();
}

TEST_CASE("journal: a second process cannot open it", "[named][update]") {
  test::TempDirectory directory;
  auto journal = open_in(directory);
  auto second = Journal::open(directory / "j", std::chrono::milliseconds(50));
  CHECK(second.error().what.ends_with("another process has it open"));
  journal.reset();
  CHECK(Journal::open(directory / "j"));
}

TEST_CASE("replay: file and journal together are the zone", "[named][update]") {
  test::TempDirectory directory;
  auto journal = open_in(directory);
  CHECK((*replay(*journal, 7)).image->header().serial == 7);
  REQUIRE(journal->append(kId, std::vector{step(7, 8), step(8, 9), step(9, 10)}, UINT64_MAX));
  CHECK((*replay(*journal, 7)).image->header().serial == 10);
  CHECK(find_node(*(*replay(*journal, 7)).image, name("n8.ex.test.").wire()) != nullptr);
  // The file was written at 9, and the process died before the journal knew.
  std::string n8 = "n8 TXT \"" + std::string(100, 'x') + "\"\n";
  std::string n9 = "n9 TXT \"" + std::string(100, 'x') + "\"\n";
  auto replayed = replay(*journal, 9, n8 + n9);
  REQUIRE(replayed);
  CHECK(replayed->image->header().serial == 10);
  CHECK((*journal->state(kId))->file_serial == 9);
  // Somebody edited the file.
  CHECK(replay(*journal, 20).error().what.starts_with("the file has serial 20, the journal goes from 7 to 10"));
  CHECK(replay(*journal, 6).error().what.starts_with("the file has serial 6, the journal goes from 7 to 10"));
  CHECK(replay(*journal, 9, "n10 A 192.0.2.1\n").has_value());
  auto conflict = replay(*journal, 8, n9);
  REQUIRE_FALSE(conflict);
  CHECK(conflict.error().what.ends_with("n9.ex.test. TXT is to be added, and is there already"));
  // Where the file counts, the journal begins anew.
  auto given_up = replay(*journal, 20, "", FileRule::file_counts);
  REQUIRE(given_up);
  CHECK(given_up->image->header().serial == 20);
  CHECK_FALSE(*journal->state(kId));
}

TEST_CASE("replay: a file that was edited when it had everything is taken", "[named][update]") {
  test::TempDirectory directory;
  auto journal = open_in(directory);
  REQUIRE(journal->append(kId, std::vector{step(7, 8)}, UINT64_MAX));
  REQUIRE(journal->file_written(kId, 8));
  auto replayed = replay_journal(*journal, kId, image_of(zone_text(9)), FileRule::journal_counts);
  REQUIRE(replayed);
  CHECK(replayed->image->header().serial == 9);
  CHECK_FALSE(*journal->state(kId));
}

TEST_CASE("batch: updates that wait together are steps of their own behind one flush", "[named][update]") {
  test::TempDirectory directory;
  auto journal = open_in(directory);
  ImagePtr image = image_of(zone_text(7));
  UpdateRules rules;
  rules.access.allow_update = std::make_shared<const Acl>(acl_of_any());
  std::vector<UpdateMessage> messages(3);
  REQUIRE(parse_update(update_packet({}, {with_data("a A 192.0.2.1")}), messages[0]) == 0);
  REQUIRE(parse_update(
              update_packet({without_data("a.ex.test.", type::kAny, rr_class::kNone)}, {with_data("b A 192.0.2.2")}),
              messages[1]) == 0);
  REQUIRE(parse_update(
              update_packet({without_data("a.ex.test.", type::kAny, rr_class::kAny)}, {with_data("c A 192.0.2.3")}),
              messages[2]) == 0);
  UpdateRequester client{{*net::IpAddress::parse("192.0.2.9"), nullptr}, false};
  std::vector<BatchItem> items;
  for (const UpdateMessage& message : messages) items.push_back({&message, client});
  BatchResult result = run_batch(image, items, rules, *journal, kId, UINT64_MAX, 0);
  CHECK(result.error.empty());
  CHECK(result.answers[0].serial == 8);
  CHECK(result.answers[1].rcode == rcode::kYxDomain);
  CHECK(result.answers[2].serial == 9);
  CHECK(result.answers[2].removed == 1);
  REQUIRE(result.image);
  CHECK(result.image->header().serial == 9);
  CHECK(steps_since(*journal, 7).size() == 2);
  auto replayed = replay_journal(*journal, kId, image_of(zone_text(7)), FileRule::journal_counts);
  REQUIRE(replayed);
  CHECK(lines_of(*replayed->image) == lines_of(*result.image));
  // A journal that does not take the change: nobody is told that it happened.
  REQUIRE(journal->append(kId, std::vector{step(9, 10)}, UINT64_MAX));
  UpdateMessage more;
  REQUIRE(parse_update(update_packet({}, {with_data("d A 192.0.2.4")}), more) == 0);
  BatchResult failed =
      run_batch(result.image, {{&messages[0], client}, {&more, client}}, rules, *journal, kId, UINT64_MAX, 0);
  CHECK_FALSE(failed.image);
  CHECK(failed.answers[0].rcode == rcode::kNoError);  // it was there already
  CHECK(failed.answers[1].rcode == rcode::kServFail);
}

TEST_CASE("journal: D33 what was written before kill -9 is there, whole steps only", "[named][update]") {
  test::TempDirectory directory;
  int pipe_fds[2];
  REQUIRE(pipe(pipe_fds) == 0);
  pid_t child = fork();
  if (child == 0) {
    auto journal = Journal::open(directory / "j");
    for (uint32_t serial = 7; journal; ++serial) {
      if (!(*journal)->append(kId, std::vector{step(serial, serial + 1)}, UINT64_MAX)) _exit(1);
      uint32_t acknowledged = serial + 1;
      if (write(pipe_fds[1], &acknowledged, sizeof acknowledged) < 0) _exit(1);
    }
    _exit(1);
  }
  close(pipe_fds[1]);
  uint32_t acknowledged = 0;
  while (acknowledged < 50) REQUIRE(read(pipe_fds[0], &acknowledged, sizeof acknowledged) > 0);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  while (read(pipe_fds[0], &acknowledged, sizeof acknowledged) > 0) continue;
  close(pipe_fds[0]);
  auto journal = open_in(directory);
  auto state = *journal->state(kId);
  REQUIRE(state);
  CHECK(state->last_serial >= acknowledged);
  CHECK(state->last_serial <= acknowledged + 1);
  CHECK(steps_since(*journal, 7).size() == state->last_serial - 7);
}

namespace {

/// A journal of some steps, large ones among them, as a file; and its octets.
struct JournalFile {
  test::TempDirectory directory;
  std::string path = directory / "j";

  explicit JournalFile(size_t steps = 200) {
    auto journal = open_in(directory);
    for (uint32_t i = 0; i < steps; ++i) {
      ZoneChange each = step(i + 1, i + 2);
      for (int n = 0; i % 20 == 0 && n < 100; ++n) {
        each.added.push_back(record("more" + std::to_string(n) + " TXT \"" + std::string(200, 'y') + "\""));
      }
      REQUIRE(journal->append(kId, {&each, 1}, UINT64_MAX));
    }
  }
  std::string octets() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// As if it had been written before the host was started.
  void write(std::string_view text) const {
    std::ofstream(path, std::ios::binary) << text;
    std::filesystem::last_write_time(path,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 3650));
  }
  size_t put_aside() const {
    size_t count = 0;
    for (const auto& each : std::filesystem::directory_iterator(std::filesystem::path(path).parent_path())) {
      count += each.path().filename().string().starts_with("j.damaged-") ? 1 : 0;
    }
    return count;
  }
};

}  // namespace

TEST_CASE("journal: a file with all its pages is taken, also one that ends before a page that nothing leads to",
          "[named][update]") {
  JournalFile file;
  const std::string whole = file.octets();
  CHECK(page_damage(whole).empty());
  file.write(whole);
  auto journal = open_in(file.directory);
  CHECK(journal->damage().empty());
  CHECK(steps_since(*journal, 1).size() == 200);
}

TEST_CASE("journal: a file that was cut or has holes is put aside, and a new one is begun", "[named][update]") {
  constexpr size_t kPage = 4096;
  JournalFile file;
  const std::string whole = file.octets();
  size_t cut_found = 0, holes_found = 0;
  for (size_t at = kPage; at < whole.size(); at += kPage) {
    if (!page_damage(whole.substr(0, at)).empty()) ++cut_found;
    std::string holed = whole;
    std::fill_n(holed.begin() + static_cast<ptrdiff_t>(at), kPage, '\0');
    if (!page_damage(holed).empty()) ++holes_found;
  }
  size_t pages = whole.size() / kPage;
  CHECK(cut_found + 10 > pages);   // pages that are free at the end need not be there
  CHECK(holes_found * 4 > pages);  // of pages apart the first one alone has a number
  file.write(whole.substr(0, whole.size() / 2));
  auto journal = open_in(file.directory);
  CHECK(journal->damage().find("is not there") != std::string::npos);
  CHECK_FALSE(*journal->state(kId));
  CHECK(file.put_aside() == 1);
  ZoneChange next = step(7, 8);
  CHECK(journal->append(kId, {&next, 1}, UINT64_MAX));
  journal.reset();
  CHECK(open_in(file.directory)->damage().empty());
}

TEST_CASE("journal: a file that is too short is found whenever it was written, and so is one that is none",
          "[named][update]") {
  JournalFile file;
  const std::string whole = file.octets();
  std::filesystem::resize_file(file.path, whole.size() / 2);
  CHECK_FALSE(open_in(file.directory)->damage().empty());
  file.write(std::string(100'000, 'x'));
  CHECK_FALSE(open_in(file.directory)->damage().empty());
  file.write("short");
  CHECK_FALSE(open_in(file.directory)->damage().empty());
}

TEST_CASE("journal pages: any octets changed anywhere are read within the file", "[named][update]") {
  JournalFile file(30);
  const std::string whole = file.octets();
  for (size_t at = 0; at < whole.size(); at += at < 8192 ? 1 : 13) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x5A);
    (void)page_damage(changed);
  }
  for (size_t size = 1; size < 9000; size += 7) CHECK_FALSE(page_damage(whole.substr(0, size)).empty());
}
