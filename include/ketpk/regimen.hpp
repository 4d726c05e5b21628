// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: an order says what somebody asked for, per kg or not, salt or base, by amount or by rate. A regimen
// says what that is in mg of base for one dosing weight. Per-kg orders are resolved here, once, and never again.
// An order is one session. A course says when it is given again; a regimen has every session of it written out.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/error.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/sum.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

using StatedDose = Stated<dim::drug, dim::dose>;
using StatedRate = Stated<dim::rate, dim::dose_rate, dim::flow>;

/// An amount over a duration.
struct Infuse {
  StatedDose amount;
  Micros over;
  Micros at{0};
  std::string into = {};  ///< a compartment of the model; empty: the central one, into a vein
};

/// A rate for a duration. A volume rate needs the concentration of the bag.
struct InfuseAtRate {
  StatedRate rate;
  Micros over;
  Micros at{0};
  std::string into = {};
};

/// An amount at an instant.
struct Bolus {
  StatedDose amount;
  Micros at{0};
  std::string into = {};
};

using Input = std::variant<Infuse, InfuseAtRate, Bolus>;

/// One input in mg of base. `over` is zero for a bolus, whose rate is then zero too.
struct Dose {
  Micros at;
  Micros over;
  double amount_mg;
  double rate_mg_per_min;
  std::string into = {};  ///< a compartment of the model; empty: the central one, into a vein

  [[nodiscard]] bool is_intravenous() const noexcept { return into.empty() || into == "central"; }
  [[nodiscard]] bool is_bolus() const noexcept { return over.count() == 0; }
  [[nodiscard]] Micros end() const noexcept { return at + over; }
  friend bool operator==(const Dose&, const Dose&) = default;
};

/// What can be done to a running infusion. The amount ordered stays the cap of all of them.
struct Pause {};
struct Resume {};  ///< at the rate that was running; the end moves by the pause
struct Stop {};
struct ChangeRate {  ///< the end moves to where the ordered amount is in
  StatedRate to;
};
struct RestartRemainder {  ///< after a stop: what is left of the ordered amount over a new duration
  Micros over;
};
using Act = std::variant<Pause, Resume, Stop, ChangeRate, RestartRemainder>;
inline constexpr std::array<std::string_view, 5> act_names{"pause", "resume", "stop", "change_rate",
                                                           "restart_remainder"};
[[nodiscard]] constexpr std::string_view name_of(const Act& act) noexcept { return act_names[act.index()]; }

/// Something done to one infusion at an instant.
struct Event {
  std::size_t input;  ///< of the order, or of the saved state that the order starts from
  Micros at;          ///< from the start of the session, where there is one
  Act act;
  bool of_saved = false;
  std::optional<std::size_t> session = {};  ///< due with a course, unless it is an input of the saved state
};

/// When the sessions of a course begin; the order is one of them, and each is that order again.
struct CoursePlan {
  std::vector<Micros> starts;           ///< strictly increasing
  std::optional<Micros> every = {};     ///< as stated, where it was stated so
  std::vector<std::string> dates = {};  ///< as stated, one for each start, where it was stated so
};

enum class Primed : std::uint8_t { drug, diluent };
inline constexpr std::array<std::string_view, 2> primed_names{"drug", "diluent"};

/// The line between pump and vein. All infusions go through it and push what is in it ahead of them (plug flow);
/// boluses enter at the vein.
struct Line {
  Stated<dim::volume> dead_volume;
  Primed primed_with;
};

/// Diluent pushed through the line while no infusion runs.
struct Flush {
  Stated<dim::volume> volume;
  Micros over;
  Micros at;
};

/// What a pump really does; each is off until it is given.
struct Pump {
  std::optional<Stated<dim::flow>> rate_step = {};  ///< the pump runs at whole multiples of it
  std::optional<Line> line = {};
  std::optional<Flush> flush = {};
};

/// One vial, with its drug counted in mg of the order's form.
struct Vial {
  Stated<dim::drug> amount;
  Stated<dim::volume> volume;
};

/// What a bag was made of.
struct BagContents {
  std::vector<Vial> vials;
  Stated<dim::volume> diluent;
};

/// How the delivery of an input stands.
enum class DeliveryState : std::uint8_t { complete, running, paused, stopped };
inline constexpr std::array<std::string_view, 4> delivery_state_names{"complete", "running", "paused", "stopped"};
[[nodiscard]] constexpr std::string_view name_of(DeliveryState s) noexcept {
  return delivery_state_names[static_cast<std::size_t>(s)];
}

