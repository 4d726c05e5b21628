// SPDX-License-Identifier: Apache-2.0

#include "command.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "ketpk/library.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/vary.hpp"

namespace ketpk::cli {
namespace {

constexpr std::string_view title =
    "ketpk: plasma concentrations of low-dose intravenous ketamine from published compartment models, and flags for\n"
    "orders outside configured limits. A research and engineering library, not a medical device.";

constexpr std::string_view closing =
    "An order of 0.5 mg/kg over 40 min, one value per minute for four hours:\n"
    "  ketpk simulate --weight 70kg --age 42yr --analyte racemic-ketamine --form base --drug-free \\\n"
    "                 --dose 0.5mg/kg --over 40min --model kamp2020 --every 1min --until 4h\n"
    "Quantities are a number, at most one blank and a unit; `ketpk units` lists the units.\n"
    "Exit: 0 done, nothing above advisory · 1 wrong usage · 2 invalid input · 3 a soft flag · 4 a hard flag ·\n"
    "5 numerical failure · 6 a required check could not be evaluated · 7 input/output error ·\n8 a sweep with points "
    "that were refused, a cohort with subjects that failed · 130 a cohort that was stopped";

[[noreturn]] void wrong_usage(std::string field, std::string message) {
  throw InvalidInput(Code::usage, std::move(field), std::move(message));
}

/// An option's long name with its dashes, as a user types it.
std::string spelt(const CLI::Option& option) {
  if (!option.get_lnames().empty()) return "--" + option.get_lnames().front();
  if (!option.get_snames().empty()) return "-" + option.get_snames().front();
  return option.get_name();
}

/// The name part of something that looks like an option; anything else may be a value and is not shown.
std::string name_in(const std::string& argument) {
  const std::string name = argument.substr(0, argument.find('='));
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
  const bool plain = name.size() > 1 && name.size() <= 30 && name[0] == '-' &&
                     name.find_first_not_of(letters.data()) == std::string::npos;
  return plain ? name : "arguments";
}

/// Options of one subcommand, each given at most once.
struct Options {
  CLI::App* app;
  std::string group = "Options";

