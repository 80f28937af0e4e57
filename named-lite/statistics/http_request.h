// NAME    http_request - the head of an HTTP/1.1 request, line by line (RFC 9112)
//
// SYNOPSIS
//     HttpRequestReader reader;
//     while (reader.state() == HttpRequestReader::State::more) reader.take(line);
//     if (reader.state() == HttpRequestReader::State::done) … reader.request().path …
//
// DESCRIPTION
//     Only what a statistics page needs: GET and HEAD, no bodies. A request that announces a body is refused, so that
//     its octets are never taken for another request. Lines may end in LF alone; a CR anywhere else is refused.
//
// LIMITS  a line of 4096 octets, 64 fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace umaya::named {

struct HttpRequest {
  std::string path;    ///< without the query; "/" at least
  bool head = false;   ///< HEAD: the answer has no body
  bool close = false;  ///< the connection ends behind the answer
};

class HttpRequestReader {
 public:
  static constexpr size_t kMostLine = 4096;
  enum class State : unsigned char { more, done, bad };

  /// The next line, its end included.
  void take(std::string_view line);
  State state() const { return state_; }
  const HttpRequest& request() const { return request_; }
  /// The status to answer with when the state is bad.
  int status() const { return status_; }

 private:
  void request_line(std::string_view line);
  void field(std::string_view line);
  void fail(int status) {
    state_ = State::bad;
    status_ = status;
  }

  HttpRequest request_;
  State state_ = State::more;
  int status_ = 0;
  size_t fields_ = 0;
  bool first_ = true;
  bool has_host_ = false;
  bool is_1_0_ = false;
};

/// "Bad Request" and so on.
std::string_view http_reason(int status);

}  // namespace umaya::named
