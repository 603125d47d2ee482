// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/ref_lines.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "object/printable.h"

namespace bale {
namespace {

constexpr std::string_view kNoObject = "-";

bool is_ref_text(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return static_cast<unsigned char>(c) > ' '; });
}

Error not_a_line(std::string_view line) {
  return fail(ErrorCode::kCorrupt, "not a line of a list of refs: {}",
              quoted_name(line.substr(0, 200)));
}

// Of edits only.
bool is_gone(const Ref& ref) {
  return !ref.oid && ref.target.empty();
}

Result<void> check_follows(const Ref& ref, const std::string& last) {
  if (ref.name > last) return {};
  return fail(ErrorCode::kCorrupt, "a list of refs has {} after {}", quoted_name(ref.name),
              quoted_name(last));
}

}  // namespace

std::string ref_list_heading(GitHash hash, bool is_whole) {
  return fmt::format("refs 1 {} {}\n", to_string(hash), is_whole ? "whole" : "edits");
}

std::string ref_line(const Ref& ref) {
  std::string line = ref.name + " " + (ref.oid ? ref.oid->to_hex() : std::string(kNoObject));
  if (!ref.target.empty()) line += " " + ref.target;
  return line;
}

Result<Ref> parse_ref_line(std::string_view line, GitHash hash) {
  const std::size_t name_end = std::min(line.find(' '), line.size());
  const std::string_view rest = line.substr(std::min(name_end + 1, line.size()));
  const std::size_t value_end = std::min(rest.find(' '), rest.size());
  const std::string_view value = rest.substr(0, value_end);
  Ref ref{.name = std::string(line.substr(0, name_end)), .oid = {}, .target = {}};
  bool is_right = is_ref_text(ref.name);
  if (value != kNoObject) {
    const Result<GitOid> oid = GitOid::from_hex(value);
    is_right = is_right && oid && oid->hash() == hash;
    if (oid) ref.oid = *oid;
  }
  if (value_end < rest.size()) {
    ref.target = rest.substr(value_end + 1);
    is_right = is_right && is_ref_text(ref.target);
  }
  return is_right ? Result<Ref>(std::move(ref)) : not_a_line(line);
}

Result<void> RefListBuilder::add(const Ref& ref) {
  const std::string line = ref_line(ref);
  if (!is_ref_text(ref.name) || is_gone(ref) || (!ref.target.empty() && !is_ref_text(ref.target))) {
    return fail(ErrorCode::kCorrupt, "Git does not allow this ref: {}", quoted_name(line));
  }
  TRY(check_follows(ref, last_));
  last_ = ref.name;
  ++size_;
  TRY(text_->append(line));
  return text_->append("\n");
}

RefList RefListBuilder::finish() {
  return of_text(std::move(text_), size_, hash_);
}

RefList RefListBuilder::of_text(std::shared_ptr<const ScratchText> text, std::uint64_t size,
                                GitHash hash) {
  RefList list;
  list.hash_ = hash;
  list.size_ = size;
  list.text_ = std::move(text);
  return list;
}

class BALE_HIDDEN RefList::Reader::Impl {
 public:
  explicit Impl(const RefList& list)
      : hash_(list.hash_),
        size_(list.size_),
        text_(list.text_ ? list.text_ : std::make_shared<ScratchText>(posix_file_system(), "", 0)),
        lines_(*text_) {}

  Result<std::optional<Ref>> next() {
    const std::optional<std::string_view> line = TRY(lines_.next());
    if (!line && count_ == size_) return std::nullopt;
    if (!line) {
      return fail(ErrorCode::kCorrupt, "a list of refs has {} in place of {}", count_, size_);
    }
    Ref ref = TRY(parse_ref_line(*line, hash_));
    TRY(check_follows(ref, last_));
    if (is_gone(ref)) return not_a_line(*line);
    last_ = ref.name;
    ++count_;
    return ref;
  }

 private:
  GitHash hash_;
  std::uint64_t size_;
  std::shared_ptr<const ScratchText> text_;
  ScratchText::Lines lines_;
  std::string last_;  // a name
  std::uint64_t count_ = 0;
};

RefList::Reader::Reader(const RefList& list) : impl_(std::make_unique<Impl>(list)) {}

RefList::Reader::Reader(Reader&&) noexcept = default;
RefList::Reader& RefList::Reader::operator=(Reader&&) noexcept = default;
RefList::Reader::~Reader() = default;

Result<std::optional<Ref>> RefList::Reader::next() {
  return impl_->next();
}

Result<std::optional<Ref>> RefList::find(std::string_view name) const {
  Reader reader(*this);
  while (std::optional<Ref> ref = TRY(reader.next())) {
    if (ref->name == name) return ref;
    if (ref->name > name) break;
  }
  return std::nullopt;
}

Result<void> RefMerge::add(const ScratchText& text, bool is_whole) {
  sources_.push_back({ScratchText::Lines(text), is_whole, {}});
  return advance(sources_.back());
}

Result<void> RefMerge::advance(Source& source) {
  const std::optional<std::string_view> line = TRY(source.lines.next());
  std::optional<Ref> next;
  if (line) next = TRY(parse_ref_line(*line, hash_));
  if (next && source.ref) TRY(check_follows(*next, source.ref->name));
  if (next && source.is_whole && is_gone(*next)) return not_a_line(*line);
  source.ref = std::move(next);
  return {};
}

Result<std::optional<Ref>> RefMerge::next() {
  const Source* newest = nullptr;
  for (const Source& source : sources_) {
    if (source.ref && (newest == nullptr || source.ref->name <= newest->ref->name)) {
      newest = &source;
    }
  }
  if (newest == nullptr) return std::nullopt;
  Ref ref = *newest->ref;
  for (Source& source : sources_) {
    if (source.ref && source.ref->name == ref.name) TRY(advance(source));
  }
  return ref;
}

Result<void> for_each_ref_change(const RefList& before, const RefList& now,
                                 const UseRefChange& use) {
  RefList::Reader old_refs(before);
  RefList::Reader new_refs(now);
  std::optional<Ref> old_ref = TRY(old_refs.next());
  std::optional<Ref> new_ref = TRY(new_refs.next());
  while (old_ref || new_ref) {
    const bool has_old = old_ref && (!new_ref || old_ref->name <= new_ref->name);
    const bool has_new = new_ref && (!old_ref || new_ref->name <= old_ref->name);
    if (!has_old || !has_new || *old_ref != *new_ref) {
      TRY(use(has_old ? old_ref : std::nullopt, has_new ? new_ref : std::nullopt));
    }
    if (has_old) old_ref = TRY(old_refs.next());
    if (has_new) new_ref = TRY(new_refs.next());
  }
  return {};
}

Result<void> append_ref_changes(const RefList& before, const RefList& now, ScratchText& edits) {
  return for_each_ref_change(
      before, now,
      [&](const std::optional<Ref>& old_ref, const std::optional<Ref>& new_ref) -> Result<void> {
        const Ref edit = new_ref ? *new_ref : Ref{.name = old_ref->name, .oid = {}, .target = {}};
        return edits.append(ref_line(edit) + "\n");
      });
}

}  // namespace bale
