#include "bounce/service.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"
#include "libcommon/message/received.h"
#include "libcommon/queue/bounce_log.h"
#include "libcommon/queue/queue_id.h"
#include "libcommon/services/cleanup_client.h"
#include "libcommon/services/delivery_key.h"

namespace umaya::bounce {

namespace bs = services::bounce;
namespace cleanup = services::cleanup;

namespace {

constexpr size_t kThreads = 8;
constexpr size_t kMaxLog = 256 << 20;
constexpr size_t kMaxHeaders = 1 << 20;
constexpr size_t kMaxTemplate = 1 << 20;
constexpr uint64_t kMaxInspected = 8 << 20;

bs::Done done() {
  return {true, {}};
}
bs::Done failed(std::string why) {
  return {false, std::move(why)};
}

queue::QueueName queue_of(bs::Kind kind) {
  return kind == bs::Kind::bounce  ? queue::QueueName::bounce
         : kind == bs::Kind::defer ? queue::QueueName::defer
                                   : queue::QueueName::trace;
}

/// Head, a piece of the message file, tail.
class NoticeContent : public cleanup::ContentSource {
 public:
  NoticeContent(std::string received, Notice notice, int fd, uint64_t offset)
      : notice_(std::move(notice)), fd_(fd), offset_(offset), left_(notice_.returned) {
    notice_.head.insert(0, received);
  }

  Result<size_t> read(std::span<char> buffer) override {
    if (!notice_.head.empty()) return take(notice_.head, buffer);
    if (left_ > 0) {
      UMAYA_TRY(size_t n, fs::read_at(fd_, buffer.first(std::min<uint64_t>(buffer.size(), left_)), offset_));
      if (n == 0) return temporary("the message file is shorter than its head says");
      offset_ += n;
      left_ -= n;
      return n;
    }
    return take(notice_.tail, buffer);
  }

 private:
  static size_t take(std::string& text, std::span<char> buffer) {
    size_t n = text.copy(buffer.data(), buffer.size());
    text.erase(0, n);
    return n;
  }