/// One input of an earlier course up to the instant at which that course was saved.
struct SavedInput {
  Dose ordered;
  std::vector<Dose> pieces;  ///< what went in of it, in order of time
  DeliveryState state = DeliveryState::complete;
  Micros since{0};             ///< a running one: since it runs at its present rate
  double rate_mg_per_min = 0;  ///< of a running or paused infusion
  Micros remaining{0};         ///< how much longer that would run at that rate
};

/// What curves and amounts were when a course was saved. For information, and to see whether another version of the
/// program would give other numbers.
struct SavedAmounts {
  double plasma_ng_per_mL = 0, central_mg = 0, body_mg = 0;
  std::optional<double> effect_site_ng_per_mL = {};
  std::vector<double> metabolites_ng_per_mL = {};
  friend bool operator==(const SavedAmounts&, const SavedAmounts&) = default;
};

/// A course up to an instant: everything that went in until then, a bolus at that very instant included.
struct SavedState {
  Micros at;
  std::vector<SavedInput> inputs;  ///< in order of their start; what had not begun is not part of it
  std::string identity;            ///< `identity_of` the model's numbers and the patient
  SavedAmounts amounts = {};
  std::string file = {};  ///< the saved state as it was read, JSON; empty for others
};

enum class InitialState : std::uint8_t { undeclared, drug_free, saved };

/// What becomes of the infusions that a saved state holds unfinished. Nothing is supposed where that is not said.
enum class UnderWay : std::uint8_t { unstated, goes_on, stopped };
inline constexpr std::array<std::string_view, 3> under_way_names{"unstated", "continue", "stopped"};

struct Order {
  Analyte analyte = Analyte::unstated;
  Form form = Form::unstated;
  InitialState initial_state = InitialState::undeclared;
  std::vector<Input> inputs;                           ///< in order of time; they add where they overlap
  std::optional<Stated<dim::concentration>> bag = {};  ///< in mg of `form`
  std::optional<BagContents> bag_contents = {};
  std::vector<Event> events = {};  ///< in order of time
  std::optional<Pump> pump = {};
  std::optional<SavedState> saved = {};  ///< what `InitialState::saved` means
  UnderWay under_way = UnderWay::unstated;
  std::optional<CoursePlan> course = {};  ///< the inputs, and the events of a session, count from its start

  /// Whether what goes in can differ from the inputs as they stand.
  [[nodiscard]] bool is_delivered_as_it_stands() const noexcept { return events.empty() && !pump && !saved; }
};

/// What goes in, input by input as ordered, for one dosing weight.
struct Regimen {
  std::vector<Dose> doses;
  BodyMass dosing_weight;
  std::size_t carried = 0;            ///< how many of `doses`, the first ones, come from a saved state
  std::vector<Micros> sessions = {};  ///< when those of a course begin; none where the order stands alone

  /// How many inputs the order has.
  [[nodiscard]] std::size_t per_session() const noexcept {
    return (doses.size() - carried) / std::max<std::size_t>(1, sessions.size());
  }
};

/// The session that runs at `t`: the last one that has begun; none before the first, and none without a course.
[[nodiscard]] inline std::optional<std::size_t> session_at(const std::vector<Micros>& sessions, Micros t) noexcept {
  const auto after = std::upper_bound(sessions.begin(), sessions.end(), t);
  if (after == sessions.begin()) return std::nullopt;
  return static_cast<std::size_t>(after - sessions.begin()) - 1;
}

inline constexpr std::size_t most_inputs = 10'000, most_events = 10'000, most_vials = 100;

/// Sessions at 0, `every`, twice `every` and so on. Throws E_RANGE(course.every, course.times), E_SIZE(course.times)
/// above 10,000.
[[nodiscard]] inline CoursePlan course_every(Micros every, std::size_t times) {
  require(every.count() > 0 && every <= horizon_limit, Code::range, "course.every",
          "no possible interval; accepted: more than zero, up to 400 d");
  require(times > 0, Code::range, "course.times", "no session; accepted: one or more");
  require(times <= most_inputs, Code::size, "course.times", "too many sessions; accepted: up to 10000");
  CoursePlan plan{.starts = {}, .every = every};
  for (std::size_t i = 0; i < times; ++i) {
    const auto n = static_cast<std::int64_t>(i);
    require(n <= horizon_limit / every, Code::range, "course.times",
            "a session past the supported course; accepted: starts up to 400 d");
    plan.starts.push_back(n * every);
  }
  return plan;
}

