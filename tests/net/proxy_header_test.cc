#include "libcommon/net/proxy_header.h"

#include <catch2/catch.hpp>
#include <string>

using namespace umaya::net;
using Status = ProxyHeader::Status;

static std::string binary(char command, char family, const std::string& rest) {
  std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
  out += {command, family, static_cast<char>(rest.size() >> 8), static_cast<char>(rest.size() & 255)};
  return out + rest;
}

static std::string client_of(const std::string& bytes) {
  ProxyHeader header = parse_proxy_header(bytes);
  if (header.status == Status::incomplete) return "incomplete";
  if (header.status == Status::invalid) return "invalid: " + std::string(header.error);
  return header.client ? header.client->to_string() + " at " + header.server->to_string() : "nobody";
}

static const std::string kPorts("\x9c\x40\0\x19", 4);

TEST_CASE("proxy header: the text form gives both ends", "[net][proxy]") {
  CHECK(client_of("PROXY TCP4 192.0.2.1 192.0.2.25 40000 25\r\nEHLO") == "[192.0.2.1]:40000 at [192.0.2.25]:25");
  CHECK(client_of("PROXY TCP6 2001:db8::1 2001:db8::25 1 65535\r\n") == "[2001:db8::1]:1 at [2001:db8::25]:65535");
  CHECK(client_of("PROXY UNKNOWN\r\n") == "nobody");
  CHECK(client_of("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n") == "nobody");
  CHECK(parse_proxy_header("PROXY UNKNOWN\r\nEHLO x\r\n").size == 15);
}

TEST_CASE("proxy header: the binary form gives both ends and passes over extra fields", "[net][proxy]") {
  std::string v4 = std::string("\xc0\0\x02\x01\xc0\0\x02\x19", 8) + kPorts;
  CHECK(client_of(binary(0x21, 0x11, v4)) == "[192.0.2.1]:40000 at [192.0.2.25]:25");
  CHECK(client_of(binary(0x21, 0x11, v4 + std::string("\x04\0\x01\0", 4)) + "EHLO") ==
        "[192.0.2.1]:40000 at [192.0.2.25]:25");
  std::string v6 = "\x20\x01\x0d\xb8" + std::string(11, '\0') + "\x01" + std::string(16, '\0') + kPorts;
  CHECK(client_of(binary(0x21, 0x21, v6)) == "[2001:db8::1]:40000 at [::]:25");
  CHECK(client_of(binary(0x20, 0x11, v4)) == "nobody");
  CHECK(client_of(binary(0x21, 0x00, "")) == "nobody");
}

TEST_CASE("proxy header: every true beginning of one is incomplete", "[net][proxy]") {
  std::string v4 = std::string("\xc0\0\x02\x01\xc0\0\x02\x19", 8) + kPorts;
  for (const std::string& whole :
       {std::string("PROXY TCP4 192.0.2.1 192.0.2.25 40000 25\r\n"), binary(0x21, 0x11, v4)}) {
    for (size_t i = 0; i < whole.size(); ++i) CHECK(client_of(whole.substr(0, i)) == "incomplete");
    CHECK(parse_proxy_header(whole).size == whole.size());
  }
}

TEST_CASE("proxy header: anything else is no header", "[net][proxy]") {
  CHECK(client_of("EHLO x\r\n") == "invalid: no proxy header");
  CHECK(client_of("PROXY TCP4 192.0.2.1 192.0.2.25 40000 25" + std::string(80, ' ') + "\r\n") ==
        "invalid: line too long");
  CHECK(client_of("PROXY TCP4 2001:db8::1 192.0.2.25 1 25\r\n") == "invalid: bad address");
  CHECK(client_of("PROXY TCP4 192.0.2.1  192.0.2.25 1 25\r\n") == "invalid: bad address");
  CHECK(client_of("PROXY TCP4 192.0.2.1 192.0.2.25 1 65536\r\n") == "invalid: bad port");
  CHECK(client_of("PROXY TCP4 192.0.2.1 192.0.2.25 1 25 \r\n") == "invalid: bad port");
  CHECK(client_of("PROXY TCP4 192.0.2.1 192.0.2.25 -1 25\r\n") == "invalid: bad port");
  CHECK(client_of("PROXY UDP4 192.0.2.1 192.0.2.25 1 25\r\n") == "invalid: unknown protocol family");
  CHECK(client_of(binary(0x11, 0x11, "")) == "invalid: unknown version");
  CHECK(client_of(binary(0x22, 0x11, "")) == "invalid: unknown command");
  CHECK(client_of(binary(0x21, 0x11, std::string(11, 'x'))) == "invalid: addresses are missing");
  CHECK(client_of(binary(0x21, 0x12, std::string(12, 'x'))) == "invalid: unknown protocol family");
  CHECK(client_of(binary(0x21, 0x11, std::string(2049, 'x'))) == "invalid: header too long");
}
