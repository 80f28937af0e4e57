#include "libcommon/tls/transport.h"

#include <openssl/async.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace umaya::tls {

using event::Io;
using event::IoStatus;
using event::Task;

/// Pieces up to this size are joined into one record.
static constexpr size_t kJoined = 4096;
/// Handshakes whose signature is under way, at once; each has a stack of 32 KiB.
static constexpr size_t kAsyncJobs = 256;
static constexpr auto kJobPause = std::chrono::milliseconds(5);

void SslFree::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

void ContextFree::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

std::string openssl_errors() {
  std::string out;
  while (unsigned long code = ERR_get_error()) {
    char text[256];
    ERR_error_string_n(code, text, sizeof text);
    if (!out.empty()) out += "; ";
    out += text;
  }
  return out;
}

Transport::~Transport() {
  end();
}

void Transport::end() {
  if (failed_ || ended_) return;
  ended_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

/// What a call of SSL_read or SSL_write that moved nothing means.
Io Transport::outcome(int result) {
  int saved = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {IoStatus::want_read};
    case SSL_ERROR_WANT_WRITE:
      return {IoStatus::want_write};
    case SSL_ERROR_ZERO_RETURN:
      return {IoStatus::eof};
    case SSL_ERROR_SYSCALL:
      failed_ = true;
      return saved == 0 ? Io{IoStatus::eof} : Io{IoStatus::failed, 0, saved};
    default:
      failed_ = true;
      ERR_clear_error();
      return {IoStatus::failed, 0, EPROTO};
  }
}

Io Transport::read(std::span<char> into) {
  size_t size = 0;
  ERR_clear_error();
  errno = 0;
  int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &size);
  if (result == 1) return {IoStatus::ok, size};
  return outcome(result);
}

Io Transport::write(std::span<const iovec> pieces) {
  std::array<char, kJoined> joined;
  const void* data = pieces[0].iov_base;
  size_t size = pieces[0].iov_len;
  if (pieces.size() == 2 && size < kJoined) {
    std::memcpy(joined.data(), data, size);
    size_t more = std::min(kJoined - size, pieces[1].iov_len);
    std::memcpy(joined.data() + size, pieces[1].iov_base, more);
    data = joined.data();
    size += more;
  }
  size_t written = 0;
  ERR_clear_error();
  errno = 0;
  int result = SSL_write_ex(ssl_.get(), data, size, &written);
  if (result == 1) return {IoStatus::ok, written};
  return outcome(result);
}

namespace {

int connection_index() {
  static const int index = BIO_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

/// What the BIO's own pointer says of a stream whose end follows.
char held_for_end;

/// More follows at once. A session ticket waits in the kernel for the greeting or reply behind it, last words wait for
/// the end of the stream: one segment for both, and one time that the client is woken. Where nothing follows, they
/// leave a fifth of a second later.
bool more_follows(BIO* bio) {
  const auto* ssl = static_cast<const SSL*>(BIO_get_ex_data(bio, connection_index()));
  return SSL_get_state(ssl) == TLS_ST_SW_SESSION_TICKET || BIO_get_data(bio) == &held_for_end;
}

int write_to_socket(BIO* bio, const char* data, int size) {
  if (!more_follows(bio) || BIO_get_ktls_send(bio)) {
    return BIO_meth_get_write(BIO_s_socket())(bio, data, size);
  }
  int fd = static_cast<int>(BIO_get_fd(bio, nullptr));
  BIO_clear_retry_flags(bio);
  ssize_t sent = ::send(fd, data, static_cast<size_t>(size), MSG_NOSIGNAL | MSG_MORE);
  if (sent < 0 && BIO_sock_should_retry(-1)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

const BIO_METHOD* socket_method() {
  static BIO_METHOD* method = [] {
    const BIO_METHOD* plain = BIO_s_socket();
    BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOCKET, "umaya socket");
    BIO_meth_set_write(made, write_to_socket);
    BIO_meth_set_read(made, BIO_meth_get_read(plain));
    BIO_meth_set_puts(made, BIO_meth_get_puts(plain));
    BIO_meth_set_ctrl(made, BIO_meth_get_ctrl(plain));
    BIO_meth_set_create(made, BIO_meth_get_create(plain));
    BIO_meth_set_destroy(made, BIO_meth_get_destroy(plain));
    return made;
  }();
  return method;
}

/// nullptr: no memory.
BIO* socket_of(SSL* ssl, int fd) {
  BIO* bio = BIO_new(socket_method());
  if (!bio) return nullptr;
  BIO_set_fd(bio, fd, BIO_NOCLOSE);
  BIO_set_ex_data(bio, connection_index(), ssl);
  return bio;
}

}  // namespace

void Transport::hold_for_end() {
  BIO_set_data(SSL_get_wbio(ssl_.get()), &held_for_end);
}

Result<void> attach(SSL* ssl, int fd, std::string_view received) {
  ERR_clear_error();
  SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                        SSL_MODE_AUTO_RETRY);
  SSL_set_read_ahead(ssl, 1);  // a record with its header, or several, in one call
  BIO* out = socket_of(ssl, fd);
  if (received.empty()) {
    if (!out) return temporary("TLS: " + openssl_errors());
    SSL_set_bio(ssl, out, out);
    return {};
  }
  BIO* socket = socket_of(ssl, fd);
  BIO* buffer = BIO_new(BIO_f_buffer());
  bool made = out && socket && buffer &&
              BIO_set_buffer_read_data(buffer, const_cast<char*>(received.data()), static_cast<long>(received.size()));
  if (!made) {
    BIO_free(out);
    BIO_free(socket);
    BIO_free(buffer);
    return temporary("TLS: " + openssl_errors());
  }
  SSL_set_bio(ssl, BIO_push(buffer, socket), out);
  return {};
}

namespace {

/// A step may stop in the middle of a call, waiting for a signature: it must be brought to its end before the
/// connection is freed.
class StepGuard {
 public:
  StepGuard(SSL* ssl, HandshakeHelper* helper) : ssl_(ssl), helper_(helper) {}
  StepGuard(const StepGuard&) = delete;
  StepGuard& operator=(const StepGuard&) = delete;
  ~StepGuard() {
    if (!helper_ || !SSL_waiting_for_async(ssl_)) return;
    helper_->abandon();
    helper_->before_step();
    SSL_do_handshake(ssl_);
    ERR_clear_error();
  }

