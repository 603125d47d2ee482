// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See repair_work.h. The mark comes last, as in Store::init: with it, everything else is there.

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "bale/record.h"
#include "base/error.h"
#include "base/try.h"
#include "format/container.h"
#include "io/atomic_file.h"
#include "io/path.h"
#include "pack/salvage/pack_salvager.h"
#include "store/core/record_mark.h"
#include "store/core/staging_area.h"
#include "store/repair/repair_work.h"

namespace bale {
namespace {

constexpr std::size_t kMostNotes = 1000;
constexpr std::size_t kMagicBytes = 4;
constexpr std::string_view kMarkStart = "bale store ";

// Whether packs/ holds a file that begins as packs do.
Result<bool> has_pack(RepairWork& work) {
  const FileHeader header = encode_pack_header(0);
  const Bytes magic = Bytes(header).first(kMagicBytes);
  for (const DirectoryEntry& entry : TRY(work.files.list(work.layout.packs()))) {
    if (!entry.name.ends_with(kPackSuffix) || entry.kind != FileKind::kRegular) continue;
    const std::string path = join_path(work.layout.packs(), entry.name);
    if (work.refusal(path)) continue;
    const std::unique_ptr<File> file = TRY(work.files.open(path));
    std::array<std::byte, kMagicBytes> start{};
    const std::size_t got = TRY(file->read_at(0, start));
    if (got == start.size() && std::equal(magic.begin(), magic.end(), start.begin())) return true;
  }
  return false;
}

Result<std::string> read_mark(RepairWork& work) {
  const std::unique_ptr<File> file = TRY(work.files.open(work.layout.mark()));
  std::string content(4 * kStoreMark.size(), '\0');
  content.resize(TRY(
      file->read_at(0, std::as_writable_bytes(std::span<char>(content.data(), content.size())))));
  return content;
}

// "bale store 3\n": nothing that we know how to mend.
bool is_other_version(std::string_view mark) {
  if (!mark.starts_with(kMarkStart) || !mark.ends_with('\n')) return false;
  const std::string_view number =
      mark.substr(kMarkStart.size(), mark.size() - kMarkStart.size() - 1);
  return !number.empty() && number.front() != '0' &&
         std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Which records are in a pack: by the rule of today's stores, and only by that of older ones.
struct RecordsFound {
  bool marked = false;
  bool by_first_byte = false;
};

Result<void> look_for_records(RepairWork& work, const std::string& pack, RecordsFound& found) {
  const StagingArea scratch = TRY(StagingArea::create(work.files, work.layout));
  PackSalvager salvager = TRY(PackSalvager::open(
      pack, {.memory_bytes = std::max(kMinSalvageBytes, work.options.work.memory_bytes / 2),
             .scratch_directory = scratch.path(),
             .index_path = pack.substr(0, pack.size() - kPackSuffix.size()) + ".idx",
             .operation = work.options.work.operation,
             .file_system = &work.files}));
  ReadContext context(work.options.work.memory_bytes / 4);
  return salvager.for_each([&](const SalvagedEntry& entry) -> Result<void> {
    if (entry.entry.type.value_or(ObjectType::kAction) != ObjectType::kAction) return {};
    // By either rule. A tag of a source may be larger than the memory.
    const std::optional<ObjectView> object =
        TRY(get_record({.id = entry.entry.id,
                        .size = entry.entry.size,
                        .get = [&] { return salvager.get_at(entry, context); },
                        .read =
                            [&](const PackReader::PayloadSink& sink) {
                              return salvager.read_at(entry, context, sink);
                            }},
                       false));
    if (!object) return {};
    if (is_record(object->id, object->type, object->payload, true)) {
      found.marked = true;
    } else if (decode_record(object->payload)) {
      found.by_first_byte = true;
    }
    return {};
  });
}

// The mark that was lost, told from the records in the packs. The smallest packs are asked first:
// each import's pack has a record, and mostly the first one answers.
Result<std::string_view> lost_mark(RepairWork& work) {
  std::vector<std::pair<std::uint64_t, std::string>> packs;
  for (const DirectoryEntry& entry : TRY(work.files.list(work.layout.packs()))) {
    if (!entry.name.ends_with(kPackSuffix) || entry.kind != FileKind::kRegular) continue;
    std::string path = join_path(work.layout.packs(), entry.name);
    packs.emplace_back(TRY(work.files.stat(path)).size, std::move(path));
  }
  std::sort(packs.begin(), packs.end());
  RecordsFound found;
  for (const auto& [size, path] : packs) {
    TRY(look_for_records(work, path, found));
    if (found.marked) return kStoreMark;
  }
  return found.by_first_byte ? kOldStoreMark : kStoreMark;
}

// Whether something of this kind is there. A file in place of a directory, and the reverse, moves
// to damaged/; links are followed by whoever uses them.
Result<bool> make_way(RepairWork& work, const std::string& path, FileKind kind) {
  const Result<FileInfo> info = work.files.stat(path);
  if (!info && info.error().code == ErrorCode::kNotFound) return false;
  if (!info) return info.error();
  if (info->kind == kind || info->kind == FileKind::kSymlink) return true;
  TRY(work.set_aside(path, path.substr(work.layout.root.size() + 1)));
  return false;
}

Result<void> write_mark(RepairWork& work) {
  const std::string_view content = TRY(lost_mark(work));
  AtomicFile mark = TRY(AtomicFile::create(work.files, work.layout.mark(), Visibility::kHidden));
  TRY(mark.file().write_at(0, as_bytes(content)));
  return mark.commit({.sync = work.options.work.sync, .staging_path = {}});
}

}  // namespace

void RepairWork::note(std::string sentence) {
  if (summary.notes.size() < kMostNotes) summary.notes.push_back(std::move(sentence));
}

void RepairWork::note_lost_delta(std::string sentence) {
  if (summary.lost_deltas.size() < kMostNotes) {
    summary.lost_deltas.push_back(std::move(sentence));
  } else {
    ++summary.lost_deltas_omitted;
  }
}

std::optional<Error> RepairWork::refusal(const std::string& path) const {
  constexpr std::uint64_t kEndBytes = 64;
  const auto refused = [](const auto& result) {
    return !result && result.error().code == ErrorCode::kIo;
  };
  const Result<std::unique_ptr<File>> file = files.open(path);
  if (!file && file.error().code == ErrorCode::kNotFound && files.stat(path)) {
    return fail(ErrorCode::kIo, "{}", file.error().message);  // a link that leads nowhere
  }
  if (refused(file)) return file.error();
  if (!file) return std::nullopt;
  const Result<std::uint64_t> size = (*file)->size();
  if (refused(size)) return size.error();
  std::array<std::byte, kEndBytes> bytes{};
  for (const std::uint64_t offset : {std::uint64_t{0}, *size - std::min(*size, kEndBytes)}) {
    const Result<std::size_t> got = (*file)->read_at(offset, bytes);
    if (refused(got)) return got.error();
  }
  return std::nullopt;
}

void RepairWork::leave_alone(const Error& error) {
  summary.losses_known = false;
  if (summary.inaccessible.size() < kMostNotes) summary.inaccessible.push_back(error);
}

Result<bool> RepairWork::is_there(const std::string& path) const {
  const Result<FileInfo> info = files.stat(path);
  if (info) return true;
  if (info.error().code == ErrorCode::kNotFound) return false;
  return info.error();
}

Result<void> RepairWork::sync_directory(const std::string& path) const {
  return options.work.sync ? files.sync_directory(path) : Result<void>();
}

Result<void> RepairWork::set_aside(const std::string& path, const std::string& name) {
  if (!TRY(is_there(path))) return {};
  const bool made = TRY(is_there(layout.damaged()));
  std::string to = join_path(layout.damaged(), name);
  for (std::uint64_t n = 1; made && TRY(is_there(to)); ++n) {
    to = fmt::format("{}.{}", join_path(layout.damaged(), name), n);
  }
  if (!options.dry_run) {
    if (!made) {
      TRY(files.create_directory(layout.damaged()));
      TRY(sync_directory(layout.root));
    }
    TRY(files.rename(path, to));
    // First where it is, then where it was: a power cut may leave both names, but never none.
    TRY(sync_directory(layout.damaged()));
    TRY(sync_directory(parent_directory(path)));
  }
  summary.set_aside.push_back(std::move(to));
  return {};
}

Result<bool> repair_layout(RepairWork& work) {
  const StoreLayout& layout = work.layout;
  const Result<std::string> mark = read_mark(work);
  if (!mark && mark.error().code != ErrorCode::kNotFound) return mark.error();
  const bool good_mark = mark && (*mark == kStoreMark || *mark == kOldStoreMark);
  if (mark && !good_mark && is_other_version(*mark)) {
    return fail(ErrorCode::kUnsupported, "{}: a store of another version of bale", layout.root);
  }
  if (!good_mark && !TRY(has_pack(work))) {
    return fail(ErrorCode::kNotFound, "{}: there is no store, and no pack of one", layout.root);
  }
  for (const std::string& directory : {layout.archives(), layout.staging()}) {
    if (TRY(make_way(work, directory, FileKind::kDirectory))) continue;
    work.note(fmt::format("{}: the directory was missing", directory));
    if (!work.options.dry_run) TRY(work.files.create_directory(directory));
  }
  TRY_VOID(make_way(work, layout.lost(), FileKind::kRegular));
  if (!TRY(work.is_there(layout.lock()))) {
    work.note(fmt::format("{}: the file was missing", layout.lock()));
    if (!work.options.dry_run) {
      TRY_VOID(work.files.create(layout.lock(), CreateMode::kExclusive));
    }
  }
  if (!good_mark) {
    work.note(fmt::format("{}: the mark was {}", layout.mark(), mark ? "damaged" : "missing"));
    if (mark) TRY(work.set_aside(layout.mark(), std::string(kStoreMarkName)));
    if (!work.options.dry_run) TRY(write_mark(work));
  }
  if (!work.options.dry_run) {
    TRY(work.sync_directory(layout.root));
    return true;
  }
  // A file in place of staging/ leaves no place for scratch.
  const Result<FileInfo> staging = work.files.stat(layout.staging());
  return good_mark && !(staging && staging->kind == FileKind::kRegular);
}

}  // namespace bale
