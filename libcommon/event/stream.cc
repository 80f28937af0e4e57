#include "libcommon/event/stream.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>

namespace umaya::event {

static constexpr size_t kReadBlock = 16 * 1024;

static int nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if ((flags & O_NONBLOCK) == 0) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  return fd;
}

Stream::Stream(Fd fd)
    : fd_(std::move(fd)),
      send_flags_(MSG_NOSIGNAL),
      read_watch_(nonblocking(fd_.get()), Readiness::read_edge, [this] { on_readable(); }),
      read_timer_([this] {
        if (!reader_) return;
        if (monotonic_now() < read_until_) return read_timer_.arm(read_until_ - monotonic_now());
        result_ = {ReadStatus::timed_out, in_.view()};
        std::exchange(reader_, {}).resume();
      }) {}

Stream::~Stream() = default;

void Stream::settle() {
  if (taken_ > 0) {
    in_.consume(taken_);
    taken_ = 0;
  }
}

std::string_view Stream::buffered() {
  settle();
  scanned_ = 0;
  return in_.view();
}

/// Serves the request from what is buffered, if that is enough.
bool Stream::take(const Request& request) {
  std::string_view have = in_.view();
  size_t size = 0;
  ReadStatus status = ReadStatus::ok;
  if (request.want == Want::some) {
    size = have.size();
  } else if (request.want == Want::exactly) {
    size = have.size() >= request.size ? request.size : 0;
  } else {
    size_t end = have.find('\n', scanned_);
    if (end < request.size) {
      size = end + 1;
    } else if (have.size() >= request.size) {
      size = request.size;
      status = ReadStatus::too_long;
    } else {
      scanned_ = have.size();
    }
  }
  if (size == 0) return false;
  scanned_ = 0;
  taken_ = size;
  result_ = {status, have.substr(0, size)};
  return true;
}

