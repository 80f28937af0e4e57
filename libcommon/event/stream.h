// NAME    stream - a byte stream that coroutines read from and write to
//
// SYNOPSIS
//     Stream client(std::move(fd));
//     client.set_timeout(300s);
//     Read line = co_await client.read_line(2048);       // line.data ends in LF unless line.status says otherwise
//     client.write("250 2.0.0 Ok\r\n");
//     co_await client.flush();
//
// DESCRIPTION
//     Reading gives views into the stream's own buffer: they are valid until the next read operation on this stream.
//     write() only gathers; flush() sends what was gathered, and extra bytes without copying them. A read operation
//     that has its data at once does not suspend. While a session waits with nothing buffered its buffers hold no
//     memory. The transport may be exchanged in place (TLS): what the peer had sent before that is dropped
//     (RFC 3207 4.2).
//
// OWNERSHIP
//     The stream owns its descriptor and outlives every operation that waits on it. One reader and one writer at a
//     time.
//
// ERRORS
//     Read::status and Result<void>; a time-out leaves the stream usable.
//
// LIMITS
//     Nothing is read ahead beyond what an operation asked for plus one block (read_block, 16 KiB).
#pragma once

#include <sys/uio.h>

#include <coroutine>
#include <memory>
#include <string_view>

#include "libcommon/base/bytes.h"
#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/event/loop.h"

namespace umaya::event {

/// How an operation on a descriptor ended.
enum class IoStatus : unsigned char { ok, want_read, want_write, eof, failed };
struct Io {
  IoStatus status;
  size_t size = 0;    ///< bytes moved, when ok
  int sys_errno = 0;  ///< when failed
};

/// Moves bytes between a stream and the outside; never blocks. The default one is the descriptor itself.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Io read(std::span<char> into) = 0;
  virtual Io write(std::span<const iovec> pieces) = 0;
  /// What is written from here on, last words included, may wait in the kernel for the end of the stream.
  virtual void hold_for_end() {}
  /// Last words of the transport itself (TLS: close_notify), when the stream will write nothing more.
  virtual void end() {}
};

enum class ReadStatus : unsigned char {
  ok,
  eof,        ///< the peer closed; data holds what came before and satisfies nothing
  timed_out,  ///< data as for eof
  too_long,   ///< the limit was reached without the end of line; data holds limit bytes
  failed,     ///< sys_errno says why
};

struct Read {
  ReadStatus status = ReadStatus::ok;
  std::string_view data{};
  int sys_errno = 0;
  explicit operator bool() const { return status == ReadStatus::ok; }
};

class Stream {
 public:
  class ReadAwaiter;
  class FlushAwaiter;

  explicit Stream(Fd fd);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  /// Limit for each single operation; kForever by default.
  void set_timeout(Duration timeout) { timeout_ = timeout; }
  /// Point in time after which every operation times out, on top of the limit for each; TimePoint::max() for none.
  void set_deadline(TimePoint deadline) { deadline_ = deadline; }

  /// co_await: the next line, its LF included; at most limit bytes.
  ReadAwaiter read_line(size_t limit);
  /// co_await: whatever is there, at least one byte. What is not used stays with unread().
  ReadAwaiter read_some();
  /// co_await: exactly n bytes.
  ReadAwaiter read_exactly(size_t n);
  /// Bytes that have been received and not yet been read. Calling this ends the validity of the last view.
  std::string_view buffered();
  /// Takes n bytes of buffered().
  void consume(size_t n) { in_.consume(n); }
  /// Gives back the last n bytes of the view that the last read returned.
  void unread(size_t n) { taken_ -= n; }

  /// Bytes that another process has read from this descriptor already: they come before what is still to be read.
  void preload(std::string_view bytes) { in_.append(bytes); }

  /// Gathers bytes to be sent by flush().
  void write(std::string_view bytes) { out_.append(bytes); }
  size_t unsent() const { return out_.size(); }
  /// co_await: sends all that was gathered, then extra, which must stay valid until then.
  FlushAwaiter flush(std::string_view extra = {});
  /// Sends what the socket takes now without waiting; for last words before closing.
  void flush_now();
  /// The next flush is the last, and the end of the stream follows it at once (shutdown_write(), or the destructor):
  /// last bytes and end leave in one segment.
  void hold_for_end();

  /// nullptr: the descriptor itself.
  Transport* transport() const { return transport_.get(); }
  /// Exchanges the transport; drops what was received in the old one and not yet read.
  void set_transport(std::unique_ptr<Transport> transport);
  void shutdown_write();
  int fd() const { return fd_.get(); }
  /// Gives the descriptor away; the stream is dead afterwards.
  Fd release();

 private:
  enum class Want : unsigned char { some, line, exactly };
  struct Request {
    Want want;
    size_t size;
  };
  bool take(const Request& request);
  bool pull(const Request& request);
  Io read_block();
  Io write_pieces(std::string_view extra);
  bool push();
  Duration limit() const;
  void settle();
  void on_readable();
  void on_writable();

  Fd fd_;
  std::unique_ptr<Transport> transport_;
  Buffer in_;
  Buffer out_;
  size_t taken_ = 0;    // bytes of in_ lent out by the last read
  size_t scanned_ = 0;  // bytes of in_ known to hold no LF
  Read result_;
  bool readable_ = false;
  bool ended_ = false;  // eof or error was seen
  int send_flags_;
  Duration timeout_ = kForever;
  TimePoint deadline_ = TimePoint::max();

  Request request_{};
  std::coroutine_handle<> reader_;
  std::coroutine_handle<> writer_;
  std::string_view extra_;
  int write_errno_ = 0;
  bool write_timed_out_ = false;
  TimePoint read_until_;
  IoWatch read_watch_;
  std::unique_ptr<IoWatch> write_watch_;
  Timer read_timer_;
  std::unique_ptr<Timer> write_timer_;
};

class Stream::ReadAwaiter {
 public:
  ReadAwaiter(Stream& stream, Want want, size_t size) : stream_(stream), request_{want, size} {}
  ReadAwaiter(const ReadAwaiter&) = delete;
  ReadAwaiter& operator=(const ReadAwaiter&) = delete;
  ~ReadAwaiter();
  bool await_ready();
  void await_suspend(std::coroutine_handle<> reader);
  Read await_resume();

 private:
  Stream& stream_;
  Request request_;
  bool waiting_ = false;
};

class Stream::FlushAwaiter {
 public:
  FlushAwaiter(Stream& stream, std::string_view extra) : stream_(stream), extra_(extra) {}
  FlushAwaiter(const FlushAwaiter&) = delete;
  FlushAwaiter& operator=(const FlushAwaiter&) = delete;
  ~FlushAwaiter();
  bool await_ready();
  void await_suspend(std::coroutine_handle<> writer);
  Result<void> await_resume();

 private:
  Stream& stream_;
  std::string_view extra_;
  bool waiting_ = false;
};

inline Stream::ReadAwaiter Stream::read_line(size_t limit_bytes) {
  return {*this, Want::line, limit_bytes};
}
inline Stream::ReadAwaiter Stream::read_some() {
  return {*this, Want::some, 1};
}
inline Stream::ReadAwaiter Stream::read_exactly(size_t n) {
  return {*this, Want::exactly, n};
}
inline Stream::FlushAwaiter Stream::flush(std::string_view extra) {
  return {*this, extra};
}

}  // namespace umaya::event
