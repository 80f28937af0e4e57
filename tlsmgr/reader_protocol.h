// NAME    reader_protocol - what tlsmgr asks of its child that reads files
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::tlsmgr {

/// Asks for a file that the configuration names; any other is not there.
struct FileQuery {
  std::string path;
  std::string known;
  static constexpr std::string_view kName = "tlsmgr.file";
  static void visit(auto& self, auto&& v) {
    v("path", self.path);
    v("known", self.known);
  }
};

struct FileAnswer {
  bool unchanged = false;
  std::string text;
  int32_t sys_errno = 0;
  uint32_t owner = 0, mode = 0;
  std::string mark;
  static constexpr std::string_view kName = "tlsmgr.file_answer";
  static void visit(auto& self, auto&& v) {
    v("unchanged", self.unchanged);
    v("text", self.text);
    v("sys_errno", self.sys_errno);
    v("owner", self.owner);
    v("mode", self.mode);
    v("mark", self.mark);
  }
};

struct LookupQuery {
  std::string name;
  static constexpr std::string_view kName = "tlsmgr.lookup";
  static void visit(auto& self, auto&& v) { v("name", self.name); }
};

/// What became of a look-up in tls_server_sni_maps.
enum class Found : uint8_t { yes, no, failed };
struct LookupAnswer {
  Found found = Found::failed;
  std::string text;     ///< keys and chains in PEM
  std::string from;     ///< the table, for messages
  std::string trouble;  ///< when failed
  static constexpr std::string_view kName = "tlsmgr.lookup_answer";
  static void visit(auto& self, auto&& v) {
    v("found", self.found);
    v("text", self.text);
    v("from", self.from);
    v("trouble", self.trouble);
  }
};

/// Asks for the files that main.cf and master.cf name now.
struct ConfigurationQuery {
  static constexpr std::string_view kName = "tlsmgr.configuration";
  static void visit(auto&, auto&&) {}
};

/// A certificate's file, and its key's.
struct FilePair {
  std::string certificate, key;
  static constexpr std::string_view kName = "tlsmgr.file_pair";
  static void visit(auto& self, auto&& v) {
    v("certificate", self.certificate);
    v("key", self.key);
  }
};

/// tls::IdentityFiles.
struct FileSet {
  std::string parameters;
  std::vector<FilePair> pairs;
  static constexpr std::string_view kName = "tlsmgr.file_set";
  static void visit(auto& self, auto&& v) {
    v("parameters", self.parameters);
    v("pairs", self.pairs);
  }
};

struct ConfigurationAnswer {
  std::string trouble;  ///< why the last configuration stays in force
  std::vector<FileSet> sets;
  bool lacks_self_signed = false;  ///< the self-signed certificate is one of them and is not there
  static constexpr std::string_view kName = "tlsmgr.configuration_answer";
  static void visit(auto& self, auto&& v) {
    v("trouble", self.trouble);
    v("sets", self.sets);
    v("lacks_self_signed", self.lacks_self_signed);
  }
};

}  // namespace umaya::tlsmgr