Io Stream::read_block() {
  std::span<char> room = in_.reserve(kReadBlock);
  if (transport_) {
    Io io = transport_->read(room);
    if (io.status == IoStatus::ok) in_.commit(io.size);
    return io;
  }
  ssize_t n;
  do {
    n = ::read(fd_.get(), room.data(), room.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) return errno == EAGAIN ? Io{IoStatus::want_read} : Io{IoStatus::failed, 0, errno};
  if (n == 0) return {IoStatus::eof};
  in_.commit(static_cast<size_t>(n));
  return {IoStatus::ok, static_cast<size_t>(n)};
}

/// Reads until the request can be served or the socket is empty. A short read is not taken for its end: behind the last
/// bytes may stand the end of the stream or an error, of which nobody tells again.
bool Stream::pull(const Request& request) {
  if (ended_) {
    result_.data = in_.view();
    return true;
  }
  while (readable_) {
    Io io = read_block();
    if (io.status == IoStatus::ok) {
      if (take(request)) return true;
      continue;
    }
    if (io.status == IoStatus::want_read || io.status == IoStatus::want_write) {
      readable_ = false;
      break;
    }
    ended_ = true;
    result_ = {io.status == IoStatus::eof ? ReadStatus::eof : ReadStatus::failed, in_.view(), io.sys_errno};
    return true;
  }
  return false;
}

Duration Stream::limit() const {
  if (deadline_ == TimePoint::max()) return timeout_;
  return std::clamp(deadline_ - monotonic_now(), Duration::zero(), timeout_);
}

void Stream::on_readable() {
  readable_ = true;
  if (reader_ && pull(request_)) std::exchange(reader_, {}).resume();
}

bool Stream::ReadAwaiter::await_ready() {
  stream_.settle();
  return stream_.take(request_) || stream_.pull(request_);
}

void Stream::ReadAwaiter::await_suspend(std::coroutine_handle<> reader) {
  Stream& s = stream_;
  if (s.in_.empty()) s.in_.release();
  waiting_ = true;
  s.reader_ = reader;
  s.request_ = request_;
  Duration limit = s.limit();
  if (limit == kForever) {
    s.read_until_ = TimePoint::max();
    return;
  }
  // The timer is left running from one operation to the next and looks at read_until_ when it fires.
  TimePoint until = Loop::current().now() + limit;
  if (!s.read_timer_.armed() || until < s.read_until_) s.read_timer_.arm(limit);
  s.read_until_ = until;
}

Read Stream::ReadAwaiter::await_resume() {
  waiting_ = false;
  return stream_.result_;
}

Stream::ReadAwaiter::~ReadAwaiter() {
  if (waiting_) stream_.reader_ = {};
}

Io Stream::write_pieces(std::string_view extra) {
  iovec pieces[2];
  size_t count = 0;
  for (std::string_view piece : {out_.view(), extra}) {
    if (!piece.empty()) pieces[count++] = {const_cast<char*>(piece.data()), piece.size()};
  }
  if (transport_) return transport_->write({pieces, count});
  ssize_t n;
  do {
    n = count == 1 ? ::send(fd_.get(), pieces[0].iov_base, pieces[0].iov_len, send_flags_) : -1;
    if (count == 2) {
      msghdr message{};
      message.msg_iov = pieces;
      message.msg_iovlen = count;
      n = ::sendmsg(fd_.get(), &message, send_flags_);
    }
    if (n < 0 && errno == ENOTSOCK) n = ::writev(fd_.get(), pieces, static_cast<int>(count));
  } while (n < 0 && errno == EINTR);
  if (n < 0) return errno == EAGAIN ? Io{IoStatus::want_write} : Io{IoStatus::failed, 0, errno};
  return {IoStatus::ok, static_cast<size_t>(n)};
}

/// Sends as much as the socket takes; true when there is nothing more to wait for.
bool Stream::push() {
  write_errno_ = 0;
  while (!out_.empty() || !extra_.empty()) {
    Io io = write_pieces(extra_);
    if (io.status == IoStatus::want_write || io.status == IoStatus::want_read) return false;
    if (io.status != IoStatus::ok) {
      write_errno_ = io.sys_errno ? io.sys_errno : EPIPE;
      out_.clear();
      extra_ = {};
      return true;
    }
    size_t gathered = std::min(io.size, out_.size());
    if (gathered > 0) out_.consume(gathered);
    extra_.remove_prefix(io.size - gathered);
  }
  return true;
}

void Stream::flush_now() {
  extra_ = {};
  push();
}

void Stream::on_writable() {
  if (writer_ && push()) {
    write_watch_->disable();
    std::exchange(writer_, {}).resume();
  }
}

bool Stream::FlushAwaiter::await_ready() {
  stream_.extra_ = extra_;
  stream_.write_timed_out_ = false;
  return stream_.push();
}

void Stream::FlushAwaiter::await_suspend(std::coroutine_handle<> writer) {
  Stream& s = stream_;
  waiting_ = true;
  s.writer_ = writer;
  if (!s.write_watch_) {
    s.write_watch_ = std::make_unique<IoWatch>(s.fd(), Readiness::write_edge, [&s] { s.on_writable(); });
    s.write_timer_ = std::make_unique<Timer>([&s] {
      if (!s.writer_) return;
      s.write_timed_out_ = true;
      s.write_watch_->disable();
      std::exchange(s.writer_, {}).resume();
    });
  } else {
    s.write_watch_->enable();
  }
  s.write_timer_->arm(s.limit());
}

Result<void> Stream::FlushAwaiter::await_resume() {
  if (waiting_) stream_.write_timer_->cancel();
  waiting_ = false;
  stream_.extra_ = {};
  if (stream_.write_timed_out_) return sys_error("write", ETIMEDOUT);
  if (stream_.write_errno_) return sys_error("write", stream_.write_errno_);
  if (stream_.out_.empty()) stream_.out_.release();
  return {};
}

Stream::FlushAwaiter::~FlushAwaiter() {
  if (!waiting_) return;
  stream_.writer_ = {};
  stream_.extra_ = {};
  stream_.write_timer_->cancel();
  stream_.write_watch_->disable();
}

void Stream::set_transport(std::unique_ptr<Transport> transport) {
  transport_ = std::move(transport);
  in_.release();
  taken_ = scanned_ = 0;
  readable_ = true;  // the transport may hold bytes of its own
}

void Stream::hold_for_end() {
  send_flags_ |= MSG_MORE;
  if (transport_) transport_->hold_for_end();
}

void Stream::shutdown_write() {
  if (transport_) transport_->end();
  ::shutdown(fd(), SHUT_WR);
}

Fd Stream::release() {
  read_watch_.disable();
  if (write_watch_) write_watch_->disable();
  return std::move(fd_);
}

}  // namespace umaya::event