  CLI::Option* value(const std::string& names, const std::string& type, const std::string& about) const {
    return app->add_option(names)->description(about)->type_name(type)->group(group)->multi_option_policy(
        CLI::MultiOptionPolicy::TakeAll);
  }
  CLI::Option* flag(const std::string& names, const std::string& about) const {
    return app->add_flag(names)->description(about)->group(group)->disable_flag_override()->multi_option_policy(
        CLI::MultiOptionPolicy::TakeAll);
  }
  [[nodiscard]] bool given(const std::string& name) const { return app->get_option(name)->count() > 0; }
  /// The same of an option that not every subcommand has.
  [[nodiscard]] bool has_given(const std::string& name) const {
    const CLI::Option* option = app->get_option_no_throw(name);
    return option != nullptr && option->count() > 0;
  }
  [[nodiscard]] std::optional<std::string> text(const std::string& name) const {
    const CLI::Option* option = app->get_option(name);
    return option->count() > 0 ? std::optional(option->results().front()) : std::nullopt;
  }
};

void add_output(Options& options, bool with_csv) {
  options.group = "Output";
  options.flag("--json", "write JSON (errors too)");
  if (with_csv) options.flag("--csv", "write the sampled curve as CSV");
  options.value("-o,--output", "FILE", "write to FILE, through a temporary file beside it")->group("Output");
  options.flag("--force", "replace FILE if it is there");
  if (with_csv) {
    options.value("--save-state", "FILE", "save the course up to an instant, for a later session to go on from");
    options.value("--save-at", "TIME", "that instant; where the curve is asked to end (--until) if left out");
  }
}

constexpr std::array<const char*, 28> session_options{"--weight",
                                                      "--dosing-weight",
                                                      "--height",
                                                      "--age",
                                                      "--sex",
                                                      "--covariate",
                                                      "--analyte",
                                                      "--form",
                                                      "--drug-free",
                                                      "--dose",
                                                      "--rate",
                                                      "--over",
                                                      "--bolus",
                                                      "--into",
                                                      "--bag",
                                                      "--course-every",
                                                      "--course-times",
                                                      "--model",
                                                      "--effect-card",
                                                      "--extrapolate",
                                                      "--assume-enantiomers-alike",
                                                      "--limits",
                                                      "--as-of",
                                                      "--every",
                                                      "--until",
                                                      "--at",
                                                      "--time-above",
                                                      "--sensitivity"};

void add_session(Options& options) {
  options.group = "Session";
  options.value("session", "SESSION.json", "a session file instead of the options below; '-' reads standard input");
  options.group = "Patient";
  options.value("--weight", "MASS", "actual body weight, 70kg (required)");
  options.value("--dosing-weight", "WORD|MASS",
                "what per kg counts: actual (if left out), ideal, adjusted, lean or fat-free, which need height and "
                "sex; or a mass");
  options.value("--height", "LENGTH", "175cm");
  options.value("--age", "AGE", "42yr");
  options.value("--sex", "SEX", "female or male");
  options.value("--covariate", "NAMES", "what else the model looks at: RACE_ASIAN=0,STUDY=2");
  options.group = "Order";
  options.value("--analyte", "NAME", "racemic-ketamine, s-ketamine or r-ketamine (required)");
  options.value("--form", "NAME", "what the milligrams count: base or hydrochloride (required)");
  options.flag("--drug-free", "the patient has no ketamine on board at 0 min (required)");
  options.value("--dose", "DOSE", "an amount to infuse, 0.5mg/kg or 35mg; with --over");
  options.value("--rate", "RATE", "a rate to infuse at instead, 12.5mcg/kg/min or 35mL/h; with --over");
  options.value("--over", "TIME", "how long, 40min");
  options.value("--bolus", "DOSE", "an amount given at 0 min, alone or ahead of the infusion");
  options.value("--into", "NAME",
                "where the bolus or infusion goes, a compartment of the model; into a vein if left out");
  options.value("--bag", "CONC", "drug in the bag, 1mg/mL; needed for a rate in mL/h");
  options.value("--course-every", "TIME", "the order is one session of a course, given again every TIME, 84h");
  options.value("--course-times", "N", "how many sessions the course has; with --course-every");
  options.group = "Model";
  options.value(
      "--model", "ID",
      "`ketpk models list` names them; or a model file, card.json; or several, kamp2020,herd2007, or all (required)");
  options.value("--effect-card", "ID", "the effect site and effects of a study beside the model; `ketpk effects list`");
  options.flag("--extrapolate", "run outside the model's stated domain, and flag it");
  options.flag("--assume-enantiomers-alike", "run an S-ketamine model for a racemic order, and flag it");
  options.group = "Limits";
  options.value("--limits", "FILE", "a limits file, relative to the current folder");
  options.value("--as-of", "DATE", "the day that the limits must be in force, 2026-11-21; today (UTC) if left out");
  options.group = "Curve";
  options.value("--every", "TIME", "sample every TIME from 0 on; with --until");
  options.value("--until", "TIME", "up to TIME");
  options.value("--at", "TIMES", "sample at these instants: 10min,20min");
  options.value("--time-above", "LEVELS", "minutes above these levels: 100ng/mL,200ng/mL");
  options.flag("--sensitivity",
               "what peak, area and minutes above hang on: the model's numbers, weight, dose, duration");
}

void add_cohort(Options& options) {
  options.group = "Cohort";
  options.value("--subjects", "N", "how many subjects (required)");
  options.value("--seed", "N", "a whole number; the same seed draws the same subjects again (required)");
  options.value("--first", "N", "the number of the first subject, where a part of a cohort is asked; 0 if left out");
  options.value(
      "--people", "FILE",
      "who they are: people.csv with weight_kg, height_cm, age_yr, sex (one subject a row), or people.json with "
      "distributions; all as the patient if left out");
  options.value("--between-subjects", "WORD", "what differs in the parameters: model (if left out), or none");
  options.flag("--residual-error", "the curves are of observations, with the model's residual error");
  options.value("--percentiles", "LIST", "5,50,95 if left out");
  options.flag("--despite-failures", "statistics of those who were answered, where others failed");
  options.flag("--keep-subjects", "the table of subjects, in --json");
  options.value("--threads", "N", "how many threads may work; 1 if left out; the answer is the same");
}

std::vector<std::string> pieces(const std::string& text) {
  std::vector<std::string> all;
  std::size_t from = 0;
  for (std::size_t comma = text.find(','); comma != std::string::npos; comma = text.find(',', from)) {
    all.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  all.push_back(text.substr(from));
  return all;
}

/// Reads what was given, so that a value that cannot be right is named before something that is missing.
void read_given(const Options& options) {
  if (const auto text = options.text("--weight"))
    validate(Patient{.weight = parse_stated<Stated<dim::body>>(*text, "patient.weight")});
  if (const auto text = options.text("--dosing-weight"))
    if (!from_name<WeightRule>(*text, weight_rule_names, 0))
      (void)parse_stated<Stated<dim::body>>(*text, "patient.dosing_weight");
  if (const auto text = options.text("--height")) (void)parse_stated<Stated<dim::length>>(*text, "patient.height");
  if (const auto text = options.text("--age")) (void)parse_stated<Stated<dim::age>>(*text, "patient.age");
  if (const auto text = options.text("--bolus")) (void)parse_stated<StatedDose>(*text, "order[0].bolus");
  const std::string infusion = options.given("--bolus") ? "order[1]" : "order[0]";
  if (const auto text = options.text("--dose")) (void)parse_stated<StatedDose>(*text, infusion + ".infuse");
  if (const auto text = options.text("--rate")) (void)parse_stated<StatedRate>(*text, infusion + ".infuse_at_rate");
  if (const auto text = options.text("--over")) (void)parse_time(*text, infusion + ".over");
}

/// Throws where something that every session needs was not given.
void require_complete(const Options& options) {
  struct Needed {
    bool given;
    Code code;
    std::string_view field, message;
  };
  const bool infusion = options.given("--dose") || options.given("--rate");
  const bool bolus = options.given("--bolus");
  const std::string over = std::string("order[") + (bolus ? "1" : "0") + "].over";
  const auto rate = options.text("--rate");
  const bool by_pump = rate && rate->find("mL") != std::string::npos;
  const std::array<Needed, 12> all{{
      {options.given("--weight") || options.has_given("--people"), Code::field_missing, "patient.weight",
       "not given; accepted: --weight with the actual body weight, as in --weight 70kg"},
      {options.given("--analyte"), Code::field_missing, "analyte",
       "not given; accepted: --analyte racemic-ketamine, s-ketamine or r-ketamine"},
      {options.given("--form"), Code::field_missing, "form",
       "not given; accepted: --form base or hydrochloride, whichever the milligrams count"},
      {options.given("--drug-free"), Code::state, "initial_state",
       "not declared; accepted: --drug-free, where the patient has no ketamine on board at 0 min"},
      {infusion || bolus, Code::field_missing, "order",
       "not given; accepted: --dose 0.5mg/kg --over 40min, --rate 12.5mcg/kg/min --over 40min, or --bolus 10mg"},
      {!infusion || options.given("--over"), Code::field_missing, over,
       "not given; accepted: --over with the duration of the infusion, as in --over 40min (an amount at once is "
       "--bolus)"},
      {infusion || !options.given("--over"), Code::field_missing, "order",
       "a duration without an infusion; accepted: --over together with --dose or --rate"},
      {options.given("--model"), Code::field_missing, "model",
       "not given; accepted: --model with one of the ids that `ketpk models list` names"},
      {!by_pump || options.given("--bag"), Code::field_missing, "bag.concentration",
       "not given, and a pump rate needs it; accepted: --bag with the concentration of the bag, as in --bag 1mg/mL"},
      {!options.given("--course-every") || options.given("--course-times"), Code::field_missing, "course.times",
       "not given; accepted: --course-times with --course-every, as in --course-times 6"},
      {!options.given("--course-times") || options.given("--course-every"), Code::field_missing, "course.every",
       "not given; accepted: --course-every with --course-times, as in --course-every 84h"},
      {!options.given("--every") || options.given("--until"), Code::field_missing, "observe.until",
       "not given; accepted: --until with --every, as in --until 4h"},
  }};
  for (const Needed& needed : all) {
    if (needed.given) continue;
    read_given(options);
    throw InvalidInput(needed.code, std::string(needed.field), std::string(needed.message));
  }
}

/// A whole number in a document; anything else as the text it is, which is refused where it is read.
io::Json whole_number(const std::string& text) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  const bool is_plain = error == std::errc{} && end == text.data() + text.size() && (n == 0 || text[0] != '0');
  return is_plain ? io::Json(n) : io::Json(text);
}

/// NAME=NUMBER, one or several. Throws E_PARSE, E_FIELD_DUPLICATE(patient.covariates).
io::Json covariates_of(const std::string& text) {
  constexpr std::string_view field = "patient.covariates";
  io::Json all = io::Json::object();
  for (const std::string& piece : pieces(text)) {
    const std::size_t equals = piece.find('=');
    require(equals != std::string::npos && equals > 0, Code::parse, field,
            "not a name and a number; accepted: NAME=NUMBER, several with commas between them");
    const std::string name = piece.substr(0, equals);
    require(!all.contains(name), Code::field_duplicate, field, "stated twice; accepted: each name once");
    all[name] = parse_number(std::string_view(piece).substr(equals + 1), field);
  }
  return all;
}

/// The session document that the options amount to.
io::Json session_of(const Options& options) {
  io::Json document{{"schema", "ketpk.session/1"}};
  const auto put = [&](io::Json& into, const char* key, const char* option) {
    if (auto text = options.text(option)) into[key] = std::move(*text);
  };
  io::Json& patient = document["patient"] = io::Json::object();
  put(patient, "weight", "--weight");
  put(patient, "height", "--height");
  put(patient, "age", "--age");
  put(patient, "sex", "--sex");
  put(patient, "dosing_weight", "--dosing-weight");
  if (const auto text = options.text("--covariate")) patient["covariates"] = covariates_of(*text);
  put(document, "analyte", "--analyte");
  put(document, "form", "--form");
  document["initial_state"] = "drug-free";
  io::Json& order = document["order"] = io::Json::array();
  if (auto text = options.text("--bolus")) order.push_back({{"bolus", std::move(*text)}, {"at", "0 min"}});
  io::Json infusion = io::Json::object();
  put(infusion, "infuse", "--dose");
  put(infusion, "infuse_at_rate", "--rate");
  put(infusion, "over", "--over");
  if (!infusion.empty()) {
    infusion["at"] = "0 min";
    order.push_back(std::move(infusion));
  }
  if (const auto text = options.text("--into"))
    for (io::Json& input : order) input["into"] = *text;
  if (auto text = options.text("--bag")) document["bag"] = {{"concentration", std::move(*text)}};
  if (auto every = options.text("--course-every"))
    document["course"] = {{"every", std::move(*every)}, {"times", whole_number(*options.text("--course-times"))}};
  // No id has a dot or a slash in it.
  const auto model = [](std::string text) {
    return text.find_first_of("./") == std::string::npos ? io::Json(std::move(text))
                                                         : io::Json{{"file", std::move(text)}};
  };
  if (const auto text = options.text("--model")) {
    if (text->find(',') == std::string::npos) {
      document["model"] = model(*text);
    } else {
      io::Json& models = document["model"] = io::Json::array();
      for (std::string& each : pieces(*text)) models.push_back(model(std::move(each)));
    }
  }
  put(document, "effect_card", "--effect-card");
  if (auto text = options.text("--limits")) document["limits"] = {{"file", std::move(*text)}};
  put(document, "as_of", "--as-of");
  if (options.given("--extrapolate")) document["extrapolate"] = true;
  if (options.given("--assume-enantiomers-alike")) document["assume_enantiomers_alike"] = true;
  io::Json observe = io::Json::object();
  put(observe, "every", "--every");
  if (const auto text = options.text("--at")) observe["at"] = pieces(*text);
  put(observe, "until", "--until");
  if (!observe.empty()) document["observe"] = std::move(observe);
  if (const auto text = options.text("--time-above")) document["questions"]["time_above"] = pieces(*text);
  if (options.given("--sensitivity")) document["questions"]["sensitivity"] = true;
  return document;
}

/// What of a session an option states, for those that can be varied.
struct VariedOption {
  std::string_view input, option;
};
constexpr std::array<VariedOption, 10> varied_options{{{"dose", "--dose"},
                                                       {"rate", "--rate"},
                                                       {"duration", "--over"},
                                                       {"bolus", "--bolus"},
                                                       {"weight", "--weight"},
                                                       {"dosing_weight", "--dosing-weight"},
                                                       {"height", "--height"},
                                                       {"age", "--age"},
                                                       {"bag", "--bag"},
                                                       {"model", "--model"}}};

/// One `--vary NAME=…` as a sweep's document has it.
io::Json varied_of(const Options& options, const std::string& text, std::size_t number) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals + 1 == text.size())
    wrong_usage("--vary", "not an input and its values; accepted: NAME=VALUE,VALUE or NAME=FROM:TO:POINTS");
  const std::string name = text.substr(0, equals);
  std::string names = "model";
  for (const std::string_view each : varied_names) names += ", " + std::string(each);
  require(name == "model" || from_name<Varied>(name, varied_names, 0), Code::range,
          "vary[" + std::to_string(number) + "].input", "nothing that can be varied; accepted: " + names);
  io::Json axis{{"input", name}};
  const std::string values = text.substr(equals + 1);
  if (axis["input"] == "model") {
    if (values == "all")
      axis["models"] = values;
    else
      axis["models"] = pieces(values);
    return axis;
  }
  if (axis["input"] == "pause") {
    if (!options.given("--pause-at"))
      throw InvalidInput(Code::field_missing, "vary.at",
                         "not given; accepted: --pause-at with the instant at which the pause begins, 15min");
    axis["at"] = *options.text("--pause-at");
  }
  const std::size_t first = values.find(':'), second = values.find(':', first == std::string::npos ? first : first + 1);
  if (first == std::string::npos) {
    axis["values"] = pieces(values);
    return axis;
  }
  if (second == std::string::npos)
    wrong_usage("--vary",
                "a span without a number of points; accepted: NAME=FROM:TO:POINTS, as in weight=45kg:130kg:18");
  axis["from"] = values.substr(0, first);
  axis["to"] = values.substr(first + 1, second - first - 1);
  axis["points"] = whole_number(values.substr(second + 1));
  return axis;
}

