// NAME    answer_builder - makes DNS answers for tests, right ones and wrong ones
#pragma once

#include <string>

#include "libcommon/base/bytes.h"
#include "libcommon/dns/message.h"
#include "libcommon/dns/name.h"

namespace umaya::dns {

class AnswerBuilder {
 public:
  explicit AnswerBuilder(const Query& query) : query_(query) {}

  AnswerBuilder& rcode(Rcode code) {
    flags_ = static_cast<uint16_t>((flags_ & ~15) | static_cast<uint16_t>(code));
    return *this;
  }
  AnswerBuilder& truncated() {
    flags_ |= 0x0200;
    return *this;
  }
  /// A record with these raw data; its name is written without compression. The question's name lies at offset 12.
  AnswerBuilder& answer(const std::string& name, Type type, const std::string& rdata, uint32_t ttl = 300) {
    record(answers_, name, type, rdata, ttl);
    ++answer_count_;
    return *this;
  }
  AnswerBuilder& mx(const std::string& name, uint16_t preference, const std::string& target) {
    std::string rdata;
    ByteWriter(rdata).be16(preference);
    append_name(rdata, target);
    return answer(name, Type::mx, rdata);
  }
  AnswerBuilder& soa(const std::string& name, uint32_t ttl, uint32_t minimum) {
    std::string rdata("\2ns\0\1h\0", 7);
    ByteWriter(rdata).be32(1).be32(2).be32(3).be32(4).be32(minimum);
    return authority(name, Type::soa, rdata, ttl);
  }
  AnswerBuilder& authority(const std::string& name, Type type, const std::string& rdata, uint32_t ttl = 300) {
    record(authority_, name, type, rdata, ttl);
    ++authority_count_;
    return *this;
  }
  std::string wire() const {
    std::string out;
    ByteWriter w(out);
    w.be16(query_.id).be16(flags_).be16(1).be16(answer_count_).be16(authority_count_).be16(0);
    append_name(out, query_.name);
    w.be16(static_cast<uint16_t>(query_.type)).be16(1);
    return out + answers_ + authority_;
  }

 private:
  static void record(std::string& out, const std::string& name, Type type, const std::string& rdata, uint32_t ttl) {
    append_name(out, name);
    ByteWriter(out).be16(static_cast<uint16_t>(type)).be16(1).be32(ttl).be16(static_cast<uint16_t>(rdata.size()));
    out += rdata;
  }

  Query query_;
  uint16_t flags_ = 0x8180;
  uint16_t answer_count_ = 0;
  uint16_t authority_count_ = 0;
  std::string answers_;
  std::string authority_;
};

}  // namespace umaya::dns
