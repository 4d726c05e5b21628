// SPDX-License-Identifier: Apache-2.0

#include "session.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "effects_file.hpp"
#include "fields.hpp"
#include "ketpk/effect.hpp"
#include "ketpk/effect_cards.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/library.hpp"
#include "limits_file.hpp"
#include "state_file.hpp"

namespace ketpk::io {
namespace {

using Names = std::string_view;  // of keys
using StatedMass = Stated<dim::body>;
using StatedConcentration = Stated<dim::concentration>;

constexpr std::size_t most_overrides = 100;
constexpr std::size_t most_levels = 1'000;
constexpr std::size_t most_models = 100;
constexpr std::size_t most_covariates = 100;

Patient patient_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 6>{"weight", "height", "age", "sex", "dosing_weight", "covariates"});
  Patient patient{.weight = quantity_of<StatedMass>(fields.required("weight", "a body mass such as 70 kg"))};
  if (const auto height = fields.optional("height")) patient.height = quantity_of<Stated<dim::length>>(*height);
  if (const auto age = fields.optional("age")) patient.age = quantity_of<Stated<dim::age>>(*age).value();
  if (const auto sex = fields.optional("sex")) patient.sex = word_of<Sex>(*sex, sex_names);
  if (const auto mass = fields.optional("dosing_weight")) {
    const std::string word = mass->value.is_string() ? mass->value.get<std::string>() : std::string();
    if (const auto rule = from_name<WeightRule>(word, weight_rule_names, 0)) {
      patient.dosing_weight = *rule;
    } else {
      require(word.empty() || word.find_first_of("0123456789") != std::string::npos, Code::parse, mass->path,
              "not a body mass; accepted: actual, ideal, adjusted, lean, fat-free, or a body mass such as 70 kg");
      patient.dosing_weight = quantity_of<StatedMass>(*mass);
    }
  }
  if (const auto covariates = fields.optional("covariates")) {
    require(covariates->value.is_object(), Code::type, covariates->path,
            "not an object; accepted: {\"NAME\": number} for what else the model looks at");
    require(covariates->value.size() <= most_covariates, Code::size, covariates->path, "too many; accepted: up to 100");
    const Fields stated(*covariates);
    for (const auto& [name, value] : covariates->value.items()) {
      require_name(name, covariates->path, "_-");
      patient.covariates.push_back({name, number_of(*stated.optional(name))});
    }
  }
  return patient;
}

Input input_of(const Node& node) {
  constexpr std::array<Names, 3> kinds{"infuse", "infuse_at_rate", "bolus"};
  const Fields fields(node);
  fields.only(std::array<Names, 6>{"infuse", "infuse_at_rate", "bolus", "over", "at", "into"});
  std::string_view kind;
  for (const Names name : kinds) {
    if (!fields.has(name)) continue;
    require(kind.empty(), Code::field_unknown, fields.path(name),
            "a second kind of input in one; accepted: one of infuse, infuse_at_rate, bolus");
    kind = name;
  }
  require(!kind.empty(), Code::field_missing, node.path,
          "no kind of input; accepted: one of infuse, infuse_at_rate, bolus");
  const Node what = fields.required(kind, "");
  const auto at_node = fields.optional("at");
  const Micros at = at_node ? elapsed_of(*at_node) : Micros{0};
  const auto into_node = fields.optional("into");
  const std::string into = into_node ? text_of(*into_node) : std::string();
  if (kind == "bolus") {
    require(!fields.has("over"), Code::field_unknown, fields.path("over"),
            "a bolus has no duration; accepted: bolus and at");
    return Bolus{quantity_of<StatedDose>(what), at, into};
  }
  const Micros over = elapsed_of(fields.required("over", "a duration such as 40 min"));
  if (kind == "infuse") return Infuse{quantity_of<StatedDose>(what), over, at, into};
  return InfuseAtRate{quantity_of<StatedRate>(what), over, at, into};
}

