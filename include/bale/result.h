// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Error and Result: how every fallible call of bale reports what went wrong.
//
// bale throws nothing. Bad input, damage and a failing environment come back as an Error; a bug in
// bale itself stops the program. Running out of memory ends it too: what could be large is charged
// to a budget first, and that charge fails with an Error.
//
//   Result<PackReader> reader = PackReader::open("objects.pack");
//   if (!reader) return reader.error();          // or print reader.error().message
//   use(*reader);

#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

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
[[nodiscard]] std::string_view to_string(ErrorCode code);

/// A code for programs and one plain sentence for people: what, where, what to do.
struct [[nodiscard]] Error {
  ErrorCode code;
  std::string message;
};

namespace detail {
[[noreturn]] void bad_result_access(const Error* error);
}  // namespace detail

/// Either a value or an Error. Reading the one that is not there stops the program.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}

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