/// The option that states what is varied need not be given: the first value stands in its place.
void state_first_values(const Options& options, const io::Json& vary) {
  for (const io::Json& axis : vary) {
    std::string first = axis.contains("models")
                            ? (axis["models"].is_string() ? std::string(library::shelf.front().first)
                                                          : axis["models"][0].get<std::string>())
                        : axis.contains("values") ? axis["values"][0].get<std::string>()
                                                  : axis["from"].get<std::string>();
    for (const VariedOption& each : varied_options)
      if (axis["input"] == each.input && !options.given(std::string(each.option)))
        options.app->get_option(std::string(each.option))->add_result(std::move(first));
  }
}

std::string called(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : called(*app.get_parent()) + ' ' + app.get_name();
}

/// What no parser sees by itself: repeated options, another option where a value is due, what is left over.
void require_well_formed(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (!option->results().empty() && !option->get_lnames().empty() && option->get_items_expected_max() > 0)
      for (const std::string& value : option->results())
        if (value.starts_with("--"))
          wrong_usage(spelt(*option), "no value; accepted: the option followed by its value");
    if (option->count() > 1 && spelt(*option) != "--vary")
      wrong_usage(spelt(*option), "given more than once; accepted: each option once");
  }
  for (const std::string& left : app.remaining())
    wrong_usage(name_in(left), std::string(left.starts_with("-") && left.size() > 1 ? "an unknown option"
                                                                                    : "more arguments than expected") +
                                   "; accepted: what `" + called(app) + " --help` lists");
}