/// Sessions at these instants of the world's clock; the first one is instant 0 of the course. What is counted is
/// elapsed time, whatever a clock on a wall did in between. Throws E_TIME_ORDER or E_RANGE(course.at[i]),
/// E_FIELD_MISSING or E_SIZE(course.at).
[[nodiscard]] CoursePlan course_on(const std::vector<std::chrono::sys_time<Micros>>& dates);

/// The most that one input may hold; far beyond any order, far below where sums and curves would overflow.
inline constexpr DrugMass most_amount{1e9, unit::g}, least_amount{1e-60, unit::g};

namespace detail {

/// What one order's inputs are resolved with. `field` is the path of the input at hand.
struct Resolver {
  double mg_per_base_mg;  ///< mg of the order's form that hold 1 mg of base
  double dosing_kg;
  std::optional<double> bag_mg_per_L;
  std::string field;

  [[nodiscard]] Dose operator()(const Bolus& b) const {
    check_start(b.at);
    return {b.at, Micros{0}, amount_mg(b.amount, ".bolus"), 0.0, b.into};
  }
  [[nodiscard]] Dose operator()(const Infuse& i) const {
    check_start(i.at);
    check_duration(i.over, i.at);
    const double mg = amount_mg(i.amount, ".infuse");
    return {i.at, i.over, mg, positive(mg / minutes(i.over), ".infuse"), i.into};
  }
  [[nodiscard]] Dose operator()(const InfuseAtRate& i) const {
    check_start(i.at);
    check_duration(i.over, i.at);
    const double rate = rate_mg_per_min(i.rate, ".infuse_at_rate");
    return {i.at, i.over, bounded(rate * minutes(i.over), ".infuse_at_rate"), rate, i.into};
  }

  /// Throws as `positive`, and E_FIELD_MISSING(bag.concentration).
  [[nodiscard]] double rate_mg_per_min(const StatedRate& rate, std::string_view key) const {
    if (const auto per_body = rate.as<dim::dose_rate>())
      return positive(per_body->in(unit::mg_per_kg_per_min)*dosing_kg / mg_per_base_mg, key);
    if (const auto flow = rate.as<dim::flow>()) {
      require(bag_mg_per_L.has_value(), Code::field_missing, "bag.concentration",
              "a pump rate needs it; accepted: a concentration such as 1 mg/mL");
      return positive(flow->in(unit::L_per_min) * *bag_mg_per_L / mg_per_base_mg, key);
    }
    return positive(rate.as<dim::rate>()->in(unit::mg_per_min) / mg_per_base_mg, key);
  }