/// A whole number from 0 on. Throws E_TYPE; E_RANGE(`message`) where it is past anything that can be counted here.
std::uint64_t count_of(const Node& node, std::string_view message) {
  require(node.value.is_number_integer(), Code::type, node.path, "not a whole number; accepted: one without a unit");
  require(node.value.is_number_unsigned() && node.value.get<std::uint64_t>() <= most_inputs, Code::range, node.path,
          message);
  return node.value.get<std::uint64_t>();
}

/// The number of an entry of `order`, or `saved[0]`.
void read_target(const Node& node, Event& event) {
  constexpr Names accepted = "not an infusion; accepted: its number in order, counted from 0, or saved[0] and so on";
  if (node.value.is_number_unsigned()) {
    const auto number = node.value.get<std::uint64_t>();
    require(number < most_inputs, Code::range, node.path,
            "no such entry of order; accepted: the number of an infusion in order, counted from 0");
    event.input = static_cast<std::size_t>(number);
    return;
  }
  require(node.value.is_string(), Code::type, node.path, accepted);
  const Names text = node.value.get_ref<const std::string&>();
  const bool shaped = text.starts_with("saved[") && text.ends_with(']') && text.size() > 7 && text.size() < 13;
  require(shaped, Code::parse, node.path, accepted);
  const Names digits = text.substr(6, text.size() - 7);
  require(digits.find_first_not_of("0123456789") == Names::npos && (digits.size() == 1 || digits[0] != '0'),
          Code::parse, node.path, accepted);
  event.of_saved = true;
  for (const char c : digits) event.input = event.input * 10 + static_cast<std::size_t>(c - '0');
}

Event event_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 9>{"pause", "resume", "stop", "change_rate", "restart_remainder", "at", "to", "over",
                                   "session"});
  Names verb;
  for (const Names name : act_names) {
    if (!fields.has(name)) continue;
    require(verb.empty(), Code::field_unknown, fields.path(name),
            "a second verb in one event; accepted: one of pause, resume, stop, change_rate, restart_remainder");
    verb = name;
  }
  require(!verb.empty(), Code::field_missing, node.path,
          "no verb; accepted: one of pause, resume, stop, change_rate, restart_remainder");
  for (const auto& [key, owner] : {std::pair<Names, Names>{"to", "change_rate"}, {"over", "restart_remainder"}})
    require(!fields.has(key) || verb == owner, Code::field_unknown, fields.path(key),
            "means nothing with this verb; accepted: with " + std::string(owner));
  Event event{.input = 0, .at = elapsed_of(fields.required("at", "an instant such as 12 min")), .act = Pause{}};
  read_target(fields.required(verb, ""), event);
  if (const auto session = fields.optional("session"))
    event.session = static_cast<std::size_t>(
        count_of(*session, "no such session; accepted: the number of a session of the course, counted from 0"));
  if (verb == "resume") event.act = Resume{};
  if (verb == "stop") event.act = Stop{};
  if (verb == "change_rate")
    event.act = ChangeRate{quantity_of<StatedRate>(fields.required("to", "a rate such as 10 mcg/kg/min"))};
  if (verb == "restart_remainder")
    event.act = RestartRemainder{elapsed_of(fields.required("over", "a duration such as 20 min"))};
  return event;
}

Pump pump_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 3>{"rate_step", "line", "flush"});
  Pump pump;
  if (const auto step = fields.optional("rate_step")) pump.rate_step = quantity_of<Stated<dim::flow>>(*step);
  if (const auto part = fields.optional("line")) {
    const Fields line(*part);
    line.only(std::array<Names, 2>{"dead_volume", "primed_with"});
    pump.line = Line{
        quantity_of<Stated<dim::volume>>(line.required("dead_volume", "the volume from pump to vein, such as 1.5 mL")),
        word_of<Primed>(line.required("primed_with", "drug, diluent"), primed_names)};
  }
  if (const auto part = fields.optional("flush")) {
    const Fields flush(*part);
    flush.only(std::array<Names, 3>{"volume", "over", "at"});
    pump.flush = Flush{quantity_of<Stated<dim::volume>>(flush.required("volume", "a volume such as 5 mL")),
                       elapsed_of(flush.required("over", "a duration such as 2 min")),
                       elapsed_of(flush.required("at", "an instant such as 42 min"))};
  }
  require(pump.rate_step || pump.line || pump.flush, Code::field_missing, node.path,
          "says nothing; accepted: rate_step, line, flush, or no pump");
  return pump;
}