void require_not_both(const Options& options, const char* one, const char* other) {
  if (options.given(one) && options.given(other))
    wrong_usage(other, std::string("cannot stand beside ") + one + "; accepted: one of the two");
}

Command session_command(Verb verb, const Options& options) {
  Command command{.verb = verb};
  const bool csv = verb == Verb::simulate && options.given("--csv");
  if (csv) require_not_both(options, "--json", "--csv");
  command.format = options.given("--json") ? Format::json : csv ? Format::csv : Format::card;
  command.output = options.text("--output");
  command.force = options.given("--force");
  if (command.output == "-") wrong_usage("--output", "not a file; accepted: a file, or no -o for standard output");
  if (verb == Verb::simulate) {
    command.save_state = options.text("--save-state");
    command.save_at = options.text("--save-at");
    if (command.save_state == "-") wrong_usage("--save-state", "not a file; accepted: the name of a file");
    if (command.save_at && !command.save_state)
      wrong_usage("--save-at", "nothing to save; accepted: --save-at together with --save-state FILE");
    if (command.save_state && command.save_state == command.output)
      wrong_usage("--save-state", "the file that -o writes to; accepted: another file");
  }
  if (command.force && !command.output && !command.save_state)
    wrong_usage("--force", "nothing to replace; accepted: --force together with -o FILE or --save-state FILE");
  if (verb == Verb::simulate && options.given("--data")) {
    for (const char* name : session_options)
      if (std::string_view(name) != "--model") require_not_both(options, "--data", name);
    require_not_both(options, "--data", "session");
    require_not_both(options, "--data", "--save-state");
    if (!options.given("--model"))
      throw InvalidInput(Code::field_missing, "model",
                         "not given; accepted: --model with the id of a built-in model or a model file, card.json");
    command.verb = Verb::predict;
    command.target = *options.text("--model");
    command.data = *options.text("--data");
    if (command.target == "-" && command.data == "-")
      wrong_usage("--data", "standard input twice; accepted: a file for one of model and data");
    command.spread = options.given("--spread");
    if (command.format == Format::card) command.format = Format::csv;
    return command;
  }
  if (verb == Verb::simulate && options.given("--spread"))
    wrong_usage("--spread", "needs a data file; accepted: --spread together with --data");
  bool any = false;
  for (const char* name : session_options) {
    if (options.given("session") && options.given(name))
      wrong_usage(name, "cannot stand beside a session file; accepted: output options, or the options without a file");
    any = any || options.given(name);
  }
  if (options.given("session")) {
    command.target = *options.text("session");
    return command;
  }
  if (!any)
    wrong_usage(std::string(verb == Verb::check ? "check" : "simulate"),
                "nothing to work on; accepted: a session file, '-' for standard input, or options (--help lists them)");
  require_not_both(options, "--dose", "--rate");
  require_not_both(options, "--every", "--at");
  require_complete(options);
  command.session = session_of(options);
  return command;
}