 private:
  [[nodiscard]] double amount_mg(const StatedDose& dose, std::string_view key) const {
    const auto per_body = dose.as<dim::dose>();
    const double mg = per_body ? per_body->in(unit::mg_per_kg)*dosing_kg : dose.as<dim::drug>()->in(unit::mg);
    return bounded(mg / mg_per_base_mg, key);
  }
  void check_start(Micros at) const {
    require(at.count() >= 0 && at <= horizon_limit, Code::range, field + ".at",
            "outside the supported course; accepted: 0 to 400 d");
  }
  void check_duration(Micros over, Micros at) const {
    require(over.count() > 0, Code::range, field + ".over",
            "no duration; accepted: more than zero (an instant is a bolus)");
    require(over <= horizon_limit && at + over <= horizon_limit, Code::range, field + ".over",
            "ends past the supported course; accepted: an end up to 400 d");
  }
  [[nodiscard]] double positive(double x, std::string_view key) const {
    const std::string where = field + std::string(key);
    require(std::isfinite(x), Code::nonfinite, where, "not a finite amount or rate; accepted: more than zero");
    require(x > 0, Code::range, where, "no drug at all, or less than none; accepted: more than zero");
    return x;
  }
  [[nodiscard]] double bounded(double mg, std::string_view key) const {
    require(positive(mg, key) <= most_amount.in(unit::mg), Code::range, field + std::string(key),
            "more drug than an order can hold; accepted: up to 1e9 g");
    require(mg >= least_amount.in(unit::mg), Code::range, field + std::string(key),
            "less drug than can be followed; accepted: 1e-60 g or more");
    return mg;
  }
};

/// Throws E_NONFINITE, E_RANGE(bag.concentration).
[[nodiscard]] inline Resolver resolver_of(const Order& order, BodyMass dosing_weight) {
  Resolver resolver{.mg_per_base_mg = order.form == Form::hydrochloride ? hydrochloride_mg_per_base_mg : 1.0,
                    .dosing_kg = dosing_weight.in(unit::kg),
                    .bag_mg_per_L = std::nullopt,
                    .field = "bag.concentration"};
  if (order.bag) {
    const double c = order.bag->value().in(unit::mg_per_L);
    require(std::isfinite(c), Code::nonfinite, resolver.field, "not finite; accepted: more than zero");
    require(c > 0, Code::range, resolver.field, "no drug; accepted: more than zero");
    resolver.bag_mg_per_L = c;
  }
  return resolver;
}

/// Throws E_FIELD_MISSING(bag.concentration, bag.vials), E_SIZE(bag.vials), E_NONFINITE or E_RANGE(bag.vials[i]…,
/// bag.diluent).
inline void require_possible(const BagContents& contents, bool has_concentration) {
  require(has_concentration, Code::field_missing, "bag.concentration",
          "not stated beside the contents; accepted: a concentration such as 1 mg/mL");
  require(!contents.vials.empty(), Code::field_missing, "bag.vials", "empty; accepted: at least one vial");
  require(contents.vials.size() <= most_vials, Code::size, "bag.vials", "too many; accepted: up to 100");
  const auto check = [](double x, bool may_be_zero, const std::string& field) {
    require(std::isfinite(x), Code::nonfinite, field, "not finite; accepted: more than zero");
    require(x > 0 || (may_be_zero && x == 0), Code::range, field,
            may_be_zero ? "less than none; accepted: zero or more" : "none, or less; accepted: more than zero");
    require(x <= 1e6, Code::range, field, "more than a bag can hold; accepted: up to 1e6 g or L");
  };
  for (std::size_t i = 0; i < contents.vials.size(); ++i) {
    const std::string vial = "bag.vials[" + std::to_string(i) + "]";
    check(contents.vials[i].amount.value().in(unit::g), false, vial + ".amount");
    check(contents.vials[i].volume.value().in(unit::L), false, vial + ".volume");
  }
  check(contents.diluent.value().in(unit::L), true, "bag.diluent");
}

/// Throws E_STATE(initial_state.saved) unless a course can have left this behind.
inline void require_sound(const SavedState& saved) {
  const auto sound = [](bool holds) {
    require(holds, Code::state, "initial_state.saved",
            "not what a course leaves behind; accepted: a state as it was saved, unchanged");
  };
  sound(saved.at.count() >= 0 && saved.at <= horizon_limit && saved.inputs.size() <= most_inputs);
  const auto possible = [&](const Dose& d) {
    return d.at.count() >= 0 && d.at <= horizon_limit && d.over.count() >= 0 && d.over <= horizon_limit &&
           std::isfinite(d.amount_mg) && d.amount_mg > 0 && std::isfinite(d.rate_mg_per_min) &&
           (d.is_bolus() ? d.rate_mg_per_min == 0 : d.rate_mg_per_min > 0);
  };
  Micros latest{0};
  for (const SavedInput& in : saved.inputs) {
    sound(possible(in.ordered) && in.ordered.end() <= horizon_limit && in.ordered.at >= latest &&
          in.ordered.at <= saved.at && in.since >= in.ordered.at && in.since <= saved.at);
    latest = in.ordered.at;
    Micros free_from = in.ordered.at;
    CarefulSum in_mg;
    for (const Dose& d : in.pieces) {
      in_mg.add(d.amount_mg);
      sound(possible(d) && d.is_bolus() == in.ordered.is_bolus() && d.at >= free_from && d.end() <= saved.at);
      free_from = d.end();
    }
    const bool runs = in.state == DeliveryState::running, open = runs || in.state == DeliveryState::paused;
    sound(in.ordered.is_bolus() ? in.state == DeliveryState::complete && in.pieces.size() == 1 : true);
    // What is in and what is left are what was ordered; an end in whole microseconds is off by one of them at most.
    const double left_mg = in.ordered.amount_mg - in_mg.total(), rounding_mg = 1e-12 * in.ordered.amount_mg;
    if (in.state == DeliveryState::complete) sound(std::abs(left_mg) <= rounding_mg);
    if (in.state == DeliveryState::stopped) sound(left_mg > 0);
    if (open)
      sound(std::abs(in.rate_mg_per_min * minutes(in.remaining) - left_mg) <=
            in.rate_mg_per_min * minutes(Micros{1}) + rounding_mg);
    sound(!open || (std::isfinite(in.rate_mg_per_min) && in.rate_mg_per_min > 0 && in.remaining.count() > 0 &&
                    in.remaining <= horizon_limit));
    // A running one has its last piece end at the saved instant, unless it began to run at that very instant.
    sound(!runs || in.since == saved.at ||
          (!in.pieces.empty() && in.pieces.back().at == in.since && in.pieces.back().end() == saved.at &&
           in.pieces.back().rate_mg_per_min == in.rate_mg_per_min));
  }
}

}  // namespace detail