void read_bag(const Node& bag, Order& order) {
  const Fields fields(bag);
  fields.only(std::array<Names, 3>{"concentration", "vials", "diluent"});
  order.bag = quantity_of<StatedConcentration>(fields.required("concentration", "a concentration such as 1 mg/mL"));
  if (!fields.has("vials") && !fields.has("diluent")) return;
  const Node vials = fields.required("vials", "a list of objects with amount and volume, beside diluent");
  const Node diluent =
      fields.required("diluent", "the volume that the vials were added to, such as 45 mL; 0 mL for none");
  BagContents contents{.vials = {}, .diluent = quantity_of<Stated<dim::volume>>(diluent)};
  for (const Node& node : list_of(vials, most_vials)) {
    const Fields vial(node);
    vial.only(std::array<Names, 2>{"amount", "volume"});
    contents.vials.push_back({quantity_of<Stated<dim::drug>>(vial.required("amount", "the drug in it, such as 50 mg")),
                              quantity_of<Stated<dim::volume>>(vial.required("volume", "its volume, such as 5 mL"))});
  }
  order.bag_contents = std::move(contents);
}

CoursePlan course_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 3>{"every", "times", "at"});
  if (!fields.has("at")) {
    const Micros every = elapsed_of(fields.required("every", "an interval such as 84 h with times, or at with a list"));
    const Node times = fields.required("times", "how many sessions, a whole number");
    require(!times.value.is_number_unsigned() || times.value.get<std::uint64_t>() <= most_inputs, Code::size,
            times.path, "too many sessions; accepted: up to 10000");
    return course_every(every, static_cast<std::size_t>(count_of(times, "no session; accepted: one or more")));
  }
  for (const Names other : {"every", "times"})
    require(!fields.has(other), Code::field_unknown, fields.path(other),
            "stands beside at; accepted: every with times, or at");
  const Node at = fields.required("at", "");
  const std::vector<Node> starts = list_of(at, most_inputs);
  const auto dated = std::count_if(starts.begin(), starts.end(), looks_like_date);
  if (dated == 0) {
    CoursePlan plan{.starts = {}};
    for (const Node& start : starts) plan.starts.push_back(elapsed_of(start));
    ketpk::detail::require_starts(plan.starts);
    return plan;
  }
  std::vector<std::chrono::sys_time<Micros>> dates;
  std::vector<std::string> texts;
  for (const Node& start : starts) {
    require(looks_like_date(start), Code::parse, start.path,
            "beside dates, and no date; accepted: dates with an offset for all sessions, or times since the first");
    dates.push_back(world_instant_of(start));
    texts.push_back(start.value.get<std::string>());
  }
  CoursePlan plan = course_on(dates);
  plan.dates = std::move(texts);
  return plan;
}

Order order_of(const Fields& session) {
  Order order;
  order.analyte =
      word_of<Analyte>(session.required("analyte", "racemic-ketamine, s-ketamine, r-ketamine"), analyte_names, 1);
  order.form = word_of<Form>(session.required("form", "base, hydrochloride"), form_names, 1);
  const auto initial = session.optional("initial_state");
  require(initial.has_value(), Code::state, "initial_state", "not declared; accepted: drug-free, or a saved state");
  constexpr std::array<Names, 2> states{"undeclared", "drug-free"};
  const bool saved = initial->value.is_object();  // read later, when it is known whose state it must be
  order.initial_state = saved ? InitialState::saved : word_of<InitialState>(*initial, states, 1, Code::state);
  const Node inputs = session.required("order", "a list of inputs");
  for (const Node& input : list_of(inputs, most_inputs)) order.inputs.push_back(input_of(input));
  require(!order.inputs.empty() || saved, Code::field_missing, inputs.path, "empty; accepted: at least one input");
  if (const auto bag = session.optional("bag")) read_bag(*bag, order);
  if (const auto events = session.optional("events"))
    for (const Node& node : list_of(*events, most_events)) order.events.push_back(event_of(node));
  if (const auto pump = session.optional("pump")) order.pump = pump_of(*pump);
  if (const auto course = session.optional("course")) order.course = course_of(*course);
  return order;
}