 private:
  SSL* ssl_;
  HandshakeHelper* helper_;
};

std::unexpected<Error> handshake_error(int saved_errno) {
  std::string text = openssl_errors();
  if (!text.empty()) return temporary(std::move(text));
  if (saved_errno != 0) return sys_error("TLS handshake", saved_errno);
  return std::unexpected(Error{ErrorKind::temporary, ECONNRESET, "lost connection", {}});
}

std::unexpected<Error> too_slow() {
  return std::unexpected(Error{ErrorKind::temporary, ETIMEDOUT, "Connection timed out", {}});
}

void prepare_async() {
  static thread_local const bool ready = ASYNC_init_thread(kAsyncJobs, 0) == 1;
  (void)ready;
}

/// Waits for what the step lacked; an error ends the handshake.
Task<Result<void>> wait_for(event::Stream* stream, int want, TimePoint deadline, HandshakeHelper* helper) {
  Duration left = deadline - monotonic_now();
  if (left <= Duration::zero()) co_return too_slow();
  bool in_time = true;
  switch (want) {
    case SSL_ERROR_WANT_READ:
      in_time = co_await event::readable_edge(stream->fd(), left);
      break;
    case SSL_ERROR_WANT_WRITE:
      in_time = co_await event::writable_edge(stream->fd(), left);
      break;
    case SSL_ERROR_WANT_ASYNC_JOB:  // too many are under way
      co_await event::sleep(std::min<Duration>(left, kJobPause));
      break;
    default:
      if (!helper) co_return temporary("TLS: the handshake waits for something unknown");
      co_return co_await helper->help(want);
  }
  if (!in_time) co_return too_slow();
  co_return Result<void>{};
}

}  // namespace

Task<Result<void>> handshake(event::Stream* stream, SSL* ssl, TimePoint deadline, HandshakeHelper* helper) {
  if (helper) {
    prepare_async();
    SSL_set_mode(ssl, SSL_MODE_ASYNC);
  }
  StepGuard guard(ssl, helper);
  for (;;) {
    if (helper) helper->before_step();
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(ssl);
    if (result == 1) break;
    int saved = errno;
    int want = SSL_get_error(ssl, result);
    if (want == SSL_ERROR_SSL || want == SSL_ERROR_SYSCALL || want == SSL_ERROR_ZERO_RETURN) {
      co_return handshake_error(saved);
    }
    Result<void> waited = co_await wait_for(stream, want, deadline, helper);
    if (!waited) co_return std::unexpected(std::move(waited.error()));
  }
  SSL_clear_mode(ssl, SSL_MODE_ASYNC);  // from here on every call would cost a change of stacks
  co_return Result<void>{};
}

}  // namespace umaya::tls