/// What every command that answers at length may be given beside its own options.
void read_output(const Options& options, Command& command) {
  command.output = options.text("--output");
  command.force = options.given("--force");
  if (command.output == "-") wrong_usage("--output", "not a file; accepted: a file, or no -o for standard output");
  if (command.force && !command.output)
    wrong_usage("--force", "nothing to replace; accepted: --force together with -o FILE");
}

Command validate_command(const Options& options) {
  Command command{.verb = Verb::validate};
  require_not_both(options, "--json", "--csv");
  require_not_both(options, "--json", "--markdown");
  require_not_both(options, "--csv", "--markdown");
  command.format = options.given("--json")       ? Format::json
                   : options.given("--csv")      ? Format::csv
                   : options.given("--markdown") ? Format::markdown
                                                 : Format::card;
  command.target = options.text("--model").value_or("");
  command.data = options.text("--data").value_or("");
  for (const char* name : {"--model", "--data"})
    if (options.text(name) == "")
      wrong_usage(name, "no value; accepted: an id, or no " + std::string(name) + " for all");
  read_output(options, command);
  return command;
}

Command sweep_command(const Options& options) {
  Command command{.verb = Verb::sweep};
  require_not_both(options, "--json", "--csv");
  command.format = options.given("--json") ? Format::json : options.given("--csv") ? Format::csv : Format::card;
  read_output(options, command);
  if (const auto map = options.text("--map")) command.map = *map;
  if (options.given("session")) {
    for (const char* name : session_options) require_not_both(options, "session", name);
    for (const char* name : {"--vary", "--pause-at", "--second-solver"}) require_not_both(options, "session", name);
    command.target = *options.text("session");
    return command;
  }
  for (const char* name : {"--every", "--at", "--sensitivity"})
    if (options.given(name))
      wrong_usage(name, "a sweep keeps no curve and no sensitivity; accepted: simulate, which asks one point");
  if (!options.given("--vary"))
    wrong_usage("sweep", "nothing to vary; accepted: a sweep file, '-' for standard input, or --vary with options");
  io::Json vary = io::Json::array();
  for (const std::string& text : options.app->get_option("--vary")->results())
    vary.push_back(varied_of(options, text, vary.size()));
  const bool has_pause =
      std::any_of(vary.begin(), vary.end(), [](const io::Json& axis) { return axis["input"] == "pause"; });
  if (options.given("--pause-at") && !has_pause)
    wrong_usage("--pause-at", "nothing to begin; accepted: --pause-at together with --vary pause=…");
  state_first_values(options, vary);
  require_not_both(options, "--dose", "--rate");
  require_complete(options);
  command.session = io::Json{{"schema", "ketpk.sweep/1"}, {"session", session_of(options)}, {"vary", std::move(vary)}};
  if (options.given("--second-solver")) (*command.session)["second_solver"] = true;
  return command;
}