/// Throws E_MODEL_PARAM(`path`) unless x > 0, or x = 0 where that means "no such flow".
void check_parameter(double x, bool may_be_zero, const std::string& path) {
  require(x > 0 || (may_be_zero && x == 0), Code::model_param, path,
          may_be_zero ? "negative; accepted: zero or more" : "not positive; accepted: more than zero");
}

CardParameter parameter_of(const Fields& from, std::string_view name) {
  const bool is_flow = name.starts_with('C') || name.starts_with('Q');
  const auto node = from.optional(name);
  require(node.has_value(), Code::model_param, from.path(name),
          "not stated; accepted: every parameter of each compartment that is there");
  const auto same = [&](const auto& stated) { return StatedParameter(stated.number(), stated.unit(), node->path); };
  const StatedParameter value = is_flow ? same(quantity_of<Stated<dim::flow, dim::flow_per_body>>(*node))
                                : name.starts_with('V')
                                    ? same(quantity_of<Stated<dim::volume, dim::volume_per_body>>(*node))
                                    : same(quantity_of<Stated<dim::rate_constant>>(*node));
  check_parameter(value.number(), name.starts_with('Q'), node->path);
  return {.name = std::string(name), .value = value, .weight_exponent = 0, .source = "stated in the session"};
}

/// The parameters of `groups` (central compartment first); a group is there if any of its names is.
template <std::size_t N>
std::vector<CardParameter> parameters_of(const Fields& from, const std::array<std::array<Names, 2>, N>& groups) {
  std::vector<CardParameter> parameters;
  for (std::size_t i = 0; i < N; ++i) {
    if (i > 0 && !from.has(groups[i][0]) && !from.has(groups[i][1])) continue;
    for (const Names name : groups[i]) parameters.push_back(parameter_of(from, name));
  }
  return parameters;
}

constexpr std::array<std::array<Names, 2>, 3> clearances{{{"V1", "CL"}, {"Q2", "V2"}, {"Q3", "V3"}}};
constexpr std::array<std::array<Names, 2>, 3> micro_constants{{{"V1", "k10"}, {"k12", "k21"}, {"k13", "k31"}}};
constexpr std::array<std::array<Names, 2>, 2> metabolite_clearances{{{"V1", "CL"}, {"Q2", "V2"}}};

std::vector<CardParameter> parent_parameters_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 11>{"CL", "V1", "Q2", "V2", "Q3", "V3", "k10", "k12", "k21", "k13", "k31"});
  const auto first_of = [&](const std::array<Names, 5>& names) {
    const auto found = std::find_if(names.begin(), names.end(), [&](Names name) { return fields.has(name); });
    return found == names.end() ? Names{} : *found;
  };
  const Names rate = first_of({"k10", "k12", "k21", "k13", "k31"});
  if (rate.empty()) return parameters_of(fields, clearances);
  const Names flow = first_of({"CL", "Q2", "V2", "Q3", "V3"});
  require(flow.empty(), Code::model_param, fields.path(flow),
          "stands beside micro-constants; accepted: CL V1 Q2 V2 Q3 V3, or V1 k10 k12 k21 k13 k31");
  return parameters_of(fields, micro_constants);
}

