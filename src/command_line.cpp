// SPDX-License-Identifier: Apache-2.0

#include "command_line.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <Eigen/Core>
#include <boost/version.hpp>

#include "cohort_file.hpp"
#include "command.hpp"
#include "evidence_text.hpp"
#include "ketpk/drawing.hpp"
#include "ketpk/io.hpp"
#include "ketpk/ketpk.hpp"
#include "ketpk/library.hpp"
#include "ketpk/population.hpp"
#include "ketpk/report.hpp"
#include "ketpk/report_cohort.hpp"
#include "ketpk/report_effect_cards.hpp"
#include "ketpk/report_spread.hpp"
#include "ketpk/report_sweep.hpp"
#include "ketpk/simulate.hpp"
#include "model_lint.hpp"
#include "session.hpp"
#include "strict_json.hpp"
#include "sweep_file.hpp"

namespace {

using namespace ketpk;
using cli::Command;
using cli::Format;
using cli::Verb;

namespace exit_code {
constexpr int done = 0, usage = 1, input = 2, soft = 3, hard = 4, numerical = 5, unevaluated = 6, io = 7,
              failed_points = 8, failed_subjects = 8, stopped = 130;
}

int exit_of(Code code) {
  switch (code) {
    case Code::usage: return exit_code::usage;
    case Code::io:
    case Code::nomem: return exit_code::io;
    case Code::solver:
    case Code::solver_maxsteps:
    case Code::internal_check: return exit_code::numerical;
    default: return exit_code::input;
  }
}

/// Of several, the first of 4, 6, 3, 0; a required check counts only where there are limits.
int exit_of(const Result& result) {
  bool soft = false, hard = false, unevaluated = false;
  for (const Flag& f : result.assessment.flags) {
    hard = hard || f.severity == Severity::hard;
    soft = soft || f.severity == Severity::soft;
  }
  if (result.inputs.limits)
    for (const Check& c : result.assessment.checks)
      unevaluated = unevaluated || (c.required && c.outcome == CheckOutcome::unevaluated);
  return hard ? exit_code::hard : unevaluated ? exit_code::unevaluated : soft ? exit_code::soft : exit_code::done;
}

[[noreturn]] void refuse_output(const char* message) { throw InvalidInput(Code::io, "output", message); }

/// Writes all of `bytes`; false where the other end is closed or full.
bool write_all(int descriptor, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

/// A new file beside the one that is wanted. It goes away unless it was given its name.
class TemporaryFile {
 public:
  TemporaryFile(const std::filesystem::path& folder, mode_t mode) {
    for (int i = 0; i < 100 && descriptor_ < 0; ++i) {
      path_ = folder / (".ketpk-" + std::to_string(::getpid()) + '-' + std::to_string(i));
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
      if (descriptor_ < 0 && errno != EEXIST) break;
    }
    if (descriptor_ < 0) refuse_output("the folder cannot be written to; accepted: a file in a writable folder");
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  void write(std::string_view bytes) {
    const bool written = write_all(descriptor_, bytes) && ::fsync(descriptor_) == 0;
    const bool closed = ::close(std::exchange(descriptor_, -1)) == 0;
    if (!written || !closed)
      refuse_output("could not be written in full, nothing was kept; accepted: a folder with enough room");
  }
  void replace(const std::filesystem::path& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0)
      refuse_output("could not be given its name; accepted: a writable folder");
    path_.clear();
  }
  /// As `replace`, but only where nothing has that name.
  void become(const std::filesystem::path& target) const {
    if (::link(path_.c_str(), target.c_str()) == 0) return;
    refuse_output(errno == EEXIST ? "the file exists; accepted: another name, or --force to replace it"
                                  : "could not be given its name; accepted: a writable folder");
  }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Where `-o` leads: the file behind symbolic links, and whether there is one.
struct Destination {
  std::filesystem::path file;
  bool exists = false;
  mode_t mode = 0666;
};

/// Throws E_IO(output) unless a file of that name can be made, or replaced with `force`.
Destination destination(const std::string& name, bool force) {
  if (name.empty() || name.find_first_of("\n\r") != std::string::npos)
    refuse_output("not a usable name; accepted: the name of a file");
  struct stat facts {};
  if (::lstat(name.c_str(), &facts) != 0) {
    if (errno != ENOENT) refuse_output("cannot be reached; accepted: a file in a writable folder");
    const std::filesystem::path path(name);
    if (!path.has_filename()) refuse_output("not a file; accepted: the name of a file");
    return {.file = path};
  }
  std::error_code error;
  Destination to{.file = std::filesystem::canonical(name, error), .exists = true};
  if (error || ::stat(to.file.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode))
    refuse_output("exists and is not a regular file; accepted: the name of a file");
  if (!force) refuse_output("the file exists; accepted: another name, or --force to replace it");
  to.mode = facts.st_mode & 07777;
  return to;
}

void write_file(const Destination& to, std::string_view bytes) {
  const std::filesystem::path folder = to.file.has_parent_path() ? to.file.parent_path() : std::filesystem::path(".");
  TemporaryFile file(folder, to.mode);
  file.write(bytes);
  if (to.exists)
    file.replace(to.file);
  else
    file.become(to.file);
  if (const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); descriptor >= 0) {
    ::fsync(descriptor);
    ::close(descriptor);
  }
}

void write_standard_output(std::string_view bytes) {
  if (!write_all(STDOUT_FILENO, bytes) || ::close(STDOUT_FILENO) != 0)
    throw InvalidInput(Code::io, "stdout",
                       "could not be written in full; accepted: an open standard output with enough room");
}

CardStyle card_style() {
  const char* terminal = std::getenv("TERM");
  const bool able = terminal != nullptr && std::string_view(terminal) != "dumb";
  return {.colour = able && std::getenv("NO_COLOR") == nullptr && ::isatty(STDOUT_FILENO) == 1};
}

std::chrono::year_month_day today() { return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()); }

/// The document that was asked with, and where its files are looked for.
struct Asked {
  io::Json document;
  io::SessionContext context;
};

Asked asked_by(const Command& command) {
  if (command.session)
    return {*command.session, {.folder = std::filesystem::current_path(), .today = today(), .confined = false}};
  const bool standard_input = command.target == "-";
  const std::string bytes = standard_input ? io::read_stdin() : io::read_file(command.target, "session");
  std::filesystem::path folder =
      standard_input ? std::filesystem::path() : std::filesystem::path(command.target).parent_path();
  if (folder.empty()) folder = ".";
  return {io::parse_strict(bytes), {.folder = std::move(folder), .today = today()}};
}

std::string told(const Command& command, const Result& r) {
  const CardStyle style = command.output ? CardStyle{} : card_style();
  if (command.verb == Verb::check)
    return command.format == Format::json ? to_json(AssessmentView{r}, version)
                                          : to_card(AssessmentView{r}, version, style);
  if (command.format == Format::json) return to_json(r, version);
  if (command.format == Format::csv) return to_csv(r);
  return to_card(r, version, drawing_of(r), style);
}

/// One line on standard error, and the same as JSON on standard output where that was asked for.
template <class Error>
int refused(const Error& error, bool json) {
  (void)write_all(STDERR_FILENO, error_line(error));
  if (json) (void)write_all(STDOUT_FILENO, error_json(error));
  return exit_of(error.code);
}

/// The instant that a state is saved at: the one stated, else where the curve is asked to end.
Micros saved_instant(const Command& command, const Observe& observe) {
  if (command.save_at) return parse_time(*command.save_at, "save_at");
  if (observe.until) return *observe.until;
  require(!observe.at.empty(), Code::field_missing, "save_at",
          "not stated, and no end of the curve is; accepted: --save-at with an instant such as 40min, or --until");
  return observe.at.back();
}

/// Of several models the worst counts.
int exit_of(const Spread& spread) {
  constexpr std::array<int, 4> order{exit_code::hard, exit_code::unevaluated, exit_code::soft, exit_code::done};
  for (const int code : order)
    if (std::any_of(spread.results.begin(), spread.results.end(), [&](const Result& r) { return exit_of(r) == code; }))
      return code;
  return exit_code::done;
}

int run_spread(const Command& command, const Asked& asked) {
  if (command.save_state)
    throw InvalidInput(Code::usage, "--save-state", "one course, and several models are asked; accepted: one model");
  std::optional<Destination> to;
  if (command.output) to = destination(*command.output, command.force);
  const auto spread = compare(io::understand_spread(asked.document, asked.context));
  if (const auto* trouble = std::get_if<Trouble>(&spread)) return refused(*trouble, command.format == Format::json);
  const Spread& all = std::get<Spread>(spread);
  const std::string text = command.format == Format::json  ? to_json(all, version)
                           : command.format == Format::csv ? to_csv(all)
                                                           : to_card(all, version, to ? CardStyle{} : card_style());
  if (to)
    write_file(*to, text);
  else
    write_standard_output(text);
  return exit_of(all);
}

int run_session(const Command& command) {
  const Asked asked = asked_by(command);
  if (command.verb == Verb::simulate && io::asks_several_models(asked.document)) return run_spread(command, asked);
  std::optional<Destination> to, state_to;
  if (command.output) to = destination(*command.output, command.force);
  if (command.save_state) state_to = destination(*command.save_state, command.force);
  const Request request = io::understand_session(asked.document, asked.context);
  require(command.verb != Verb::check || request.limits.has_value(), Code::field_missing, "limits",
          "not given, and a check compares with limits; accepted: --limits FILE, or limits in the session");
  const Outcome outcome = simulate(request);
  if (const Trouble* trouble = std::get_if<Trouble>(&outcome)) return refused(*trouble, command.format == Format::json);
  const Result& result = std::get<Result>(outcome);
  const std::string text = told(command, result);
  if (state_to)
    write_file(*state_to,
               io::state_json(saved_state(result, saved_instant(command, request.observe)), request.model.id, version));
  if (to)
    write_file(*to, text);
  else
    write_standard_output(text);
  return exit_of(result);
}

/// Of all points the first of 4, 8, 6, 3, 0.
int exit_of(const Sweep& all) {
  const auto any_flag = [&](Severity severity) {
    const auto& worst = all.answers.worst;
    return std::any_of(worst.begin(), worst.end(), [&](const std::optional<Severity>& w) { return w == severity; });
  };
  const auto& open = all.answers.not_evaluated;
  if (any_flag(Severity::hard)) return exit_code::hard;
  if (report_detail::refused_of(all) > 0) return exit_code::failed_points;
  if (all.asked.base.limits &&
      std::any_of(open.begin(), open.end(), [](const std::string& ids) { return !ids.empty(); }))
    return exit_code::unevaluated;
  return any_flag(Severity::soft) ? exit_code::soft : exit_code::done;
}

int run_sweep(const Command& command) {
  std::optional<Destination> to;
  if (command.output) to = destination(*command.output, command.force);
  const Asked asked = asked_by(command);
  const Sweep all = sweep(io::understand_sweep(asked.document, asked.context));
  const std::string text =
      command.format == Format::json ? to_json(all, version)
      : command.format == Format::csv
          ? to_csv(all)
          : to_card(all, version, command.map.empty() ? MapOf{} : MapOf{command.map}, to ? CardStyle{} : card_style());
  if (to)
    write_file(*to, text);
  else
    write_standard_output(text);
  return exit_of(all);
}

/// Set by an interrupt, and looked at between parts of a cohort.
volatile std::sig_atomic_t is_interrupted = 0;

/// While it lives, an interrupt asks to stop instead of ending the program.
class InterruptWatch {
 public:
  InterruptWatch() {
    is_interrupted = 0;
    struct sigaction ask {};
    ask.sa_handler = [](int) { is_interrupted = 1; };
    ::sigemptyset(&ask.sa_mask);
    is_set_ = ::sigaction(SIGINT, &ask, &before_) == 0;
  }
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
  ~InterruptWatch() {
    if (is_set_) ::sigaction(SIGINT, &before_, nullptr);
  }

