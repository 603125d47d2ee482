// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Parses the command line and runs the verb.
//
//   bale [common options] VERB [options] [arguments]      in any order after the verb
//   bale help [VERB|TOPIC]
//
// CLI11 parses. Common options are valid before and after the verb. All errors, of the command line
// and of the verb, pass through finish().

#include "cli/app.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "cli/arguments.h"
#include "cli/errors.h"
#include "cli/help_topics.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/suggestion.h"
#include "cli/verbs.h"
#include "io/stream.h"

namespace bale::cli {
namespace {

constexpr const char* kDescription =
    "bale archives whole Git repositories in one deduplicated, verifiable store.";

constexpr std::string_view kCommonOptions =
    "\nEvery verb takes --help, --store DIR (default: $BALE_STORE), --json, --quiet,\n"
    "--progress auto|always|never, --memory SIZE and --threads N.\n";

constexpr std::string_view kExamples =
    "\nExamples:\n"
    "  bale import git . --store archive.bale          # archive this repository\n"
    "  bale verify --store archive.bale                # check every byte of it\n"
    "  bale export git NAME back.git --store archive.bale\n"
    "\n'bale help VERB' explains a verb, 'bale help TOPIC' one of these:\n\n";

// The request of the command line: a verb, or a text to print.
struct Request {
  CommonOptions common;
  VerbRun run;
  std::optional<std::string> text;
};

std::string full_name(const Verb& verb) {
  std::string name(verb.group);
  if (!name.empty()) name += ' ';
  return name.append(verb.name);
}

std::string overview() {
  std::string text = std::string(kDescription) + "\n\nUsage: bale VERB [options] [arguments]\n\n";
  for (const Verb& verb : all_verbs()) {
    text += fmt::format("  {:<13} {}\n", full_name(verb), verb.summary);
  }
  text.append(kCommonOptions).append(kExamples);
  for (const HelpTopic& topic : help_topics()) {
    text += fmt::format("  {:<15} {}\n", topic.name, topic.title());
  }
  return text;
}

std::function<bool(const CLI::App*)> any_app() {
  return [](const CLI::App*) { return true; };
}

// The verb or group of this name, or null.
CLI::App* find_app(CLI::App& parent, std::string_view name) {
  for (CLI::App* app : parent.get_subcommands([](CLI::App*) { return true; })) {
    if (app->get_name() == name) return app;
  }
  return nullptr;
}

class CommandLine {
 public:
  CommandLine();

  Result<Request> parse(const std::vector<std::string>& arguments);

 private:
  struct Declared {
    CLI::App* app = nullptr;
    VerbRun run;
  };

  CLI::App* add_app(CLI::App& parent, std::string_view name, std::string_view summary);
  Error explain(const std::string& what) const;
  Error explain_word(const CLI::App& app, const std::string& word, bool for_help = false) const;
  Result<std::string> help_of(const std::vector<std::string>& words);
  [[nodiscard]] std::vector<const CLI::App*> selected() const;