void add_weight_rules(const Fields& custom, ModelCard& card) {
  const auto exponents = custom.optional("weight_exponents");
  const auto reference = custom.optional("reference_weight");
  if (!exponents) {
    require(!reference, Code::field_missing, custom.path("weight_exponents"),
            "a reference weight means nothing without them; accepted: an object such as {\"CL\": 0.75}");
    return;
  }
  const Node mass = custom.required("reference_weight", "the body mass at which the parameters hold, such as 70 kg");
  card.reference_weight_kg = quantity_of<StatedMass>(mass).value().in(unit::kg);
  require(card.reference_weight_kg >= 0.2 && card.reference_weight_kg <= 700, Code::range, mass.path,
          "outside body mass; accepted: 0.2 to 700 kg");
  const Fields fields(*exponents);
  std::vector<Names> names;
  for (const CardParameter& p : card.parameters) names.push_back(p.name);
  if (const auto others = fields.unknown(names.data(), names.size()); !others.empty()) throw others.front();
  for (CardParameter& p : card.parameters) {
    const auto node = fields.optional(p.name);
    if (!node) continue;
    p.weight_exponent = number_of(*node);
    require(p.weight_exponent >= -3 && p.weight_exponent <= 3, Code::range, node->path,
            "no plausible exponent; accepted: -3 to 3");
    require(p.value.unit().dimension.body == 0, Code::model_param, node->path,
            "the parameter is already stated per kg; accepted: an exponent or a per-kg unit");
  }
}

CardMetabolite metabolite_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 7>{"name", "fraction", "V1", "CL", "Q2", "V2", "apparent"});
  CardMetabolite metabolite{.name = text_of(fields.required("name", "a name such as norketamine")),
                            .fraction = number_of(fields.required("fraction", "0 to 1.1 mg formed per mg eliminated")),
                            .parameters = {},
                            .apparent = false,
                            .source = "stated in the session"};
  const std::string& name = metabolite.name;
  require_name(name, fields.path("name"), "_-");
  require(name != "plasma" && name != "effect_site", Code::field_duplicate, fields.path("name"),
          "the name of another curve; accepted: any other name");
  require(metabolite.fraction >= 0 && metabolite.fraction <= 1.1, Code::model_param, fields.path("fraction"),
          "not a mass fraction; accepted: 0 to 1.1 mg formed per mg eliminated");
  metabolite.parameters = parameters_of(fields, metabolite_clearances);
  if (const auto apparent = fields.optional("apparent")) metabolite.apparent = truth_of(*apparent);
  return metabolite;
}

ModelCard custom_model_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 7>{"analytes", "site", "parameters", "effect_site", "metabolites", "weight_exponents",
                                   "reference_weight"});
  ModelCard card{.id = "custom",
                 .label = "custom model",
                 .citation = "custom model, no citation",
                 .doi = {},
                 .analytes = {},
                 .parameters = {}};
  const Node analytes = fields.required("analytes", "a list of racemic-ketamine, s-ketamine, r-ketamine");
  for (const Node& analyte : list_of(analytes, analyte_names.size() - 1)) {
    const auto a = word_of<Analyte>(analyte, analyte_names, 1);
    require(std::find(card.analytes.begin(), card.analytes.end(), a) == card.analytes.end(), Code::field_duplicate,
            analyte.path, "stands twice; accepted: each analyte once");
    card.analytes.push_back(a);
  }
  require(!card.analytes.empty(), Code::field_missing, analytes.path, "empty; accepted: at least one analyte");
  card.site = word_of<Site>(fields.required("site", "not-stated, arterial, venous"), site_names);
  card.parameters = parent_parameters_of(fields.required("parameters", "CL V1 Q2 V2 Q3 V3, or V1 k10 k12 k21 k13 k31"));
  add_weight_rules(fields, card);
  if (const auto site = fields.optional("effect_site")) {
    const Fields effect(*site);
    effect.only(std::array<Names, 2>{"ke0", "source"});
    const Node ke0 = effect.required("ke0", "a rate constant such as 0.2 1/min");
    const auto stated = quantity_of<Stated<dim::rate_constant>>(ke0);
    check_parameter(stated.number(), false, ke0.path);
    card.ke0 = CardParameter{.name = "ke0",
                             .value = StatedParameter(stated.number(), stated.unit(), ke0.path),
                             .weight_exponent = 0,
                             .source = text_of(effect.required("source", "where the constant comes from"))};
  }
  if (const auto metabolites = fields.optional("metabolites")) {
    std::set<std::string> names;
    for (const Node& metabolite : list_of(*metabolites, most_metabolites)) {
      card.metabolites.push_back(metabolite_of(metabolite));
      require(names.insert(card.metabolites.back().name).second, Code::field_duplicate, metabolite.path + ".name",
              "two metabolites of one name; accepted: each name once");
    }
  }
  return card;
}

}  // namespace