 private:
  struct sigaction before_ {};
  bool is_set_ = false;
};

/// A bar on standard error, where that is a terminal; nothing anywhere else. It is gone when the work is done.
class ProgressBar {
 public:
  ProgressBar() {
    const char* terminal = std::getenv("TERM");
    is_shown_ = terminal != nullptr && std::string_view(terminal) != "dumb" && ::isatty(STDERR_FILENO) == 1;
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() {
    if (is_drawn_) (void)write_all(STDERR_FILENO, "\r\x1b[K");
  }

  void tell(std::uint64_t done, std::uint64_t of) {
    constexpr std::size_t columns = 40;
    if (!is_shown_ || of == 0) return;
    const double share = static_cast<double>(done) / static_cast<double>(of);
    const auto filled = std::min(columns, static_cast<std::size_t>(share * columns));
    const std::string text = "\r[" + std::string(filled, '=') + std::string(columns - filled, ' ') + "] " +
                             std::to_string(static_cast<int>(100 * share)) + " % of " + std::to_string(of) +
                             " subjects\x1b[K";
    if (text == last_) return;
    (void)write_all(STDERR_FILENO, text);
    last_ = text;
    is_drawn_ = true;
  }

 private:
  bool is_shown_ = false, is_drawn_ = false;
  std::string last_;
};

/// 8 where subjects failed; else by the verdict, where a limit says how often it may be crossed.
int exit_of(const Cohort& cohort) {
  if (cohort.failures() > 0) return exit_code::failed_subjects;
  const auto& limits = cohort.inputs.each.limits;
  if (!limits || std::none_of(limits->limits.begin(), limits->limits.end(),
                              [](const Limit& limit) { return limit.most_probability.has_value(); }))
    return exit_code::done;
  const Assessment& a = cohort.assessment;
  const auto any_flag = [&](Severity s) {
    return std::any_of(a.flags.begin(), a.flags.end(), [s](const Flag& f) { return f.severity == s; });
  };
  if (any_flag(Severity::hard)) return exit_code::hard;
  if (std::any_of(a.checks.begin(), a.checks.end(),
                  [](const Check& c) { return c.required && c.outcome == CheckOutcome::unevaluated; }))
    return exit_code::unevaluated;
  return any_flag(Severity::soft) ? exit_code::soft : exit_code::done;
}

int run_cohort(const Command& command) {
  std::optional<Destination> to, table_to;
  if (command.output) to = destination(*command.output, command.force);
  if (command.table) table_to = destination(*command.table, command.force);
  Asked asked = asked_by(command);
  if (table_to && asked.document.is_object())
    if (const auto cohort = asked.document.find("cohort"); cohort != asked.document.end() && cohort->is_object())
      (*cohort)["keep_subjects"] = true;
  const CohortRequest request = io::understand_cohort(asked.document, asked.context);
  const auto answer = [&] {
    const InterruptWatch watch;
    ProgressBar bar;
    return simulate_cohort(request,
                           {.threads = command.threads, .on_progress = [&](std::uint64_t done, std::uint64_t of) {
                              bar.tell(done, of);
                              return is_interrupted == 0;
                            }});
  }();
  if (std::holds_alternative<Stopped>(answer)) {
    (void)write_all(STDERR_FILENO, "ketpk: stopped before the end; nothing was written\n");
    return exit_code::stopped;
  }
  const Cohort& cohort = std::get<Cohort>(answer);
  if (command.format == Format::csv && !cohort.has_statistics)
    (void)write_all(STDERR_FILENO, "ketpk: " + std::to_string(cohort.failures()) + " of " + std::to_string(cohort.in) +
                                       " subjects failed, so there are no statistics; accepted: --despite-failures for "
                                       "those of the others, --json for who failed\n");
  const std::string text = command.format == Format::json  ? to_json(cohort, version)
                           : command.format == Format::csv ? to_csv(cohort)
                                                           : to_card(cohort, version, to ? CardStyle{} : card_style());
  if (table_to) write_file(*table_to, subjects_csv(cohort));
  if (to)
    write_file(*to, text);
  else
    write_standard_output(text);
  return exit_of(cohort);
}

std::string units_text() {
  struct Heading {
    Dimension dimension;
    std::string_view name;
  };
  constexpr std::array<Heading, 15> headings{{{dim::drug, "drug"},
                                              {dim::body, "body mass"},
                                              {dim::length, "height"},
                                              {dim::age, "age"},
                                              {dim::dose, "drug per body mass"},
                                              {dim::rate, "rate"},
                                              {dim::dose_rate, "rate per body mass"},
                                              {dim::flow, "pump rate, clearance"},
                                              {dim::flow_per_body, "clearance per body mass"},
                                              {dim::concentration, "concentration"},
                                              {dim::time, "time"},
                                              {dim::volume, "volume"},
                                              {dim::volume_per_body, "volume per body mass"},
                                              {dim::rate_constant, "rate constant"},
                                              {dim::body_mass_index, "body mass index"}}};
  std::string text = "A quantity is a number, at most one blank and one of these units, spelt exactly so:\n";
  for (const Heading& heading : headings) {
    text += "  " + report_detail::padded(heading.name, 26);
    std::string units;
    for (const AnyUnit& u : unit_list)
      if (u.dimension == heading.dimension) units += (units.empty() ? "" : "  ") + std::string(u.name);
    text += units + '\n';
  }
  return text;
}

std::string version_text(bool verbose) {
  std::string text = "ketpk " + std::string(version) + '\n';
  if (!verbose) return text;
  const auto number = [](int x) { return std::to_string(x); };
  text += "compiler " __VERSION__ "\n";
  text += "C++ " + std::to_string(__cplusplus) + '\n';
  text += "Eigen " + number(EIGEN_WORLD_VERSION) + '.' + number(EIGEN_MAJOR_VERSION) + '.' +
          number(EIGEN_MINOR_VERSION) + '\n';
  text += "Boost " + number(BOOST_VERSION / 100000) + '.' + number(BOOST_VERSION / 100 % 1000) + '.' +
          number(BOOST_VERSION % 100) + '\n';
  text += "nlohmann/json " + number(NLOHMANN_JSON_VERSION_MAJOR) + '.' + number(NLOHMANN_JSON_VERSION_MINOR) + '.' +
          number(NLOHMANN_JSON_VERSION_PATCH) + '\n';
  text +=
      "reads ketpk.session/1 ketpk.limits/1 ketpk.model/1 ketpk.state/1, writes ketpk.result/1 ketpk.check/1 "
      "ketpk.state/1 ketpk.table/1 ketpk.evidence/1 ketpk.lint/1\n";
  return text;
}

std::string models_text() {
  using report_detail::padded;
  std::string text =
      padded("id", 17) + padded("sampled", 12) + padded("analytes", 18) + padded("confidence", 13) + "model\n";
  for (const ModelCard& card : library::cards()) {
    std::string analytes;
    for (const Analyte a : card.analytes) analytes += (analytes.empty() ? "" : ",") + std::string(name_of(a));
    const std::string_view confidence =
        card.not_for_use.empty() ? confidence_names[static_cast<std::size_t>(card.confidence)] : "not for use";
    text += padded(card.id, 17) + padded(name_of(card.site), 12) + padded(analytes, 18) + padded(confidence, 13) +
            card.label + '\n';
  }
  return text;
}

/// The bytes of a model file, or of a built-in model as its file would be. What is no built-in id is a file if it is
/// `-` or has a dot or a slash in it. Throws E_MODEL_UNKNOWN(model).
std::string model_bytes(const std::string& target) {
  const auto built_in = [&](const auto& each) { return each.first == target; };
  const bool is_id = std::any_of(library::shelf.begin(), library::shelf.end(), built_in);
  if (is_id || (target != "-" && target.find_first_of("./") == std::string::npos))
    return io::write_model(library::find(target));
  return target == "-" ? io::read_stdin() : io::read_file(target, "model");
}

int run_data(const Command& command) {
  std::optional<Destination> to;
  if (command.output) to = destination(*command.output, command.force);
  const ModelCard card = io::read_model(model_bytes(command.target));
  require(card.data_units.has_value(), Code::model_param, "data_units",
          "the card does not say how its data are read; accepted: a card with data_units");
  const Dataset data = io::read_data(
      command.data == "-" ? io::read_stdin(io::most_data_bytes)
                          : io::read_file(command.data, "data", io::most_data_bytes),
      {.units = *card.data_units, .compartments = compartments_of(card), .covariates = covariates_of(card)});
  const auto answer = predict(card, data, {.is_checked = true, .has_spread = command.spread});
  if (const auto* trouble = std::get_if<Trouble>(&answer)) return refused(*trouble, command.format == Format::json);
  const Predictions& predictions = std::get<Predictions>(answer);
  const io::Table table = io::table_of(predictions, data, *card.data_units);
  const std::string text =
      command.format == Format::json ? io::table_json(table, {card, predictions, version}) : io::write_table(table);
  if (to)
    write_file(*to, text);
  else
    write_standard_output(text);
  return exit_code::done;
}

int run_validation(const Command& command) {
  std::optional<Destination> to;
  if (command.output) to = destination(*command.output, command.force);
  const bool one_model = !command.target.empty(), one_data = !command.data.empty();
  const auto answer =
      validation(one_model ? std::vector<ModelCard>{library::find(command.target)} : library::cards(),
                 one_data ? std::vector<Observations>{observed::find(command.data)} : observed::data_sets());
  if (const auto* trouble = std::get_if<Trouble>(&answer)) return refused(*trouble, command.format == Format::json);
  const Validation& found = std::get<Validation>(answer);
  const auto text = [&] {
    switch (command.format) {
      case Format::json: return io::evidence_json(found, version);
      case Format::csv: return io::evidence_csv(found);
      case Format::markdown: return io::evidence_markdown(found, version);
      default: return io::evidence_card(found, one_model || one_data);
    }
  }();
  if (to)
    write_file(*to, text);
  else
    write_standard_output(text);
  return exit_code::done;
}

void show_model(const Command& command) {
  const ModelCard card = io::read_model(model_bytes(command.target));
  switch (command.format) {
    case Format::json: return write_standard_output(io::model_card_json(card));
    case Format::file: return write_standard_output(io::write_model(card));
    default: return write_standard_output(io::model_card_text(card, card_style().colour));
  }
}

std::string effects_text() {
  using report_detail::padded;
  std::string text =
      padded("id", 16) + padded("constant", 12) + padded("effects", 9) + padded("confidence", 13) + "study\n";
  for (const EffectCard& card : library::effect_cards())
    text +=
        padded(card.id, 16) + padded(card.ke0 ? report_detail::stated_text(*card.ke0) : "none", 12) +
        padded(std::to_string(card.effects.size()), 9) +
        padded(card.not_for_use.empty() ? report_detail::pick(confidence_names, card.confidence) : "not for use", 13) +
        card.label + '\n';
  return text;
}

void show_effect(const Command& command) {
  const EffectCard card = library::find_effect(command.target, "id");
  write_standard_output(command.format == Format::json ? to_json(std::span(&card, 1)) : to_card(card, card_style()));
}

int lint_model(const Command& command) {
  const std::vector<io::ModelFinding> findings = io::lint_model(model_bytes(command.target));
  const io::ModelFinding* first_error = nullptr;
  for (const io::ModelFinding& f : findings)
    if (first_error == nullptr && f.severity == io::LintSeverity::error) first_error = &f;
  std::string text;
  if (command.format == Format::json) {
    report_detail::JsonText json;
    const auto members = [&](const io::ModelFinding& f) {
      json.member("code", f.code);
      json.member("field", f.field);
      json.member("message", f.message);
    };
    json.object([&] {
      json.member("schema", "ketpk.lint/1");
      if (first_error != nullptr) json.object("error", [&] { members(*first_error); });
      json.array("findings", findings, [&](const io::ModelFinding& f) {
        json.object([&] {
          json.member("severity", report_detail::pick(io::lint_severity_names, f.severity));
          members(f);
        });
      });
    });
    text = std::move(json.text) + '\n';
  } else {
    for (const io::ModelFinding& f : findings)
      text += std::string(report_detail::pick(io::lint_severity_names, f.severity)) + ' ' +
              report_detail::one_line(f.code + ' ' + f.field + ": " + f.message) + '\n';
    if (findings.empty()) text = "nothing found: every golden value was computed again\n";
  }
  write_standard_output(text);
  if (first_error == nullptr) return exit_code::done;
  (void)write_all(STDERR_FILENO, report_detail::one_line("ketpk: " + first_error->code + ' ' + first_error->field +
                                                         ": " + first_error->message) +
                                     '\n');
  return exit_code::input;
}

int lint(const Command& command) {
  const std::string bytes = command.target == "-" ? io::read_stdin() : io::read_file(command.target, "limits");
  const auto findings = io::lint_limits(bytes, today());
  std::string text;
  if (command.format == Format::json) {
    report_detail::JsonText json;
    json.object([&] {
      json.member("schema", "ketpk.lint/1");
      if (!findings.empty())
        json.object("error", [&] {
          json.member("code", name_of(findings.front().code));
          json.member("field", findings.front().field);
          json.member("message", findings.front().message);
        });
      json.array("findings", findings, [&](const io::LintFinding& f) {
        json.object([&] {
          json.member("code", name_of(f.code));
          json.member("field", f.field);
          json.member("message", f.message);
        });
      });
    });
    text = std::move(json.text) + '\n';
  } else {
    for (const io::LintFinding& f : findings)
      text += report_detail::one_line(std::string(name_of(f.code)) + ' ' + f.field + ": " + f.message) + '\n';
    if (findings.empty()) text = "nothing found: the file can be used today\n";
  }
  write_standard_output(text);
  if (findings.empty()) return exit_code::done;
  const auto& first = findings.front();
  (void)write_all(STDERR_FILENO, error_line(InvalidInput(first.code, first.field, first.message)));
  return exit_of(first.code);
}

int run(const Command& command) {
  switch (command.verb) {
    case Verb::help: write_standard_output(command.help); break;
    case Verb::version: write_standard_output(version_text(command.verbose)); break;
    case Verb::units: write_standard_output(units_text()); break;
    case Verb::models_list:
      write_standard_output(command.format == Format::json ? to_json(std::span<const ModelCard>(library::cards()))
                                                           : models_text());
      break;
    case Verb::models_show: show_model(command); break;
    case Verb::models_lint: return lint_model(command);
    case Verb::effects_list:
      write_standard_output(command.format == Format::json
                                ? to_json(std::span<const EffectCard>(library::effect_cards()))
                                : effects_text());
      break;
    case Verb::effects_show: show_effect(command); break;
    case Verb::limits_lint: return lint(command);
    case Verb::simulate:
    case Verb::check: return run_session(command);
    case Verb::predict: return run_data(command);
    case Verb::sweep: return run_sweep(command);
    case Verb::cohort: return run_cohort(command);
    case Verb::validate: return run_validation(command);
  }
  return exit_code::done;
}

/// A closed standard stream stays closed: no file that is opened later can take its number.
void hold_standard_streams() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(descriptor, F_GETFD) == -1)
      (void)::open("/dev/null", (descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
}

}  // namespace

int ketpk::cli::run_command_line(int argc, const char* const* argv) {
  hold_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  const bool json = cli::wants_json(argc, argv);
  try {
    return run(cli::read_command(argc, argv));
  } catch (const InvalidInput& e) {
    return refused(e, json);
  } catch (const std::bad_alloc&) {
    // NOTE: nothing may be allocated here.
    (void)write_all(STDERR_FILENO, "ketpk: E_NOMEM memory: not enough memory; accepted: a smaller request\n");
    if (json)
      (void)write_all(STDOUT_FILENO,
                      "{\"error\": {\"code\": \"E_NOMEM\", \"field\": \"memory\", \"message\": \"not enough memory; "
                      "accepted: a smaller "
                      "request\"}}\n");
    return exit_code::io;
  } catch (const std::system_error&) {
    return refused(InvalidInput(Code::io, "files", "cannot be reached; accepted: paths that exist and may be read"),
                   json);
  } catch (const std::exception&) {
    return refused(Trouble{Code::internal_check, "ketpk", "a check of the program on itself failed; no result"}, json);
  }
}