  Notice notice_;
  int fd_;
  uint64_t offset_;
  uint64_t left_;
};

/// The first bytes of the content: headers, or all of it when it is small enough to look through.
Result<std::string> read_head(int fd, uint64_t offset, uint64_t size) {
  std::string head(std::min<uint64_t>(size, size <= kMaxInspected ? size : kMaxHeaders), '\0');
  UMAYA_TRY(size_t n, fs::read_at(fd, head, offset));
  head.resize(n);
  return head;
}

message::BounceTemplates load_templates(const std::string& file) {
  if (file.empty()) return message::default_bounce_templates();
  auto text = fs::read_file(file, kMaxTemplate);
  auto all = text ? message::parse_bounce_templates(*text, file) : std::unexpected(text.error());
  if (all) return *all;
  log::warning("bounce_template_file: {}: built-in templates are used", all.error().what);
  return message::default_bounce_templates();
}

}  // namespace

Result<std::unique_ptr<Service>> Service::create(daemon::Process& process) {
  Params params;
  UMAYA_CHECK(config::bind(process.config(), kBindings, params));
  NoticeSettings settings;
  settings.hostname = params.myhostname;
  settings.origin = params.myorigin;
  settings.mail_name = params.mail_name;
  settings.templates = load_templates(params.template_file);
  settings.lookup = [&config = process.config()](std::string_view name) -> std::optional<std::string> {
    if (!config.raw(name)) return std::nullopt;
    return config.get(name);
  };
  UMAYA_TRY(settings.threaded, process.config().get_bool("enable_threaded_bounces"));
  return std::unique_ptr<Service>(new Service(process, std::move(params), std::move(settings)));
}

Service::Service(const daemon::Process& process, Params params, NoticeSettings settings)
    : process_(process),
      params_(std::move(params)),
      settings_(std::move(settings)),
      spool_(process.queue_path(""), {.names = params_.hash_names, .depth = params_.hash_depth}),
      pool_(kThreads),
      cleanup_(process.queue_path("public/" + params_.cleanup_service)) {}

std::string Service::log_path(bs::Kind kind, std::string_view queue_id) const {
  return spool_.path(queue_of(kind), queue_id);
}

event::Task<void> Service::session(Fd fd) {
  ipc::Channel channel(std::move(fd));
  for (;;) {
    auto packet = co_await channel.receive_packet();
    if (!packet) co_return;
    bs::Done reply = co_await answer(std::move(*packet));
    auto sent = co_await channel.send(std::move(reply), {}, params_.ipc_timeout);
    if (!sent || process_.crowded()) co_return;
  }
}

event::Task<bs::Done> Service::answer(ipc::Packet packet) {
  if (packet.is<bs::Append>()) {
    auto request = ipc::decode<bs::Append>(packet.bytes);
    if (!request || !queue::valid_id(request->queue_id)) co_return failed("malformed request");
    co_return co_await append(std::move(*request));
  }
  if (packet.is<bs::Notify>()) {
    auto request = ipc::decode<bs::Notify>(packet.bytes);
    if (!request || !queue::valid_id(request->envelope.queue_id)) co_return failed("malformed request");
    Fd message = packet.fds.empty() ? Fd() : std::move(packet.fds.front());
    co_return co_await notify(std::move(*request), std::move(message));
  }
  if (packet.is<bs::Forget>()) {
    auto request = ipc::decode<bs::Forget>(packet.bytes);
    if (!request || !queue::valid_id(request->queue_id)) co_return failed("malformed request");
    co_return co_await forget(std::move(*request));
  }
  log::warning("a client sent something that is no request of the bounce service");
  co_return failed("unknown request");
}

event::Task<bs::Done> Service::append(bs::Append request) {
  std::vector<queue::BounceRecord> records;
  for (const bs::Record& record : request.records) records.push_back(to_log_record(request.kind, record));
  auto write = [path = log_path(request.kind, request.queue_id), records = std::move(records), spool = spool_,
                kind = queue_of(request.kind), id = request.queue_id]() -> Result<> {
    auto written = queue::append_bounce_records(path, records);
    if (written || written.error().sys_errno != ENOENT) return written;
    auto created = spool.create(kind, id);  // the hash directory was missing
    if (!created && created.error().sys_errno != EEXIST) return std::unexpected(created.error());
    return queue::append_bounce_records(path, records);
  };
  Result<> written = co_await pool_.run(write);
  if (!written) {
    log::warning("{}: {}", request.queue_id, written.error().what);
    co_return failed(written.error().what);
  }
  co_return done();
}

event::Task<Result<std::vector<queue::BounceRecord>>> Service::read_log(bs::Kind kind, std::string queue_id) {
  auto read = [path = log_path(kind, queue_id)]() -> Result<std::vector<queue::BounceRecord>> {
    std::vector<queue::BounceRecord> records;
    auto text = fs::read_file(path, kMaxLog);
    if (!text && text.error().sys_errno == ENOENT) return records;
    if (!text) return std::unexpected(text.error());
    queue::BounceLogReader log(*text);
    while (auto record = log.next()) records.push_back(std::move(*record));
    if (log.damaged() > 0) log::warning("{}: {} damaged records were passed over", path, log.damaged());
    return records;
  };
  co_return co_await pool_.run(read);
}

event::Task<bool> Service::remove(bs::Kind kind, std::string queue_id) {
  auto unlink = [spool = spool_, queue = queue_of(kind), queue_id]() { return spool.remove(queue, queue_id); };
  Result<> removed = co_await pool_.run(unlink);
  if (!removed) log::warning("{}", removed.error().what);
  co_return removed.has_value();
}

event::Task<bs::Done> Service::forget(bs::Forget request) {
  const bool removed = co_await remove(request.kind, request.queue_id);
  if (!removed) co_return failed("cannot remove the log");
  co_return done();
}

Result<Fd> Service::open_message(const bs::Notify& request) const {
  auto queue = queue::queue_named(request.queue_name);
  if (!queue) return permanent("unknown queue " + request.queue_name);
  return fs::open_safe(spool_.path(*queue, request.envelope.queue_id));
}

event::Task<bs::Done> Service::notify(bs::Notify request, Fd fd) {
  const std::string id = request.envelope.queue_id;
  if (!fd) {
    auto opened = open_message(request);
    if (!opened) co_return failed(opened.error().what);
    fd = std::move(*opened);
  }
  auto records = co_await read_log(request.log, id);
  if (!records) co_return failed(records.error().what);
  for (const bs::Record& record : request.records) records->push_back(to_log_record(request.log, record));
  Plan plan = plan_notices(request, *records, params_);
  if (plan.discarded) log::warning("{}: undeliverable postmaster notification discarded", id);
  for (PlannedNotice& notice : plan.notices) {
    const std::string what(describe(notice));
    const bool required = notice.audience == Audience::sender || plan.notices.size() == 1;
    auto posted = co_await post(std::move(notice), request, fd.get());
    if (posted) {
      log::info("{}: {}: {}", id, what, *posted);
    } else {
      log::warning("{}: {} failed: {}", id, what, posted.error().what);
      if (required) co_return failed(posted.error().what);
    }
  }
  if (request.notice != bs::Notice::delay) co_await remove(request.log, id);
  co_return done();
}

event::Task<Result<std::string>> Service::post(PlannedNotice planned, const bs::Notify& request, int fd) {
  UMAYA_CO_TRY(std::string head, read_head(fd, request.content_offset, request.content_size));
  NoticeRequest text;
  text.kind = planned.kind;
  text.audience = planned.audience;
  text.to = planned.to;
  text.queue_id = request.envelope.queue_id;
  text.sender = request.envelope.sender;
  text.envid = request.envelope.envid;
  text.arrival_seconds = request.envelope.arrival_usec / 1'000'000;
  text.now_seconds = wall_seconds();
  if (planned.kind == NoticeKind::delay) {
    text.retry_until_seconds =
        text.arrival_seconds + std::chrono::duration_cast<std::chrono::seconds>(params_.lifetime).count();
  }
  std::string failed_ones;
  for (const auto& record : planned.records) failed_ones += record.recipient.address + "\n";
  std::string origin = services::origin_of(request.envelope, {describe(planned), planned.to, failed_ones});
  text.records = std::move(planned.records);
  text.returned = planned.returned;
  text.content_head = head;
  text.content_size = request.content_size;
  const std::string_view shown = planned.returned == Returned::message
                                     ? std::string_view(head)
                                     : std::string_view(head).substr(0, header_section_size(head));
  text.eight_bit = !is_ascii(shown) || (head.size() < request.content_size && planned.returned == Returned::message &&
                                        request.envelope.body == services::BodyType::eight_bit);
  text.smtputf8 = request.envelope.smtputf8;
  Notice notice = compose_notice(text, settings_);

  cleanup::Submission submission;
  submission.envelope.queue_id =
      queue::make_id(params_.long_ids ? queue::IdForm::long_form : queue::IdForm::short_form);
  submission.envelope.sender = planned.from;
  submission.envelope.arrival_usec = wall_usec();
  services::set_origin(submission.envelope, std::move(origin));
  submission.envelope.smtputf8 = notice.smtputf8;
  if (notice.eight_bit) submission.envelope.body = services::BodyType::eight_bit;
  submission.envelope.attributes = {{"log_message_origin", "local"}, {"rewrite_context", "local"}};
  submission.options = cleanup::kBounce | cleanup::kMapAddresses | cleanup::kRewriteLocally;
  if (std::ranges::find(params_.filter_classes, "bounce") != params_.filter_classes.end()) {
    submission.options |= cleanup::kCheckContent;
  }
  services::Recipient to;
  to.address = planned.to;
  submission.recipients.push_back(std::move(to));
  const std::string new_id = submission.envelope.queue_id;
  message::ReceivedLocal received;
  received.myhostname = params_.myhostname;
  received.mail_name = params_.mail_name;
  received.queue_id = new_id;
  received.seconds = text.now_seconds;
  NoticeContent content(message::received_local(received), std::move(notice), fd, request.content_offset);
  auto lease = cleanup_.lease();
  if (!lease) co_return std::unexpected(lease.error());
  auto outcome = co_await cleanup::post(**lease, std::move(submission), content, params_.ipc_timeout);
  if (!outcome || outcome->verdict != cleanup::Verdict::accepted) lease->drop();
  if (!outcome) co_return std::unexpected(outcome.error());
  if (outcome->verdict != cleanup::Verdict::accepted) co_return temporary("cleanup: " + outcome->text);
  co_return new_id;
}

}  // namespace umaya::bounce