std::filesystem::path named_file(const Node& node, const SessionContext& context) {
  require(node.value.is_string(), Code::type, node.path, "not a text; accepted: the path of a file");
  const std::filesystem::path name(node.value.get_ref<const std::string&>());
  auto path = context.folder / name;
  if (!context.confined) return path;
  std::error_code no_folder, no_file;
  const auto folder = std::filesystem::canonical(context.folder.empty() ? "." : context.folder, no_folder);
  auto file = std::filesystem::canonical(path, no_file);
  const bool climbs = std::find(name.begin(), name.end(), "..") != name.end();
  const bool below = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first == folder.end();
  require(!no_folder && !no_file && !climbs && below, Code::io, node.path,
          "no such file in the session's folder; accepted: a path relative to that folder, without ..");
  return file;
}

namespace {

ModelCard model_of(const Node& node, const SessionContext& context) {
  if (node.value.is_string()) return library::find(node.value.get_ref<const std::string&>());
  require(node.value.is_object(), Code::type, node.path,
          "not a model; accepted: the id of a built-in model, {\"file\": \"card.json\"} or {\"custom\": {…}}");
  const Fields fields(node);
  if (fields.has("card")) {
    fields.only(std::array<Names, 1>{"card"});
    return read_model(fields.required("card", "").value.dump());
  }
  if (!fields.has("file")) {
    fields.only(std::array<Names, 1>{"custom"});
    return custom_model_of(fields.required("custom", "an object with analytes, site and parameters"));
  }
  fields.only(std::array<Names, 2>{"file", "sha256"});
  const Node file = fields.required("file", "");
  const std::string bytes = read_file(named_file(file, context), file.path);
  if (const auto pin = fields.optional("sha256"))
    require(text_of(*pin) == sha256(bytes), Code::model_param, pin->path,
            "the model file has other bytes; accepted: the file with this SHA-256");
  return read_model(bytes);
}

Limits limits_of(const Node& node, const SessionContext& context) {
  const Fields fields(node);
  if (!fields.has("file")) {
    Limits limits = understand_limits(node.value);
    limits.sha256 = sha256(node.value.dump());
    return limits;
  }
  fields.only(std::array<Names, 2>{"file", "sha256"});
  const Node file = fields.required("file", "");
  const std::string bytes = read_file(named_file(file, context), file.path);
  const std::string hash = sha256(bytes);
  if (const auto pin = fields.optional("sha256")) {
    const std::string pinned = text_of(*pin);
    require(pinned.size() == hash.size() && pinned.find_first_not_of("0123456789abcdef") == std::string::npos,
            Code::parse, pin->path, "not a SHA-256; accepted: 64 lower-case hexadecimal digits");
    require(pinned == hash, Code::limits_hash, pin->path,
            "the limits file has other bytes; accepted: the file with this SHA-256");
  }
  Limits limits = understand_limits(parse_strict(bytes, node.path));
  limits.sha256 = hash;
  return limits;
}

/// `{"saved": FILE or state, "under_way": WORD}`, or the state itself.
void read_initial_state(const Node& node, const SessionContext& context, Request& request) {
  validate(request.patient);
  const Whom who = whom(request.model, request.patient);
  const Whose whose{who, request.patient, request.order.analyte};
  const Fields fields(node);
  if (fields.has("schema")) {
    request.order.saved = understand_state(node, whose);
    return;
  }
  fields.only(std::array<Names, 2>{"saved", "under_way"});
  const Node saved = fields.required("saved", "the file of a saved state, or the state itself");
  if (saved.value.is_string()) {
    const Json document = parse_strict(read_file(named_file(saved, context), saved.path), saved.path);
    request.order.saved = understand_state({document, saved.path}, whose);
  } else {
    request.order.saved = understand_state(saved, whose);
  }
  if (const auto word = fields.optional("under_way"))
    request.order.under_way = word_of<UnderWay>(*word, under_way_names, 1);
}

Observe observe_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 3>{"every", "at", "until"});
  Observe observe;
  if (const auto until = fields.optional("until")) observe.until = elapsed_of(*until);
  if (const auto at = fields.optional("at")) {
    require(!fields.has("every"), Code::field_unknown, fields.path("every"),
            "stands beside at; accepted: every with until, or at");
    for (const Node& instant : list_of(*at, most_instants)) {
      const Micros t = elapsed_of(instant);
      require(observe.at.empty() || t >= observe.at.back(), Code::time_order, instant.path,
              "earlier than the instant ahead of it; accepted: instants in order of time");
      observe.at.push_back(t);
    }
    require(!observe.at.empty(), Code::field_missing, at->path, "empty; accepted: at least one instant");
    return observe;
  }
  if (observe.until && !fields.has("every")) return observe;  // nothing is sampled; `until` ends the time above
  const Node every = fields.required("every", "a step such as 1 min with until, or at with a list of instants");
  observe.every = elapsed_of(every);
  require(observe.every->count() > 0, Code::range, every.path, "no step; accepted: more than zero");
  require(observe.until.has_value(), Code::field_missing, fields.path("until"),
          "not stated; accepted: an end such as 4 h");
  require(static_cast<std::size_t>(*observe.until / *observe.every) < most_instants, Code::size, every.path,
          "too many instants; accepted: up to 1000000");
  return observe;
}

