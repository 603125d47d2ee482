// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ScratchText: text that is written once and then read any number of times, line by line. What does
// not fit in memory is in a scratch file without a name.
//
//   ScratchText text(file_system, scratch_directory, 64 << 10);
//   TRY(text.append("refs/heads/main\n"));
//   ScratchText::Lines lines(text);
//   while (const auto line = TRY(lines.next())) use(*line);
//
// Memory: at most `memory_bytes` of text, and 16 KiB for each reader, more for a longer line.
// Thread-safe to read once nothing is appended any more.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bale/file_system.h"
#include "bale/result.h"

namespace bale {

class ScratchText {
 public:
  /// `files` must outlive it. `scratch_directory` is not used before the text outgrows memory.
  ScratchText(FileSystem& files, std::string scratch_directory, std::size_t memory_bytes)
      : files_(&files),
        scratch_directory_(std::move(scratch_directory)),
        memory_bytes_(memory_bytes) {}

  Result<void> append(std::string_view text);

  /// In bytes.
  [[nodiscard]] std::uint64_t size() const { return file_bytes_ + memory_.size(); }

  /// Fills `out` from `offset`, or as much of it as there is text; returns how much that was.
  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) const;

  /// Reads the lines of a text, of a part of it, or of a file. These must outlive it.
  class Lines {
   public:
    /// Longer lines are refused, unless cut_long_lines() was called.
    static constexpr std::size_t kMaxLineBytes = 1 << 20;

    explicit Lines(const ScratchText& text) : Lines(text, 0, text.size()) {}

    Lines(const ScratchText& text, std::uint64_t begin, std::uint64_t end)
        : text_(&text), position_(begin), end_(end) {}

    Lines(File& file, std::uint64_t size) : file_(&file), end_(size) {}

    /// Gives the beginning of longer lines only.
    void cut_long_lines() { cuts_long_lines_ = true; }

    /// The next line, without its newline; nullopt at the end. The last line may lack its newline.
    /// Valid until the next call.
    Result<std::optional<std::string_view>> next();

   private:
    const ScratchText* text_ = nullptr;
    File* file_ = nullptr;        // instead of text_
    std::uint64_t position_ = 0;  // of the next byte to read into the buffer
    std::uint64_t end_;
    std::string buffer_;
    std::size_t used_ = 0;  // of the buffer
    bool cuts_long_lines_ = false;
  };

 private:
  FileSystem* files_;
  std::string scratch_directory_;
  std::size_t memory_bytes_;
  std::unique_ptr<File> file_;
  std::uint64_t file_bytes_ = 0;
  std::string memory_;  // what follows the file's content
};

}  // namespace bale