namespace detail {

/// `2026-11-23T08:00:00Z`, with microseconds where there are any.
[[nodiscard]] inline std::string utc_text(std::chrono::sys_time<Micros> instant) {
  using namespace std::chrono;
  const auto midnight = floor<days>(instant);
  const year_month_day date(midnight);
  const hh_mm_ss clock(instant - midnight);
  const auto padded = [](std::int64_t x, std::size_t width) {
    const std::string digits = std::to_string(x);
    return std::string(width > digits.size() ? width - digits.size() : 0, '0') + digits;
  };
  std::string text = padded(int(date.year()), 4) + '-' + padded(unsigned(date.month()), 2) + '-' +
                     padded(unsigned(date.day()), 2) + 'T' + padded(clock.hours().count(), 2) + ':' +
                     padded(clock.minutes().count(), 2) + ':' + padded(clock.seconds().count(), 2);
  if (const auto us = clock.subseconds().count(); us != 0) text += '.' + padded(us, 6);
  return text + 'Z';
}

/// Throws E_FIELD_MISSING, E_SIZE(course.at), E_RANGE or E_TIME_ORDER(course.at[i]).
inline void require_starts(const std::vector<Micros>& starts) {
  require(!starts.empty(), Code::field_missing, "course.at", "empty; accepted: at least one session");
  require(starts.size() <= most_inputs, Code::size, "course.at", "too many sessions; accepted: up to 10000");
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::string field = "course.at[" + std::to_string(i) + "]";
    require(i == 0 || starts[i] > starts[i - 1], Code::time_order, field,
            "not after the session ahead of it; accepted: sessions in order of time, none twice");
    require(starts[i].count() >= 0 && starts[i] <= horizon_limit, Code::range, field,
            "outside the supported course; accepted: 0 to 400 d after the first session");
  }
}

/// Throws as `require_starts`, E_ARG(course) where what was stated is not what the starts are, E_STATE(course.at) for
/// dates beside a saved state, E_FIELD_MISSING(order), E_SIZE(course) above 10,000 inputs in all.
inline void require_possible(const CoursePlan& course, const Order& order) {
  require_starts(course.starts);
  constexpr std::string_view as_stated =
      "its starts are not those stated; accepted: what course_every or course_on give";
  require(course.dates.empty() || (course.dates.size() == course.starts.size() && !course.every), Code::arg, "course",
          as_stated);
  for (std::size_t i = 0; course.every && i < course.starts.size(); ++i)
    require(course.starts[i] == static_cast<std::int64_t>(i) * *course.every, Code::arg, "course", as_stated);
  require(course.dates.empty() || !order.saved, Code::state, "course.at",
          "dates, and the saved state has its own instant 0; accepted: times since that instant, such as 7 d");
  require(!order.inputs.empty(), Code::field_missing, "order", "empty, and a course repeats it; accepted: an input");
  require(course.starts.size() <= most_inputs / order.inputs.size(), Code::size, "course",
          "too many inputs in all sessions; accepted: up to 10000");
}

/// How errors name what put session `s` where it is.
[[nodiscard]] inline std::string place_of_start(const CoursePlan& course, std::size_t s) {
  return course.every ? "course.every" : "course.at[" + std::to_string(s) + "]";
}

/// The doses of one session, those of all. Throws E_OVERLAP or E_RANGE(course…).
inline void repeat(const CoursePlan& course, const std::vector<Dose>& session, Regimen& regimen) {
  Micros last_start{0}, end{0};
  for (const Dose& d : session) {
    last_start = std::max(last_start, d.at);
    end = std::max(end, d.end());
  }
  for (std::size_t s = 0; s < course.starts.size(); ++s) {
    const Micros start = course.starts[s];
    require(end <= horizon_limit - start, Code::range, place_of_start(course, s),
            "a session ends past the supported course; accepted: an end up to 400 d");
    if (s + 1 < course.starts.size())
      require(end <= course.starts[s + 1] - start && last_start < course.starts[s + 1] - start, Code::overlap,
              place_of_start(course, s + 1),
              "a session begins before the one ahead of it has ended; accepted: sessions one after the other");
    for (Dose dose : session) {
      dose.at += start;
      regimen.doses.push_back(std::move(dose));
    }
  }
  regimen.sessions = course.starts;
}

}  // namespace detail

