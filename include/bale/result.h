// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Error and Result: how every fallible call of bale reports what went wrong.
//
// bale throws nothing. Bad input, damage and a failing environment come back as an Error; a bug in
// bale itself stops the program. Running out of memory ends it too: what could be large is charged
// to a budget first, and that charge fails with an Error.
//
//   bale::Result<bale::PackReader> reader = bale::PackReader::open("objects.pack");
//   if (!reader) return reader.error();          // or print reader.error().message
//   use(*reader);
//
// In a function that returns a Result, BALE_TRY gives the value or returns the Error, and an Error
// is made from a code and a message:
//
//   bale::PackReader reader = BALE_TRY(bale::PackReader::open("objects.pack"));
//   if (reader.record_count() == 0) return bale::Error{bale::ErrorCode::kNotFound, "no objects"};

#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "bale/export.h"

namespace bale {

/// What a caller can do about it, not where it happened.
enum class ErrorCode : std::uint8_t {
  kNotFound,         ///< what was asked for is not there
  kCorrupt,          ///< bytes on disk or on the wire are not what they must be
  kIo,               ///< the operating system refused: no room, no permission, a broken disk
  kInvalidArgument,  ///< the caller asked for something that makes no sense
  kUnsupported,      ///< valid, but this build or this platform cannot do it
  kLimitExceeded,    ///< it would need more memory, or be larger, than was allowed
  kInterrupted,      ///< the caller's cancellation token said stop
  kIncomplete,       ///< a source lacks objects, or is not what it was said to be
};

/// The code's stable name, as it stands in JSON: "not_found", "corrupt", ...
[[nodiscard]] BALE_EXPORT std::string_view to_string(ErrorCode code);

/// What helps against an Error: a program puts it into its own words.
enum class HintKind : std::uint8_t {
  kNone,
  kNeedsMemory,       ///< `needed_bytes` of memory instead of `allowed_bytes`
  kRebuildIndex,      ///< make_index() rebuilds the index from the pack
  kRepair,            ///< repair_store() restores it
  kRepairWithSource,  ///< it may need a source; otherwise remove `archive`, unless that is empty
  kRepairOrRemove,    ///< if it cannot, remove `archive`
  kRepairOrPrune,     ///< with a store that has the record; or prune `archive` to `keep` records
  kRestoreBackup,     ///< restore the packs from a backup; repair_store() makes an empty directory
  kPreviewRepair,     ///< a dry run of repair_store() names the lost objects
  kVerify,            ///< verify_store() names all damage
  kRemoved,           ///< released objects: a collection removes them, a repair the damaged ones
  kCreateStore,       ///< Store::init()
  kListArchives,      ///< Snapshot::archives()
  kListRefs,          ///< the refs of `archive`
  kRemoveArchive,     ///< remove_archive()
  kReadFile,          ///< read the object: it is not a directory
  kExportDirectory,   ///< export_directory()
  kAllowMissing,      ///< GitImportOptions::allow_missing
  kSkipBadRefs,       ///< GitImportOptions::skip_bad_refs
  kNameOrNewSource,   ///< another GitImportOptions::name, or new_source
};

struct Hint {
  HintKind kind = HintKind::kNone;
  std::string archive = {};
  std::uint64_t keep = 0;
  std::uint64_t needed_bytes = 0;   ///< by the part that failed, which may have a share of all
  std::uint64_t allowed_bytes = 0;  ///< to that part
};

/// A code for programs, one plain sentence for people (what and where), and what helps.
struct [[nodiscard]] Error {
  ErrorCode code;
  std::string message;
  Hint hint = {};
};

namespace detail {
[[noreturn]] BALE_EXPORT void bad_result_access(const Error* error);
}  // namespace detail

/// Either a value or an Error. Reading the one that is not there stops the program.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}

  /// What becomes a T: an X or std::nullopt where T is std::optional<X>. Not a number, which could
  /// lose digits, and not an Error.
  template <typename U>

  requires(std::is_convertible_v<U, T> && !std::is_arithmetic_v<T> &&
           !std::is_same_v<std::remove_cvref_t<U>, T> &&
           !std::is_same_v<std::remove_cvref_t<U>, Error>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}

  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }

  explicit operator bool() const { return has_value(); }

  [[nodiscard]] T& value() & {
    require_value();
    return *std::get_if<0>(&state_);
  }

  [[nodiscard]] const T& value() const& {
    require_value();
    return *std::get_if<0>(&state_);
  }

  [[nodiscard]] T&& value() && {
    require_value();
    return std::move(*std::get_if<0>(&state_));
  }

  [[nodiscard]] T& operator*() & { return value(); }

  [[nodiscard]] const T& operator*() const& { return value(); }

  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }

  /// The value; `fallback` for an Error.
  template <typename U>
  [[nodiscard]] T value_or(U&& fallback) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(fallback));
  }

  template <typename U>
  [[nodiscard]] T value_or(U&& fallback) && {
    return has_value() ? std::move(*this).value() : static_cast<T>(std::forward<U>(fallback));
  }

  /// `change` of the value; the same Error for an Error.
  template <typename Change>
  [[nodiscard]] auto transform(Change&& change) && -> Result<std::invoke_result_t<Change, T&&>> {
    if (!has_value()) return std::move(*this).error();
    return std::forward<Change>(change)(std::move(*this).value());
  }

  T* operator->() { return &value(); }

  const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const& {
    if (has_value()) detail::bad_result_access(nullptr);
    return *std::get_if<1>(&state_);
  }

  [[nodiscard]] Error&& error() && {
    if (has_value()) detail::bad_result_access(nullptr);
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  void require_value() const {
    if (!has_value()) detail::bad_result_access(std::get_if<1>(&state_));
  }

  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;

  Result(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool has_value() const { return !error_.has_value(); }

  explicit operator bool() const { return has_value(); }

  void value() const {
    if (error_) detail::bad_result_access(&*error_);
  }

  [[nodiscard]] const Error& error() const& {
    if (!error_) detail::bad_result_access(nullptr);
    return *error_;
  }

  [[nodiscard]] Error&& error() && {
    if (!error_) detail::bad_result_access(nullptr);
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace bale

/// The value of a Result, or returns its Error from the enclosing function. An expression of GCC
/// and clang. Not inside the argument of another one: name the inner value first.
#define BALE_TRY(expr) BALE_TRY_UNIQUE(expr, __COUNTER__)

/// The same as a statement, for a value that nobody needs.
#define BALE_TRY_VOID(expr)                                               \
  do {                                                                    \
    if (auto bale_result = (expr); !bale_result.has_value()) [[unlikely]] \
      return std::move(bale_result).error();                              \
  } while (false)

#define BALE_TRY_UNIQUE(expr, number) BALE_TRY_CONCAT(expr, bale_result_, number)
#define BALE_TRY_CONCAT(expr, prefix, number) BALE_TRY_NAMED(expr, prefix##number)
#define BALE_TRY_NAMED(expr, name)      \
  __extension__({                       \
    auto name = (expr);                 \
    if (!name.has_value()) [[unlikely]] \
      return std::move(name).error();   \
    std::move(name).value();            \
  })