/// What of a cohort's document the options state.
io::Json cohort_of(const Options& options) {
  io::Json cohort = io::Json::object();
  const auto whole = [&](const char* key, const char* option) {
    if (const auto text = options.text(option)) cohort[key] = whole_number(*text);
  };
  whole("subjects", "--subjects");
  whole("seed", "--seed");
  whole("first", "--first");
  if (auto text = options.text("--people")) {
    const bool is_csv = text->size() > 4 && text->ends_with(".csv");
    cohort["people"] = {{is_csv ? "csv" : "file", std::move(*text)}};
  }
  if (auto text = options.text("--between-subjects")) cohort["between_subjects"] = std::move(*text);
  if (options.given("--residual-error")) cohort["residual_error"] = true;
  if (const auto text = options.text("--percentiles")) {
    io::Json& all = cohort["percentiles"] = io::Json::array();
    for (const std::string& piece : pieces(*text))
      all.push_back(parse_number(piece, "cohort.percentiles[" + std::to_string(all.size()) + ']'));
  }
  if (options.given("--despite-failures")) cohort["despite_failures"] = true;
  if (options.given("--keep-subjects")) cohort["keep_subjects"] = true;
  return cohort;
}

Command cohort_command(const Options& options) {
  Command command{.verb = Verb::cohort};
  require_not_both(options, "--json", "--csv");
  command.format = options.given("--json") ? Format::json : options.given("--csv") ? Format::csv : Format::card;
  command.output = options.text("--output");
  command.force = options.given("--force");
  command.table = options.text("--table");
  for (const char* name : {"--output", "--table"})
    if (options.text(name) == "-") wrong_usage(name, "not a file; accepted: the name of a file");
  if (command.table && command.table == command.output)
    wrong_usage("--table", "the file that -o writes to; accepted: another file");
  if (command.force && !command.output && !command.table)
    wrong_usage("--force", "nothing to replace; accepted: --force together with -o FILE or --table FILE");
  if (const auto text = options.text("--threads")) {
    const io::Json n = whole_number(*text);
    require(n.is_number_unsigned() && n.get<std::uint64_t>() >= 1 && n.get<std::uint64_t>() <= 256, Code::range,
            "threads", "not a number of threads; accepted: 1 to 256");
    command.threads = n.get<unsigned>();
  }
  if (options.given("session")) {
    for (const char* name : session_options) require_not_both(options, "session", name);
    for (const char* name : {"--subjects", "--seed", "--first", "--people", "--between-subjects", "--residual-error",
                             "--percentiles", "--despite-failures", "--keep-subjects"})
      require_not_both(options, "session", name);
    command.target = *options.text("session");
    return command;
  }
  if (options.given("--sensitivity"))
    wrong_usage("--sensitivity", "a cohort keeps no slopes; accepted: simulate, which asks one patient");
  require_not_both(options, "--dose", "--rate");
  require_not_both(options, "--every", "--at");
  require_complete(options);
  for (const auto& [option, field] :
       {std::pair<const char*, const char*>{"--subjects", "cohort.subjects"}, {"--seed", "cohort.seed"}})
    if (!options.given(option))
      throw InvalidInput(Code::field_missing, field,
                         "not given; accepted: " + std::string(option) +
                             " with a whole number, as in --subjects 100000 "
                             "--seed 7");
  io::Json cohort = cohort_of(options);
  command.session =
      io::Json{{"schema", "ketpk.cohort/1"}, {"session", session_of(options)}, {"cohort", std::move(cohort)}};
  return command;
}

}  // namespace

