// NAME    writer - make and change indexed tables: lmdb and cdb
//
// SYNOPSIS
//     UMAYA_TRY(auto writer, table::TableWriter::open("lmdb:/etc/umaya/virtual", {.mode = WriteMode::rebuild}));
//     auto put = writer->put("key", "value");                 // false: the key is there already
//     UMAYA_CHECK(writer->commit());
//
// DESCRIPTION
//     An lmdb file is changed in place, by one writer at a time, in one transaction: readers see the old entries until
//     commit(), and never wait (lmdb_env.h). A cdb file is written beside the old one, synced, and put in its place.
//     Nothing happens to the file before commit().
//
// ERRORS
//     Permanent for types that cannot be made, and for keys that are too long for lmdb (511 bytes). A full disk is
//     temporary, the old file stays.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"
#include "libcommon/table/table.h"

namespace umaya::table {

enum class WriteMode : unsigned char {
  rebuild,  ///< forget what was there
  change,   ///< keep what is there; the file is made when it is missing
};

/// Whether keys and values end in a NUL byte in the file.
enum class Termination : unsigned char { with_null, without_null };

struct WriterOptions {
  WriteMode mode = WriteMode::rebuild;
  CaseRule fold = CaseRule::fold;
  Termination termination = Termination::with_null;
  unsigned file_mode = 0644;
  size_t map_size = 16 * 1024 * 1024;  ///< lmdb_map_size; grows when it is too small
};

class TableWriter {
 public:
  virtual ~TableWriter() = default;
  TableWriter(const TableWriter&) = delete;
  TableWriter& operator=(const TableWriter&) = delete;

  /// "lmdb:/path", "hash:/path", "cdb:/path".
  static Result<std::unique_ptr<TableWriter>> open(std::string_view type_and_name, const WriterOptions& options);

  /// Adds an entry unless the key is there; false: it is.
  virtual Result<bool> put(std::string_view key, std::string_view value) = 0;
  /// Adds or replaces.
  virtual Result<> replace(std::string_view key, std::string_view value) = 0;
  /// The same for a key that keeps its case.
  virtual Result<> replace_as_is(std::string_view key, std::string_view value) = 0;
  /// False: the key was not there.
  virtual Result<bool> remove(std::string_view key) = 0;
  virtual Result<> commit() = 0;
  /// "lmdb:/path", for messages.
  const std::string& name() const { return name_; }

 protected:
  explicit TableWriter(std::string name) : name_(std::move(name)) {}

 private:
  std::string name_;
};

/// True for types that open() can make.
bool can_be_written(std::string_view type);

}  // namespace umaya::table
