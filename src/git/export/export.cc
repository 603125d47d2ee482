// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Exporting a Git repository: see bale/git_export.h.
//
//   closure of the record's refs -> in the order of the packs -> Git pack stream
//     -> git index-pack --stdin, into a bare repository that is made beside its place
//   ids that Git found, against those of the closure
//   refs -> packed-refs; symbolic refs, HEAD and shallow as files
//
// Deltas are sent without decoding (pack_sender.h); Git's own hash of each object verifies them at
// the end (export_proof.h). If an entry is damaged, or its pack was collected, another pack may
// have the object: the export starts over, reads each object by its id and sends it whole.
//
// Ref names in a record are untrusted: each is checked before it becomes a path.

#include <array>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include "bale/archive_name.h"
#include "bale/git_export.h"
#include "bale/ref_list.h"
#include "base/counted.h"
#include "base/damage.h"
#include "base/error.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "git/child/git_program.h"
#include "git/export/export_proof.h"
#include "git/export/pack_sender.h"
#include "git/export/pack_stream.h"
#include "git/source/ref_names.h"
#include "io/atomic_file.h"
#include "io/staging_directory.h"
#include "object/printable.h"
#include "store/core/closure.h"
#include "store/core/oid_list.h"
#include "store/core/oid_set.h"

namespace bale {
namespace {

constexpr std::size_t kRefPieceBytes = 64 << 10;

class GitExporter {
 public:
  // Reads stored entries, or objects by id from any pack.
  enum class Reading { kEntries, kIds };

  GitExporter(const Snapshot& store, const GitExportOptions& options, Record record,
              StagingDirectory directory, Reading reading)
      : store_(store),
        options_(options),
        record_(std::move(record)),
        directory_(std::move(directory)),
        reading_(reading),
        missing_budget_(options.work.memory_bytes / 4) {}

  Result<GitExportSummary> run();

  /// Whether a damaged entry, or a collected pack, may be the cause of run()'s failure.
  [[nodiscard]] bool may_help_to_read_by_ids(const Error& error) const;

 private:
  Result<void> write_file(const std::string& name, std::string_view content);
  Result<void> name_missing_refs();
  Result<void> make_skeleton();
  Result<Closure> walk(ReadContext& context);
  Result<void> send_objects(Closure& closure);
  Result<void> send_closure(Closure& closure, ChildProcess& child);
  Result<void> send_entries(Closure& closure, ChildProcess& child);
  Result<void> send_by_ids(Closure& closure, ChildProcess& child);
  Result<void> write_to(ChildProcess& child, Bytes bytes);
  void tell_progress(std::uint64_t sent, const Closure& closure, std::uint64_t payload_bytes) const;
  Result<void> write_refs();

  [[nodiscard]] GitHash hash() const { return *record_.hash; }