Override override_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 3>{"flag", "reason", "by"});
  return {.flag = text_of(fields.required("flag", "the code of one flag")),
          .reason = text_of(fields.required("reason", "why it is done all the same")),
          .by = text_of(fields.required("by", "who decided"))};
}

void read_questions(const Node& node, Request& request) {
  const Fields fields(node);
  fields.only(std::array<Names, 2>{"time_above", "sensitivity"});
  std::vector<StatedConcentration>& levels = request.time_above;
  if (const auto above = fields.optional("time_above")) {
    for (const Node& level : list_of(*above, most_levels)) {
      levels.push_back(quantity_of<StatedConcentration>(level));
      require(levels.back().number() > 0, Code::range, level.path, "no concentration; accepted: more than zero");
    }
  }
  if (const auto asked = fields.optional("sensitivity")) request.sensitivity = truth_of(*asked);
}

void check_schema(const Fields& fields) {
  const auto schema = fields.optional("schema");
  require(schema && schema->value == "ketpk.session/1", Code::schema_version, "schema",
          "not a session this program knows; accepted: ketpk.session/1");
}

Fields session_fields(const Json& document) {
  const Fields fields(Node{document, ""});
  check_schema(fields);
  fields.only(std::array<Names, 20>{"schema",        "patient",   "analyte",     "form",
                                    "initial_state", "order",     "course",      "bag",
                                    "events",        "pump",      "model",       "effect_card",
                                    "effects",       "limits",    "as_of",       "overrides",
                                    "observe",       "questions", "extrapolate", "assume_enantiomers_alike"});
  return fields;
}

/// "all", or a list of models.
bool names_several(const Node& model) { return model.value.is_array() || model.value == "all"; }