bool wants_json(int argc, const char* const* argv) noexcept {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "--json") return true;
  return false;
}

Command read_command(int argc, const char* const* argv) {
  CLI::App app{std::string(title), "ketpk"};
  app.footer(std::string(closing));
  app.set_help_flag("-h,--help", "this text");
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(34);
  app.allow_extras();

  const auto subcommand = [](CLI::App& parent, const char* name, const char* about) {
    CLI::App* sub = parent.add_subcommand(name, about);
    sub->allow_extras();
    return sub;
  };
  Options simulate{subcommand(app, "simulate", "the curve of an order, what it amounts to, and its flags")};
  add_session(simulate);
  simulate.group = "Data";
  simulate.value("--data", "FILE",
                 "a NONMEM-style data file instead of an order; with --model; '-' reads standard input");
  simulate.flag("--spread", "with --data: the standard deviation of plasma between subjects, by the delta method");
  add_output(simulate, true);
  Options check{subcommand(app, "check", "the flags of an order only; limits are required")};
  add_session(check);
  add_output(check, false);
  Options sweep{subcommand(app, "sweep", "the answers of an order over a grid of inputs, judged at each point")};
  add_session(sweep);
  sweep.group = "Grid";
  sweep.value(
      "--vary", "NAME=VALUES",
      "what is varied, once for each input: dose=0.1mg/kg:1mg/kg:10 (from, to, points), duration=20min,40min, "
      "model=kamp2020,herd2007; of dose, rate, duration, start, bolus, weight, dosing_weight, height, age, bag, "
      "pause, model");
  sweep.value("--pause-at", "TIME", "with --vary pause=…: when the pause begins");
  sweep.flag("--second-solver", "ask both solvers at every point");
  sweep.value("--map", "NAME", "the number that the map shows, a column of --csv; cmax_ng_per_mL if left out");
  add_output(sweep, false);
  sweep.flag("--csv", "write the tidy table, one row a point")->group("Output");
  Options cohort{subcommand(app, "cohort", "what an order does to a population, and how often it crosses limits")};
  add_session(cohort);
  add_cohort(cohort);
  add_output(cohort, false);
  cohort.flag("--csv", "write the bands over time, one row an instant")->group("Output");
  cohort.value("--table", "FILE", "write the table of subjects to FILE, as CSV")->group("Output");
  CLI::App* models =
      subcommand(app, "models", "model cards: the built-in ones, those in files, and what is wrong with them");
  Options list{subcommand(*models, "list", "every model, one line each")};
  list.flag("--json", "write JSON (errors too)");
  Options show{subcommand(*models, "show", "every parameter of one model, with its source and what follows from them")};
  show.value("id", "ID|FILE", "a built-in model, or a model file such as ./card.json; '-' reads standard input");
  show.flag("--json", "write JSON (errors too)");
  show.flag("--card", "write the model file, ketpk.model/1");
  Options lint_model{subcommand(*models, "lint", "everything that is wrong with a model file, or implausible in it")};
  lint_model.value("id", "FILE|ID", "a model file such as ./card.json, or a built-in model; '-' reads standard input");
  lint_model.flag("--json", "write JSON (errors too)");
  CLI::App* effects = subcommand(app, "effects", "effect cards: what studies say of effects, to put beside a model");
  Options list_effects{subcommand(*effects, "list", "every effect card, one line each")};
  list_effects.flag("--json", "write JSON (errors too)");
  Options show_effect{subcommand(*effects, "show", "what one study stated, with its source, and what it did not")};
  show_effect.value("id", "ID", "an effect card");
  show_effect.flag("--json", "write JSON (errors too)");
  Options validate{subcommand(app, "validate", "every model against the concentrations that were measured")};
  validate.value("--model", "ID", "one model only, `ketpk models list` names them");
  validate.value("--data", "ID", "one data set only; a name that is none is answered with those there are");
  validate.flag("--json", "write JSON (errors too)");
  validate.flag("--csv", "write one row for each point");
  validate.flag("--markdown", "write a page with every table");
  validate.value("-o,--output", "FILE", "write to FILE, through a temporary file beside it");
  validate.flag("--force", "replace FILE if it is there");
  CLI::App* limits = subcommand(app, "limits", "limits files");
  Options lint{subcommand(*limits, "lint", "everything that is wrong with a limits file")};
  lint.value("file", "FILE", "the limits file; '-' reads standard input");
  lint.flag("--json", "write JSON (errors too)");
  CLI::App* units = subcommand(app, "units", "the units that quantities may carry");
  Options version{subcommand(app, "version", "the version of this program")};
  version.flag("--verbose", "what it was built with, too");

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return {.verb = Verb::help, .help = app.help()};
  } catch (const CLI::ArgumentMismatch& e) {
    const std::string_view what = e.what();
    wrong_usage(name_in(std::string(what.substr(0, what.find_first_of(": ")))),
                "no value, or a value where none is due; accepted: what --help lists");
  } catch (const CLI::ParseError&) {
    wrong_usage("arguments", "not understood; accepted: what `ketpk --help` lists");
  }

  const auto with_target = [](Verb verb, const Options& options, const char* name, const char* due) {
    require_well_formed(*options.app);
    if (!options.given(name)) wrong_usage(options.app->get_name(), std::string("nothing named; accepted: ") + due);
    return Command{
        .verb = verb, .target = *options.text(name), .format = options.given("--json") ? Format::json : Format::card};
  };
  require_well_formed(app);
  if (*simulate.app || *check.app) {
    const Options& options = *simulate.app ? simulate : check;
    require_well_formed(*options.app);
    return session_command(*simulate.app ? Verb::simulate : Verb::check, options);
  }
  if (*sweep.app) {
    require_well_formed(*sweep.app);
    return sweep_command(sweep);
  }
  if (*cohort.app) {
    require_well_formed(*cohort.app);
    return cohort_command(cohort);
  }
  if (*models) {
    require_well_formed(*models);
    if (*show.app) {
      Command command = with_target(Verb::models_show, show, "id",
                                    "a model's id, as `ketpk models list` names them, or a model file");
      require_not_both(show, "--json", "--card");
      if (show.given("--card")) command.format = Format::file;
      return command;
    }
    if (*lint_model.app) return with_target(Verb::models_lint, lint_model, "id", "a model file, or a model's id");
    if (!*list.app) wrong_usage("models", "nothing asked; accepted: list, show ID or FILE, lint FILE or ID");
    require_well_formed(*list.app);
    return {.verb = Verb::models_list, .format = list.given("--json") ? Format::json : Format::card};
  }
  if (*effects) {
    require_well_formed(*effects);
    if (*show_effect.app)
      return with_target(Verb::effects_show, show_effect, "id",
                         "an effect card's id, as `ketpk effects list` names them");
    if (!*list_effects.app) wrong_usage("effects", "nothing asked; accepted: list, show ID");
    require_well_formed(*list_effects.app);
    return {.verb = Verb::effects_list, .format = list_effects.given("--json") ? Format::json : Format::card};
  }
  if (*validate.app) {
    require_well_formed(*validate.app);
    return validate_command(validate);
  }
  if (*limits) {
    require_well_formed(*limits);
    if (!*lint.app) wrong_usage("limits", "nothing asked; accepted: lint FILE");
    return with_target(Verb::limits_lint, lint, "file", "a limits file");
  }
  if (*units) {
    require_well_formed(*units);
    return {.verb = Verb::units};
  }
  if (*version.app) {
    require_well_formed(*version.app);
    return {.verb = Verb::version, .verbose = version.given("--verbose")};
  }
  wrong_usage("arguments",
              "no command; accepted: simulate, check, sweep, cohort, models, effects, validate, limits, units, "
              "version, --help");
}

}  // namespace ketpk::cli
