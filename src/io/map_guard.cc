// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How it works: run_guarded() leaves a place to jump back to in a variable of the thread, and the
// handler of SIGBUS, which runs on the thread that faulted, jumps there. The signal mask is put
// back by the handler, from what the system saved, and not by the jump: so a guard needs no system
// call where nothing goes wrong, and costs some nanoseconds.

#include "io/map_guard.h"

#include <ucontext.h>

#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <mutex>

#include "base/check.h"

namespace bale {
namespace {

// The handler may run on a thread that never called us: initial-exec storage is there already, and
// needs no allocation inside a signal handler.
[[gnu::tls_model("initial-exec")]] constinit thread_local sigjmp_buf* volatile jump_target =
    nullptr;

struct sigaction previous_action;

void hand_on(int signal_number, siginfo_t* info, void* context) {
  if ((previous_action.sa_flags & SA_SIGINFO) != 0) {
    previous_action.sa_sigaction(signal_number, info, context);
    return;
  }
  const bool sent_by_a_process = info->si_code <= 0;
  if (previous_action.sa_handler == SIG_IGN && sent_by_a_process) return;
  if (previous_action.sa_handler == SIG_DFL || previous_action.sa_handler == SIG_IGN) {
    // Back to the default. The faulting instruction runs again and ends the program where it was;
    // a signal that was sent is sent again, and comes when this handler is done.
    struct sigaction default_action = {};
    default_action.sa_handler = SIG_DFL;
    static_cast<void>(::sigaction(signal_number, &default_action, nullptr));
    if (sent_by_a_process) static_cast<void>(::raise(signal_number));
    return;
  }
  previous_action.sa_handler(signal_number);
}

void on_bus_error(int signal_number, siginfo_t* info, void* context) {
  sigjmp_buf* const target = jump_target;
  // BUS_ADRERR is the page that is not there; misalignment and signals from outside are not ours.
  if (target != nullptr && info->si_code == BUS_ADRERR) {
    const auto* interrupted = static_cast<const ucontext_t*>(context);
    static_cast<void>(::pthread_sigmask(SIG_SETMASK, &interrupted->uc_sigmask, nullptr));
    ::siglongjmp(*target, 1);
  }
  hand_on(signal_number, info, context);
}

void install() {
  struct sigaction action = {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  const int emptied = ::sigemptyset(&action.sa_mask);
  // What stands there now is read first: the handler may run as soon as it is installed.
  const int read = ::sigaction(SIGBUS, nullptr, &previous_action);
  const int installed = ::sigaction(SIGBUS, &action, nullptr);
  CHECK(emptied == 0 && read == 0 && installed == 0);
}

}  // namespace

namespace detail {

bool run_guarded(void (*run)(void*), void* context) {
  sigjmp_buf here;
  sigjmp_buf* const outer = jump_target;
  if (sigsetjmp(here, 0) != 0) {
    jump_target = outer;
    return false;
  }
  // The fences keep the compiler from moving the reads out of the guarded stretch.
  jump_target = &here;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  run(context);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  jump_target = outer;
  return true;
}

}  // namespace detail

void install_map_guard() {
  static std::once_flag once;
  std::call_once(once, install);
}

bool copy_guarded(MutableBytes to, const std::byte* from) {
  if (to.empty()) return true;
  return guarded([to, from] { std::memcpy(to.data(), from, to.size()); });
}

}  // namespace bale