  CLI::App root_;
  CLI::App* help_ = nullptr;
  std::vector<std::string> help_words_;
  CommonOptions common_;
  std::vector<Declared> declared_;
};

CLI::App* CommandLine::add_app(CLI::App& parent, std::string_view name, std::string_view summary) {
  CLI::App* const app = parent.add_subcommand(std::string(name), std::string(summary));
  // One verb: a later word equal to a verb's name is an argument.
  app->require_subcommand(0, 1);
  Arguments(*app).common(common_);
  return app;
}

CommandLine::CommandLine() : root_(kDescription, "bale") {
  root_.require_subcommand(0, 1);
  root_.set_help_flag("-h,--help", "print this help");
  root_.set_version_flag("--version", "bale " BALE_PROGRAM_VERSION);
  Arguments(root_).common(common_);
  for (const Verb& verb : all_verbs()) {
    CLI::App* parent = &root_;
    if (!verb.group.empty()) {
      parent = find_app(root_, verb.group);
      if (parent == nullptr) parent = add_app(root_, verb.group, group_summary(verb.group));
    }
    CLI::App* const app = add_app(*parent, verb.name, verb.summary);
    app->footer("Examples:\n" + std::string(verb.examples));
    Arguments arguments(*app);
    declared_.push_back({app, verb.declare(arguments)});
  }
  help_ = add_app(root_, "help", "explain a verb or a topic");
  Arguments(*help_).list("VERB|TOPIC", "the verb or topic", help_words_);
}

// The recognized verbs: {pack, build}.
std::vector<const CLI::App*> CommandLine::selected() const {
  std::vector<const CLI::App*> chain;
  const CLI::App* app = &root_;
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    chain.push_back(app);
  }
  return chain;
}

// The Error for an unknown verb; after `help`, also topics are valid.
Error CommandLine::explain_word(const CLI::App& app, const std::string& word, bool for_help) const {
  const std::string prefix = &app == &root_ ? "" : app.get_name() + " ";
  std::vector<std::string_view> known;
  for (const CLI::App* verb : app.get_subcommands(any_app())) known.push_back(verb->get_name());
  const bool with_topics = for_help && &app == &root_;
  if (with_topics) {
    for (const HelpTopic& topic : help_topics()) known.push_back(topic.name);
  }
  const std::string_view kind = with_topics ? "verb or topic" : "verb";
  const std::string_view meant = nearest(word, known);
  if (meant.empty()) {
    return fail(ErrorCode::kInvalidArgument, "unknown {} '{}{}' (bale help lists them)", kind,
                prefix, word);
  }
  return fail(ErrorCode::kInvalidArgument, "unknown {} '{}{}' (did you mean '{}{}'?)", kind, prefix,
              word, prefix, meant);
}

// The Error for a command line that could not be parsed: CLI11's message, unless ours is better.
Error CommandLine::explain(const std::string& what) const {
  const std::vector<const CLI::App*> chain = selected();
  const CLI::App& app = chain.empty() ? root_ : *chain.back();
  const std::vector<std::string> left_over = root_.remaining(true);
  std::string usage = "bale help";
  for (const CLI::App* verb : chain) usage += " " + verb->get_name();
  const auto option = std::find_if(left_over.begin(), left_over.end(), [](const auto& word) {
    return word.size() > 1 && word.front() == '-';
  });
  const bool expects_verb = !app.get_subcommands(any_app()).empty();
  if (expects_verb && !left_over.empty() && option != left_over.begin()) {
    return explain_word(app, left_over.front());
  }
  if (option != left_over.end()) {
    return fail(ErrorCode::kInvalidArgument, "unknown option '{}' ({} lists the options)", *option,
                usage);
  }
  if (!left_over.empty()) {
    return fail(ErrorCode::kInvalidArgument, "one argument too many: '{}' ({} explains the verb)",
                left_over.front(), usage);
  }
  // "--store: 1 required DIR missing"
  const std::size_t missing = what.find(": 1 required ");
  if (missing != std::string::npos) {
    return fail(ErrorCode::kInvalidArgument, "{} needs a value ({} explains the options)",
                what.substr(0, missing), usage);
  }
  return fail(ErrorCode::kInvalidArgument, "{} ({} explains the verb)", what, usage);
}

Result<std::string> CommandLine::help_of(const std::vector<std::string>& words) {
  if (words.size() == 1) {
    for (const HelpTopic& topic : help_topics()) {
      if (topic.name == words.front()) return std::string(topic.page);
    }
  }
  CLI::App* app = &root_;
  std::string before;
  for (const std::string& word : words) {
    CLI::App* const verb = find_app(*app, word);
    if (verb == nullptr) return explain_word(*app, word, true);
    before += (before.empty() ? "" : " ") + app->get_name();
    app = verb;
  }
  if (app == &root_) return overview();
  return app->help(before);
}

Result<Request> CommandLine::parse(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return Request{.common = {}, .run = {}, .text = overview()};
  Request request;
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    root_.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    std::vector<std::string> words;
    for (const CLI::App* verb : selected()) words.push_back(verb->get_name());
    request.text = TRY(help_of(words));
    return request;
  } catch (const CLI::CallForVersion& version) {
    request.text = std::string(version.what()) + "\n";
    return request;
  } catch (const CLI::ParseError& error) {
    return explain(error.what());
  }
  request.common = common_;
  if (help_->parsed()) {
    request.text = TRY(help_of(help_words_));
    return request;
  }
  for (const Declared& verb : declared_) {
    if (verb.app->parsed()) request.run = verb.run;
  }
  if (!request.run) return explain("no verb is given");
  return request;
}

// Whether a possibly invalid command line asks for JSON.
bool mentions_json(const std::vector<std::string>& arguments) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::find(arguments.begin(), end, "--json") != end;
}

// Prints an error; returns the exit status.
int finish(const Error& error, bool json, Output& out) {
  // The reader has closed the pipe: no message, and no failure.
  if (is_closed_pipe(error)) return kStatusDone;
  print_line(error_line(error));
  if (json) {
    const std::string object = error_json(error);
    static_cast<void>(out.line(object).has_value());
    static_cast<void>(out.flush().has_value());
  }
  return error.code == ErrorCode::kInterrupted ? interrupted_status() : exit_status(error.code);
}

Result<int> run_app(const Request& request, Session& session) {
  if (request.text) {
    TRY(session.out().write(as_bytes(*request.text)));
    TRY(session.out().flush());
    return kStatusDone;
  }
  const int status = TRY(request.run(session));
  session.progress().clear();
  TRY(session.out().flush());
  return status;
}

}  // namespace

int run_program(const std::vector<std::string>& arguments) {
  Result<Request> request = CommandLine().parse(arguments);
  if (!request) {
    // Not cancellable: it only writes text.
    Output out(STDOUT_FILENO, nullptr);
    return finish(request.error(), mentions_json(arguments), out);
  }
  Session session(request->common, cancel_flag());
  const Result<int> status = run_app(*request, session);
  if (status) return *status;
  session.progress().clear();
  // Output before the error is valid; flush it so that lines stay whole.
  static_cast<void>(session.out().flush().has_value());
  Output last(STDOUT_FILENO, nullptr);
  return finish(advised(status.error(), session.memory_bytes()),
                session.json() && !session.out().holds_raw_bytes(), last);
}

}  // namespace bale::cli