Request request_of(const Fields& fields, const SessionContext& context, ModelCard card) {
  Request request{.patient = patient_of(fields.required("patient", "an object with at least weight")),
                  .order = order_of(fields),
                  .model = std::move(card)};
  if (const auto allowed = fields.optional("extrapolate")) request.allowances.extrapolate = truth_of(*allowed);
  if (const auto allowed = fields.optional("assume_enantiomers_alike"))
    request.allowances.assume_enantiomers_alike = truth_of(*allowed);
  if (const auto study = fields.optional("effect_card"))
    request.model = with_effects(std::move(request.model), library::find_effect(text_of(*study), study->path),
                                 request.allowances, study->path);
  if (const auto effects = fields.optional("effects")) {
    std::vector<CardEffect> all = request.model.effects;
    for (const Node& node : list_of(*effects, most_effects)) {
      all.push_back(stated_effect_of(node, request.model, all));
      request.effects.push_back(all.back());
    }
  }
  if (request.order.initial_state == InitialState::saved)
    read_initial_state(*fields.optional("initial_state"), context, request);
  if (const auto limits = fields.optional("limits")) {
    require(context.limits == nullptr, Code::field_duplicate, limits->path,
            "given beside the session too; accepted: limits in one place");
    request.limits = limits_of(*limits, context);
  } else if (context.limits != nullptr) {
    request.limits = *context.limits;
  }
  if (const auto as_of = fields.optional("as_of"))
    request.as_of = day_of(*as_of);
  else if (request.limits)
    request.as_of = context.today;
  if (request.limits) validate(*request.limits, *request.as_of);
  if (const auto overrides = fields.optional("overrides"))
    for (const Node& node : list_of(*overrides, most_overrides)) request.overrides.push_back(override_of(node));
  if (const auto observe = fields.optional("observe")) request.observe = observe_of(*observe);
  if (const auto questions = fields.optional("questions")) read_questions(*questions, request);
  return request;
}

}  // namespace

Request understand_session(const Json& document, const SessionContext& context, std::span<const ModelCard> others) {
  const Fields fields = session_fields(document);
  const Node model = fields.required("model", "the id of a built-in model, a file, or {\"custom\": {…}}");
  require(!names_several(model), Code::model_unknown, model.path,
          "several models, and one answer is asked; accepted: the id of one model, or several with simulate and the "
          "vary of a sweep");
  Request request = request_of(fields, context, model_of(model, context));
  std::vector<ModelCard> asked(others.begin(), others.end());
  asked.push_back(request.model);
  require_looked_at(request.patient, asked);
  return request;
}

bool asks_several_models(const Json& document) {
  if (!document.is_object()) return false;
  const auto model = document.find("model");
  return model != document.end() && names_several({*model, "model"});
}

std::vector<ModelCard> understand_models(const Node& node, const SessionContext& context) {
  require(names_several(node), Code::type, node.path, "not several models; accepted: \"all\", or a list of models");
  if (node.value.is_string()) return library::cards();
  std::vector<ModelCard> models;
  for (const Node& each : list_of(node, most_models)) models.push_back(model_of(each, context));
  require(!models.empty(), Code::field_missing, node.path, "empty; accepted: at least one model");
  return models;
}

SpreadRequest understand_spread(const Json& document, const SessionContext& context) {
  const Fields fields = session_fields(document);
  const Node node = fields.required("model", "\"all\", or a list of models");
  for (const Names key : {"effects", "effect_card"})
    require(!fields.has(key), Code::field_unknown, fields.path(key),
            "stands beside several models, whose curves differ; accepted: effects beside one model");
  const Node state = fields.required("initial_state", "drug-free");
  require(state.value.is_string(), Code::state, state.path,
          "saved with one model, and several are asked; accepted: one model, or drug-free");
  std::vector<ModelCard> models = understand_models(node, context);
  Request each = request_of(fields, context, models.front());
  require_looked_at(each.patient, models);
  return {std::move(each), std::move(models)};
}

}  // namespace ketpk::io