[[nodiscard]] inline CoursePlan course_on(const std::vector<std::chrono::sys_time<Micros>>& dates) {
  CoursePlan plan{.starts = {}};
  for (const auto& date : dates) {
    plan.starts.push_back(date - dates.front());
    plan.dates.push_back(detail::utc_text(date));
  }
  detail::require_starts(plan.starts);
  return plan;
}

/// The order in mg of base for a patient with this dosing weight; what a saved state carries over stands first, then
/// session after session.
/// Throws, with the field: E_STATE(initial_state…), E_FIELD_MISSING(analyte, form, order, bag…),
/// E_RANGE or E_NONFINITE(patient.dosing_weight, bag…, order[i].infuse .infuse_at_rate .bolus .over .at),
/// E_TIME_ORDER(order[i].at) where an input starts before the one ahead of it or before the saved instant,
/// E_SIZE(order, bag.vials) above 10,000 inputs or 100 vials; for a course E_TIME_ORDER, E_RANGE, E_OVERLAP,
/// E_FIELD_MISSING, E_SIZE(course…), E_STATE(course.at), E_ARG(course).
[[nodiscard]] inline Regimen resolve(const Order& order, BodyMass dosing_weight) {
  require(order.analyte != Analyte::unstated, Code::field_missing, "analyte",
          "not stated; accepted: racemic-ketamine, s-ketamine, r-ketamine");
  require(order.form != Form::unstated, Code::field_missing, "form", "not stated; accepted: base, hydrochloride");
  require(order.initial_state != InitialState::undeclared, Code::state, "initial_state",
          "not declared; accepted: drug-free, or a saved state");
  require((order.initial_state == InitialState::saved) == order.saved.has_value(), Code::state, "initial_state",
          "declared one way and given another; accepted: drug-free without a saved state, or a saved state");
  require(!order.inputs.empty() || order.saved, Code::field_missing, "order", "empty; accepted: at least one input");
  require(order.inputs.size() <= most_inputs, Code::size, "order", "too many inputs; accepted: up to 10000");

  detail::require_body_mass(dosing_weight, "patient.dosing_weight");

  detail::Resolver resolver = detail::resolver_of(order, dosing_weight);
  if (order.bag_contents) detail::require_possible(*order.bag_contents, order.bag.has_value());
  if (order.course) detail::require_possible(*order.course, order);

  Regimen regimen{.doses = {}, .dosing_weight = dosing_weight};
  regimen.doses.reserve(order.inputs.size());
  Micros latest{0};
  if (order.saved) {
    detail::require_sound(*order.saved);
    for (const SavedInput& in : order.saved->inputs) {
      regimen.doses.push_back(in.ordered);
      require(in.state == DeliveryState::complete || in.state == DeliveryState::stopped ||
                  order.under_way != UnderWay::unstated,
              Code::state, "initial_state.under_way",
              "not said, and the saved state holds an unfinished infusion; accepted: continue, stopped");
    }
    regimen.carried = regimen.doses.size();
    latest = order.saved->at;
  }
  const Micros first_start = order.course ? order.course->starts.front() : Micros{0};
  if (order.course) latest = Micros{0};
  std::vector<Dose> session;
  session.reserve(order.inputs.size());
  for (std::size_t i = 0; i < order.inputs.size(); ++i) {
    resolver.field = "order[" + std::to_string(i) + "]";
    const Dose dose = std::visit(resolver, order.inputs[i]);
    require(!order.saved || first_start + dose.at >= order.saved->at, Code::time_order, resolver.field + ".at",
            "starts before the saved instant; accepted: inputs from that instant on");
    require(dose.at >= latest, Code::time_order, resolver.field + ".at",
            "starts before the input ahead of it; accepted: inputs in order of time");
    latest = dose.at;
    session.push_back(dose);
  }
  if (order.course)
    detail::repeat(*order.course, session, regimen);
  else
    regimen.doses.insert(regimen.doses.end(), session.begin(), session.end());
  require(!regimen.doses.empty(), Code::field_missing, "order", "empty; accepted: at least one input");
  return regimen;
}

}  // namespace ketpk
