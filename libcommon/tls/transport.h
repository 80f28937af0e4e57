// NAME    transport - a stream's bytes through TLS, and the handshake before that
//
// SYNOPSIS
//     tls::SslPtr ssl(SSL_new(context));
//     SSL_set_connect_state(ssl.get());
//     tls::attach(ssl.get(), stream->fd());
//     Result<void> done = co_await tls::handshake(stream, ssl.get(), monotonic_now() + 30s);
//     if (done) stream->set_transport(std::make_unique<tls::Transport>(std::move(ssl)));
//
// DESCRIPTION
//     The connection reads and writes the stream's descriptor itself, without blocking. Between two records it holds
//     no buffers (SSL_MODE_RELEASE_BUFFERS), so that an idle session is small.
//
//     What a handshake cannot do by itself (a signature in another process, a certificate that must first be fetched)
//     is done by a HandshakeHelper while the handshake waits.
//
// OWNERSHIP
//     A Transport owns its SSL object; the descriptor stays the stream's and outlives it. stream, ssl and helper
//     outlive the handshake.
//
// ERRORS
//     handshake(): temporary, with OpenSSL's words and, when the peer sent one, its alert; ETIMEDOUT, ECONNRESET. After
//     an error the stream is fit for closing only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"
#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"

struct ssl_st;
struct ssl_ctx_st;

namespace umaya::tls {

struct SslFree {
  void operator()(ssl_st* ssl) const;
};
using SslPtr = std::unique_ptr<ssl_st, SslFree>;
struct ContextFree {
  void operator()(ssl_ctx_st* context) const;
};
using ContextPtr = std::unique_ptr<ssl_ctx_st, ContextFree>;

class Transport : public event::Transport {
 public:
  explicit Transport(SslPtr ssl) : ssl_(std::move(ssl)) {}
  /// Says close_notify (RFC 8446 6.1), unless the connection has failed or end() did.
  ~Transport() override;
  event::Io read(std::span<char> into) override;
  event::Io write(std::span<const iovec> pieces) override;
  void hold_for_end() override;
  void end() override;
  ssl_st* ssl() const { return ssl_.get(); }

 private:
  event::Io outcome(int result);
  SslPtr ssl_;
  bool failed_ = false, ended_ = false;
};

/// Lets ssl use the descriptor, with the modes that Transport needs. received: bytes that were read from it already
/// and belong to the handshake.
Result<void> attach(ssl_st* ssl, int fd, std::string_view received = {});

/// Does for a handshake what takes time.
class HandshakeHelper {
 public:
  virtual ~HandshakeHelper() = default;
  /// Called before each step on the loop's stack.
  virtual void before_step() {}
  /// co_await: the step ended with this SSL_ERROR_WANT_… (ASYNC, CLIENT_HELLO_CB); the next step comes when this is
  /// done. An error ends the handshake.
  virtual event::Task<Result<void>> help(int ssl_error) = 0;
  /// The handshake is given up: an answer that it still waits for (SSL_ERROR_WANT_ASYNC) is a failure now.
  virtual void abandon() {}
};

/// co_await: takes the handshake to its end, as client or server as ssl says.
event::Task<Result<void>> handshake(event::Stream* stream, ssl_st* ssl, TimePoint deadline,
                                    HandshakeHelper* helper = nullptr);

/// OpenSSL's error queue, oldest first, in one line; empties it.
std::string openssl_errors();

}  // namespace umaya::tls
