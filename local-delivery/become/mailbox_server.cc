#include "local-delivery/become/mailbox_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/mailbox/delivery_file.h"
#include "libcommon/mailbox/mbox_delivery.h"
#include "local-delivery/become/mailbox_room.h"

namespace umaya::local_delivery {

using namespace services::become;
using mailbox::Missing;

namespace {

constexpr size_t kMaildirsKept = 16;

void put(Delivered& answer, const Result<>& result, const Mailbox& where) {
  answer.outcome = result                          ? Outcome::delivered
                   : result.error().is_permanent() ? Outcome::permanent
                                                   : Outcome::temporary;
  if (result) return;
  answer.dsn = result.error().dsn.empty() ? "4.2.0" : result.error().dsn;
  answer.text = result.error().what;
  if (!where.quota_bounces || answer.dsn != "4.2.2") return;
  answer.outcome = Outcome::permanent;
  answer.dsn = "5.2.2";
}

Result<std::string> read_all(int fd, size_t limit) {
  std::string text;
  char block[16 * 1024];
  while (true) {
    ssize_t n = ::read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return mailbox::delivery_error("read");
    if (n == 0) return text;
    if (text.size() + static_cast<size_t>(n) > limit) return temporary("the file is too large", "4.2.0");
    text.append(block, static_cast<size_t>(n));
  }
}

std::string bad_forward(const struct stat& file, const struct stat& home) {
  if (file.st_uid != 0 && file.st_uid != ::geteuid()) return "is not owned by the user";
  if (file.st_mode & S_IWOTH) return "is writable by everybody";
  if (home.st_mode & S_IWOTH) return "is in a home directory that is writable by everybody";
  return "";
}

// Opens a .forward file: beneath the home when it lies there, by its directory when the administrator put it elsewhere.
Result<mailbox::Opened> open_forward(int home, const std::string& home_path, const std::string& path) {
  if (path.starts_with(home_path + "/")) return mailbox::open_regular_beneath(home, path.substr(home_path.size() + 1));
  auto [folder, name] = mailbox::split_path(path);
  UMAYA_TRY(Fd directory, mailbox::open_base(folder));
  return mailbox::open_file_in(directory.get(), name, O_RDONLY, Missing::fail);
}

enum class Found : unsigned char { no, yes };

Result<Found> find_forward(const Deliver& request, Delivered& answer) {
  UMAYA_TRY(Fd home, mailbox::open_base(request.home));
  struct stat home_status {};
  if (::fstat(home.get(), &home_status) < 0) return mailbox::delivery_error("fstat of the home directory");
  for (const std::string& path : request.forward) {
    auto file = open_forward(home.get(), request.home, path);
    if (!file) {
      int err = file.error().sys_errno;
      if (err == ENOENT || err == ENOTDIR || err == ENAMETOOLONG) continue;
      if (err != 0 && err != ELOOP && err != EXDEV && err != ENXIO) {
        return temporary("cannot read " + path + ": " + file.error().what, "4.2.0");
      }
      answer.warning = "file " + path + " is passed over: " + file.error().what;
      continue;
    }
    if (std::string why = bad_forward(file->status, home_status); !why.empty()) {
      answer.warning = "file " + path + " is passed over: it " + why;
      continue;
    }
    UMAYA_TRY(answer.forward_text, read_all(file->fd.get(), kFileLimit));
    answer.forward_file = path;
    answer.outcome = Outcome::forward;
    return Found::yes;
  }
  return Found::no;
}

mailbox::MailboxMessage message_of(const DeliverJob& job) {
  const Deliver& r = job.request;
  const bool safe =
      std::ranges::all_of(r.key, [](char c) { return ascii_alnum(c) || c == '.' || c == '_'; }) && r.key.size() < 128;
  return {{job.message.get(), r.content_offset, r.content_size},
          r.head,
          r.mailbox.size_limit,
          safe ? r.key : "",
          limits_of(r.mailbox)};
}

mailbox::MboxRules rules_of(const Mailbox& where) {
  mailbox::MboxRules rules;
  if (where.strict_owner) rules.owner = ::geteuid();
  rules.locks.clear();
  for (uint8_t lock : where.locks) rules.locks.push_back(static_cast<mailbox::MboxLock>(lock));
  rules.dotlock = where.need_dotlock ? mailbox::DotlockNeed::required : mailbox::DotlockNeed::if_possible;
  rules.lock_attempts = where.lock_attempts;
  rules.lock_delay = std::chrono::microseconds(where.lock_delay_usec);
  rules.stale_lock_time = std::chrono::microseconds(where.stale_lock_usec);
  return rules;
}

std::vector<Result<>> all_failed(size_t count, const Error& error) {
  return std::vector<Result<>>(count, std::unexpected(error));
}

// Opens the directory of an mbox; parts of the path between base and file are made.
Result<Fd> mbox_directory(const Mailbox& where, std::string& name) {
  UMAYA_TRY(Fd base, mailbox::open_base(where.base));
  auto [folder, file] = mailbox::split_path(where.path);
  name = file;
  if (folder.empty()) return base;
  return mailbox::open_directory_beneath(base.get(), folder, Missing::create);
}

std::vector<Result<>> append_mbox(const Mailbox& where, std::span<const mailbox::MboxMessage> messages,
                                  std::vector<uint64_t>& begins) {
  std::string name;
  auto directory = mbox_directory(where, name);
  begins.assign(messages.size(), 0);
  if (!directory) return all_failed(messages.size(), directory.error());
  return mailbox::deliver_mbox(directory->get(), name, rules_of(where), messages, &begins);
}

}  // namespace

// The jobs of a batch that go to one mailbox.
struct MailboxServer::Group {
  const Mailbox* where;
  std::vector<size_t> jobs;
};

// The steps before a mailbox is touched; true when the message is to be put into one.
bool MailboxServer::prepare(const DeliverJob& job, Delivered& answer) {
  const Deliver& request = job.request;
  answer.id = request.id;
  if (!request.forward.empty()) {
    auto found = find_forward(request, answer);
    if (!found) put(answer, std::unexpected(found.error()), request.mailbox);
    if (!found || *found == Found::yes) return false;
  } else if (request.require_home) {
    if (auto home = mailbox::open_base(request.home); !home) {
      put(answer, std::unexpected(home.error()), request.mailbox);
      return false;
    }
  }
  answer.outcome = Outcome::delivered;
  return request.mailbox.kind != MailboxKind::none;
}

Result<mailbox::Maildir*> MailboxServer::maildir(const Mailbox& where) {
  auto key = std::make_pair(where.base, where.path);
  if (auto open = maildirs_.find(key); open != maildirs_.end()) return &open->second;
  UMAYA_TRY(Fd base, mailbox::open_base(where.base));
  UMAYA_TRY(mailbox::Maildir box, mailbox::Maildir::open(base.get(), where.path));
  if (maildirs_.size() >= kMaildirsKept) maildirs_.clear();
  return &maildirs_.emplace(std::move(key), std::move(box)).first->second;
}

void MailboxServer::deliver_maildir(std::span<DeliverJob> jobs, Group& group, std::span<Delivered> answers) {
  std::vector<mailbox::MailboxMessage> messages;
  for (size_t job : group.jobs) messages.push_back(message_of(jobs[job]));
  auto box = maildir(*group.where);
  std::vector<Result<>> results =
      box ? (*box)->deliver(messages, limits_of(*group.where)) : all_failed(messages.size(), box.error());
  bool failed = false;
  for (size_t i = 0; i < results.size(); ++i) {
    put(answers[group.jobs[i]], results[i], *group.where);
    failed = failed || !results[i];
  }
  if (failed) maildirs_.clear();  // the next batch finds directories by their names again
}

void MailboxServer::deliver_mbox(std::span<DeliverJob> jobs, Group& group, std::span<Delivered> answers) {
  std::vector<mailbox::MboxMessage> messages;
  for (size_t job : group.jobs) messages.push_back({message_of(jobs[job]), jobs[job].request.sender});
  std::vector<uint64_t> begins;
  std::vector<Result<>> results = append_mbox(*group.where, messages, begins);
  for (size_t i = 0; i < results.size(); ++i) {
    answers[group.jobs[i]].begins_at = begins[i];
    put(answers[group.jobs[i]], results[i], *group.where);
  }
}

std::vector<Delivered> MailboxServer::deliver(std::span<DeliverJob> jobs) {
  std::vector<Delivered> answers(jobs.size());
  std::vector<Group> groups;
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (!prepare(jobs[i], answers[i])) continue;
    const Deliver& request = jobs[i].request;
    if (request.purpose != Purpose::deliver) {
      put(answers[i], ask_room(request, answers[i]), request.mailbox);
      continue;
    }
    const Mailbox& where = request.mailbox;
    auto same = [&](const Group& group) {
      return group.where->kind == where.kind && group.where->base == where.base && group.where->path == where.path &&
             limits_of(*group.where) == limits_of(where);
    };
    auto group = std::find_if(groups.begin(), groups.end(), same);
    if (group == groups.end()) group = groups.insert(groups.end(), Group{&where, {}});
    group->jobs.push_back(i);
  }
  for (Group& group : groups) {
    if (group.where->kind == MailboxKind::maildir) {
      deliver_maildir(jobs, group, answers);
    } else {
      deliver_mbox(jobs, group, answers);
    }
  }
  return answers;
}

FileContent MailboxServer::read_file(const ReadFile& request) {
  FileContent answer;
  answer.id = request.id;
  auto [folder, name] = mailbox::split_path(request.path);
  auto directory = mailbox::open_base(folder);
  if (!directory) {
    answer.text = directory.error().what;
    return answer;
  }
  auto file = mailbox::open_file_in(directory->get(), name, O_RDONLY, Missing::fail);
  auto text = file ? read_all(file->fd.get(), kFileLimit) : Result<std::string>(std::unexpected(file.error()));
  if (!text) {
    answer.text = request.path + ": " + text.error().what;
    return answer;
  }
  answer.ok = true;
  answer.text = std::move(*text);
  answer.owner = file->status.st_uid;
  answer.group = file->status.st_gid;
  answer.others_write = (file->status.st_mode & S_IWOTH) != 0;
  return answer;
}

}  // namespace umaya::local_delivery
