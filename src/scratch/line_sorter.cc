// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "scratch/line_sorter.h"

#include <algorithm>

#include "base/try.h"

namespace bale {

Result<void> LineSorter::add(std::string_view line) {
  const std::size_t taken = text_.size() + lines_.size() * sizeof(Line);
  if (!lines_.empty() && taken + line.size() + sizeof(Line) > memory_bytes_) TRY(spill());
  lines_.push_back(
      {static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(line.size())});
  text_ += line;
  return {};
}

void LineSorter::sort_memory() {
  std::sort(lines_.begin(), lines_.end(),
            [this](const Line& a, const Line& b) { return text_of(a) < text_of(b); });
}

Result<void> LineSorter::spill() {
  sort_memory();
  for (const Line& line : lines_) {
    TRY(spilled_.append(text_of(line)));
    TRY(spilled_.append("\n"));
  }
  run_ends_.push_back(spilled_.size());
  lines_.clear();
  text_.clear();
  return {};
}

Result<void> LineSorter::sort() {
  if (run_ends_.empty()) {
    sort_memory();
    return {};
  }
  if (!lines_.empty()) TRY(spill());
  text_ = std::string();
  lines_ = std::vector<Line>();
  std::uint64_t begin = 0;
  for (const std::uint64_t end : run_ends_) {
    runs_.push_back({ScratchText::Lines(spilled_, begin, end), {}});
    begin = end;
  }
  const auto is_later = [this](std::size_t a, std::size_t b) {
    return runs_[a].line > runs_[b].line;
  };
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (TRY(advance(runs_[i]))) heap_.push_back(i);
  }
  std::make_heap(heap_.begin(), heap_.end(), is_later);
  return {};
}

Result<bool> LineSorter::advance(Run& run) {
  const std::optional<std::string_view> line = TRY(run.lines.next());
  if (line) run.line = *line;
  return line.has_value();
}

Result<std::optional<std::string_view>> LineSorter::next() {
  if (run_ends_.empty()) {
    if (at_ == lines_.size()) return std::nullopt;
    return text_of(lines_[at_++]);
  }
  const auto is_later = [this](std::size_t a, std::size_t b) {
    return runs_[a].line > runs_[b].line;
  };
  // The line that was returned last is valid until now: only now its run may read on.
  if (first_is_used_) {
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    if (TRY(advance(runs_[heap_.back()]))) {
      std::push_heap(heap_.begin(), heap_.end(), is_later);
    } else {
      heap_.pop_back();
    }
  }
  first_is_used_ = !heap_.empty();
  if (heap_.empty()) return std::nullopt;
  return runs_[heap_.front()].line;
}

}  // namespace bale