  const Snapshot store_;
  const GitExportOptions& options_;
  Record record_;
  StagingDirectory directory_;
  const Reading reading_;
  bool reading_failed_ = false;  // an entry, or Git's result of it
  bool writing_failed_ = false;  // to Git
  bool object_missing_ = false;  // in all packs
  Budget missing_budget_;
  RefList refs_;
  OidSet missing_;
  std::set<GitOid> shallow_;
  GitExportSummary summary_;
};

Result<GitExportSummary> GitExporter::run() {
  ReadContext context(options_.work.memory_bytes / 4);
  missing_ = TRY(OidSet::load(store_, record_.missing, hash(), context, missing_budget_));
  summary_.missing = record_.missing.count;
  refs_ = TRY(RefList::read(store_, record_, context, directory_.path()));
  TRY(name_missing_refs());
  shallow_.insert(record_.shallow.begin(), record_.shallow.end());
  TRY(make_skeleton());
  Result<Closure> walked = walk(context);
  reading_failed_ = !walked;
  Closure closure = TRY(std::move(walked));
  summary_.objects = closure.object_count();
  if (summary_.objects > 0) {
    context = ReadContext(options_.work.memory_bytes / 4);
    TRY(send_objects(closure));
    TRY(prove_export(closure, store_, directory_.path() + "/objects/pack", hash(), missing_budget_,
                     context));
  }
  TRY(write_refs());
  TRY(directory_.commit());
  return summary_;
}

Result<void> GitExporter::name_missing_refs() {
  if (record_.missing.count == 0) return {};
  static constexpr std::string_view kSymbolic = "ref: ";
  RefList::Reader refs(refs_);
  while (const std::optional<Ref> ref = TRY(refs.next())) {
    if (!ref->oid || !missing_.contains(*ref->oid)) continue;
    summary_.missing_refs.push_back(ref->name);
    if (record_.head == fmt::format("{}{}", kSymbolic, ref->name)) {
      summary_.missing_refs.emplace_back("HEAD");
    }
  }
  const Result<GitOid> detached = GitOid::from_hex(record_.head);
  if (detached && missing_.contains(*detached)) summary_.missing_refs.emplace_back("HEAD");
  return {};
}

Result<void> GitExporter::write_file(const std::string& name, std::string_view content) {
  const std::string path = directory_.path() + "/" + name;
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error)
    return fail(ErrorCode::kIo, "cannot make the directory of {}: {}", path, error.message());
  AtomicFile file = TRY(AtomicFile::create(posix_file_system(), path, Visibility::kHidden));
  TRY(file.file().write_at(0, as_bytes(content)));
  return file.commit();
}

Result<void> GitExporter::make_skeleton() {
  std::error_code error;
  for (const char* name : {"objects/info", "objects/pack", "refs/heads", "refs/tags"}) {
    std::filesystem::create_directories(directory_.path() + "/" + name, error);
    if (error) return fail(ErrorCode::kIo, "{}/{}: {}", directory_.path(), name, error.message());
  }
  std::string config = "[core]\n\trepositoryformatversion = ";
  config += hash() == GitHash::kSha256 ? "1" : "0";
  config += "\n\tfilemode = true\n\tbare = true\n";
  if (hash() == GitHash::kSha256) config += "[extensions]\n\tobjectformat = sha256\n";
  return write_file("config", config);
}

Result<Closure> GitExporter::walk(ReadContext& context) {
  Closure closure = TRY(Closure::create(
      store_,
      {.memory_bytes = options_.work.memory_bytes / 2,
       .scratch_directory = directory_.path(),
       .shallow = &shallow_,
       .is_absent = [this](const GitOid& oid) { return missing_.contains(oid); },
       // In kEntries, Git's ids are compared at the end.
       .check_oids = reading_ == Reading::kIds,
       .on_missing = [this](const MissingLink& link) -> Result<void> {
         object_missing_ = true;
         const Error error =
             store_.missing(fmt::format("{} {}", git_type_name(link.type), link.oid.to_hex()));
         return fail(error.code, {HintKind::kVerify}, "{}; {} needs it", error.message, link.from);
       },
       .on_damage = [](const Error& error) -> Result<void> { return error; },
       .operation = &options_.work.operation}));
  RefList::Reader refs(refs_);
  while (const std::optional<Ref> ref = TRY(refs.next())) {
    if (ref->oid) TRY(closure.add(*ref->oid, quoted_name(ref->name)));
  }
  const Result<GitOid> detached = GitOid::from_hex(record_.head);
  if (detached) TRY(closure.add(*detached, "HEAD"));
  TRY(closure.walk());
  // Their targets are among them, reached, or were missing in the source.
  if (record_.unreached.list) {
    TRY(read_oid_list(store_, *record_.unreached.list, context, [&](const GitOid& oid) {
      return closure.add_alone(oid, "the list of objects without a ref");
    }));
  }
  return closure;
}

Result<void> GitExporter::send_objects(Closure& closure) {
  GitProgram git =
      TRY(GitProgram::create(hash(), directory_.path() + "/objects", options_.work.operation));
  ChildProcess child = TRY(git.start({"index-pack", "--stdin", "--index-version=2"}, true));
  const Result<void> sent = send_closure(closure, child);
  if (!sent && sent.error().code != ErrorCode::kIo) return sent.error();
  child.close_stdin();
  // It prints the pack's name at the end: closing its output earlier would raise a SIGPIPE.
  std::array<std::byte, 256> said;
  while (TRY(child.read(said)) > 0) {
  }
  // If writing failed, git's reason for not reading says more.
  const std::string what = "indexing the exported pack";
  const Result<void> finished = git.finish(child, what);
  summary_.children_peak_rss_bytes = git.peak_rss_bytes();
  // git may fail at a damaged delta.
  reading_failed_ = reading_failed_ || !finished;
  if (!finished && finished.error().code == ErrorCode::kIncomplete) {
    return fail(ErrorCode::kIo, "{}", finished.error().message);
  }
  return finished ? sent : finished;
}

Result<void> GitExporter::send_closure(Closure& closure, ChildProcess& child) {
  TRY(closure.sort());
  return reading_ == Reading::kEntries ? send_entries(closure, child) : send_by_ids(closure, child);
}

Result<void> GitExporter::write_to(ChildProcess& child, Bytes bytes) {
  const Result<void> written = child.write(bytes);
  writing_failed_ = writing_failed_ || !written;
  return written;
}

void GitExporter::tell_progress(std::uint64_t sent, const Closure& closure,
                                std::uint64_t payload_bytes) const {
  if (sent % 64 != 0 && sent != closure.object_count()) return;
  options_.work.operation.progress({.phase = "writing objects",
                                    .objects = sent,
                                    .objects_total = closure.object_count(),
                                    .bytes = payload_bytes});
}

Result<void> GitExporter::send_entries(Closure& closure, ChildProcess& child) {
  const std::uint64_t read_bytes = options_.work.memory_bytes / 4;
  const std::uint64_t index_bytes = options_.work.memory_bytes / 8;
  const std::uint64_t taken_bytes =
      read_bytes + index_bytes + closure.memory_bytes() + missing_budget_.used_bytes();
  const std::uint64_t least_bytes = taken_bytes + GitPackSender::smallest_memory_bytes();
  if (options_.work.memory_bytes < least_bytes) {
    return fail(ErrorCode::kLimitExceeded,
                {.kind = HintKind::kNeedsMemory,
                 .needed_bytes = 2 * least_bytes,
                 .allowed_bytes = options_.work.memory_bytes},
                "exporting {} needs more memory", counted(closure.object_count(), "object"));
  }
  Budget budget(options_.work.memory_bytes - taken_bytes);
  GitPackSender sender =
      TRY(GitPackSender::create({.hash = hash(),
                                 .object_count = closure.object_count(),
                                 .lanes = options_.work.lanes,
                                 .read_memory_bytes = read_bytes,
                                 .index_memory_bytes = index_bytes,
                                 .file_system = &posix_file_system(),
                                 .scratch_directory = directory_.path()},
                                budget, [&](Bytes bytes) { return write_to(child, bytes); }));
  std::uint64_t sent = 0;
  std::uint64_t payload_bytes = 0;
  while (const auto reached = TRY(closure.next())) {
    if (options_.work.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    const ObjectLocation& location = reached->location;
    const auto send = [&]() -> Result<std::uint64_t> {
      const std::shared_ptr<const PackReader> pack = TRY(store_.pack(location.pack));
      return sender.send(location.pack, *pack, location.offset);
    };
    const Result<std::uint64_t> size = send();
    reading_failed_ = !size && !writing_failed_;
    payload_bytes += TRY(size);
    tell_progress(++sent, closure, payload_bytes);
  }
  const GitPackSummary pack = TRY(sender.finish());
  summary_.bytes_out = pack.bytes;
  summary_.deltas = pack.deltas;
  return {};
}

Result<void> GitExporter::send_by_ids(Closure& closure, ChildProcess& child) {
  Budget budget(GitPackStream::kMemoryBytes);
  GitPackStream stream = TRY(GitPackStream::create(
      hash(), closure.object_count(), budget, [&](Bytes bytes) { return write_to(child, bytes); }));
  ReadContext context(options_.work.memory_bytes / 4);
  std::uint64_t sent = 0;
  std::uint64_t payload_bytes = 0;
  const Snapshot::ObjectSink sink{
      .begin = [&](ObjectType type, std::uint64_t size) -> Result<void> {
        payload_bytes += size;
        return stream.begin_object(type, size);
      },
      .write = [&](Bytes piece) -> Result<void> { return stream.write(piece); }};
  TRY(closure.for_each_oid([&](const GitOid& oid, const ObjectLocation& location) -> Result<void> {
    if (options_.work.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    TRY(store_.read_object(location, context, sink, oid));
    TRY(stream.end());
    tell_progress(++sent, closure, payload_bytes);
    return {};
  }));
  summary_.bytes_out = TRY(stream.finish());
  return {};
}

bool GitExporter::may_help_to_read_by_ids(const Error& error) const {
  if (reading_ == Reading::kIds || object_missing_ || store_.pack_count() < 2) return false;
  const bool by_reading = error.code == ErrorCode::kIo || error.code == ErrorCode::kUnsupported ||
                          error.code == ErrorCode::kLimitExceeded;
  return is_damage(error) || (reading_failed_ && by_reading);
}

Result<void> GitExporter::write_refs() {
  RefList::Reader refs(refs_);
  std::optional<AtomicFile> packed;
  std::uint64_t packed_bytes = 0;
  std::string piece;
  const auto write_piece = [&]() -> Result<void> {
    if (!packed) {
      packed = TRY(AtomicFile::create(posix_file_system(), directory_.path() + "/packed-refs",
                                      Visibility::kHidden));
    }
    TRY(packed->file().write_at(packed_bytes, as_bytes(piece)));
    packed_bytes += piece.size();
    piece.clear();
    return {};
  };
  while (const std::optional<Ref> ref = TRY(refs.next())) {
    TRY(check_ref_name(ref->name));
    if (!ref->target.empty()) {
      TRY(check_symref_target(ref->target));
      TRY(write_file(ref->name, "ref: " + ref->target + "\n"));
      continue;
    }
    // Git need not sort a file that says it is sorted.
    if (!packed && piece.empty()) piece = "# pack-refs with: sorted \n";
    piece += ref->oid->to_hex() + " " + ref->name + "\n";
    if (piece.size() >= kRefPieceBytes) TRY(write_piece());
  }
  if (!piece.empty()) TRY(write_piece());
  if (packed) TRY(packed->commit());
  if (!record_.shallow.empty()) {
    std::string shallow;
    for (const GitOid& oid : record_.shallow) shallow += oid.to_hex() + "\n";
    TRY(write_file("shallow", shallow));
  }
  constexpr std::string_view kSymbolic = "ref: ";
  if (record_.head.starts_with(kSymbolic)) {
    TRY(check_ref_name(std::string_view(record_.head).substr(kSymbolic.size())));
  } else if (!GitOid::from_hex(record_.head)) {
    return fail(ErrorCode::kCorrupt, "the archive's HEAD is neither a ref nor an id: {}",
                quoted_name(record_.head));
  }
  return write_file("HEAD", record_.head + "\n");
}

}  // namespace

Result<GitExportSummary> export_git(const Snapshot& store, const std::string& name,
                                    const std::string& out, const GitExportOptions& options) {
  if (options.work.memory_bytes < smallest_export_memory_bytes()) {
    return fail(ErrorCode::kInvalidArgument, "exporting needs at least {} of memory",
                memory_size(smallest_export_memory_bytes()));
  }
  ReadContext context(options.work.memory_bytes / 4);
  Record record = TRY(store.record(name, options.record_back, context)).record;
  if (record.kind != RecordKind::kGit || !record.hash) {
    return fail(ErrorCode::kInvalidArgument, {HintKind::kExportDirectory},
                "archive {} is of the kind {}, not of a Git repository", name,
                to_string(record.kind));
  }
  for (auto reading = GitExporter::Reading::kEntries;; reading = GitExporter::Reading::kIds) {
    StagingDirectory directory = TRY(StagingDirectory::create(out));
    GitExporter exporter(store, options, record, std::move(directory), reading);
    Result<GitExportSummary> exported = exporter.run();
    if (exported || !exporter.may_help_to_read_by_ids(exported.error())) return exported;
  }
}

}  // namespace bale
