// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the judgement. Pure: it looks at what was ordered and at what the curve does, compares with limits,
// and lists every check that was made, passed or not, and every one that could not be made. It changes nothing.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/body_size.hpp"
#include "ketpk/delivery.hpp"
#include "ketpk/dosing.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/model.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/slips.hpp"
#include "ketpk/verdict.hpp"

namespace ketpk {

/// What an assessment looks at.
struct Evidence {
  const Patient& patient;
  const Order& order;
  const Regimen& regimen;
  const ModelCard& card;
  const Admission& admission;
  const Exposure& exposure;
  const Delivery* delivery = nullptr;  ///< where what goes in is not simply what was ordered
};

namespace detail {

/// What was ordered, or what is delivered: doses, what they amount to, and the input that each is of.
struct Account {
  const Regimen& regimen;
  const Dosing& dosing;
  const std::vector<std::size_t>* input_of = nullptr;  ///< none: dose i is input i

  [[nodiscard]] std::size_t input(std::size_t dose) const { return input_of != nullptr ? (*input_of)[dose] : dose; }
};

/// The evidence, what was ordered, and what is delivered where that can be another thing.
struct Scene {
  const Evidence& evidence;
  Account ordered;
  std::optional<Account> delivered = {};
};

/// When something began and how long it lasted [min].
struct Spell {
  std::optional<double> first_min = {};
  std::optional<double> minutes = {};
};

/// What a limit's quantity came to. Without a value, `outcome` and `why` say what that means.
struct Reading {
  std::optional<double> value = {};  ///< base units of the quantity's dimension
  CheckOutcome outcome = CheckOutcome::unevaluated;
  std::string why = {};
  Spell spell = {};
  std::string driver = {};
  std::optional<std::size_t> input = {};  ///< the driving input of a dose-side quantity, as ordered
  bool of_delivery = false;               ///< what is delivered came to more than what was ordered
};

[[nodiscard]] inline Reading unknown(std::string why) { return {.why = std::move(why)}; }
[[nodiscard]] inline Reading absent(std::string why) {
  return {.outcome = CheckOutcome::passed, .why = std::move(why)};
}

// --- the patient and the bag -------------------------------------------------------------------------------

[[nodiscard]] inline Reading read_patient(LimitQuantity q, const Patient& patient) {
  if (q == LimitQuantity::weight)
    return {.value = patient.weight.value().in(unit::kg), .driver = "patient.weight as stated"};
  if (q == LimitQuantity::age) {
    if (!patient.age) return unknown("age not given");
    return {.value = patient.age->in(unit::yr), .driver = "patient.age as stated"};
  }
  const auto bmi = body_mass_index(patient);
  if (!bmi) return unknown("height not given");
  return {.value = bmi->in(unit::kg_per_m2), .driver = text_of(patient.weight) + " at " + text_of(*patient.height)};
}

[[nodiscard]] inline Reading read_bag(const Order& order) {
  if (!order.bag) return unknown("no bag concentration given");
  const double base_per_mg = order.form == Form::hydrochloride ? 1 / hydrochloride_mg_per_base_mg : 1.0;
  return {.value = order.bag->value().in(unit::mg_per_L)*base_per_mg,
          .driver = "bag.concentration: " + text_of(*order.bag)};
}

// --- the order ---------------------------------------------------------------------------------------------

/// What inputs share in.
struct Whole {
  std::string_view name;
  double amount;
};

/// The input that gives most among those for which `gives` is more than zero, and the sentence about it.
template <class Gives>
[[nodiscard]] Reading driven_by(const Evidence& e, const Account& account, const Whole& whole, Gives gives) {
  std::vector<double> shares(e.regimen.doses.size() + 1);  // the last is what a line was primed with
  for (std::size_t i = 0; i < account.regimen.doses.size(); ++i)
    shares[account.input(i)] += gives(account.regimen.doses[i]);
  const auto most = static_cast<std::size_t>(std::max_element(shares.begin(), shares.end()) - shares.begin());
  return {.driver = place_of(e.regimen, most) + ": " + describe(e.order, e.regimen, most) + " gives " +
                    plain_text(100 * shares[most] / whole.amount, 3) + " % of the " + std::string(whole.name),
          .input = most};
}

/// What a dose adds to the rate, or to the bolus, of segment `s`.
[[nodiscard]] inline double rate_in(const Segment& s, const Dose& d) noexcept {
  return d.is_intravenous() && d.at <= s.start && s.start < d.end() ? d.rate_mg_per_min : 0.0;
}
[[nodiscard]] inline double bolus_in(const Segment& s, const Dose& d) noexcept {
  return d.is_intravenous() && d.is_bolus() && d.at == s.start ? d.amount_mg : 0.0;
}

[[nodiscard]] inline Reading read_account(LimitQuantity q, const Evidence& e, const Account& account) {
  const Dosing& dosing = account.dosing;
  const auto value = value_of(dosing, q);
  if (!value) {
    const bool is_rate = q == LimitQuantity::rate_per_weight;
    const auto is_elsewhere = [&](const Dose& d) { return !d.is_intravenous() && d.is_bolus() != is_rate; };
    if (std::any_of(account.regimen.doses.begin(), account.regimen.doses.end(), is_elsewhere))
      return unknown(is_rate ? "no infusion goes into a vein, of which the limit speaks"
                             : "no bolus goes into a vein, of which the limit speaks");
    return absent(is_rate ? "no infusion in the order" : "no bolus in the order");
  }
  Reading reading;
  if (q == LimitQuantity::rate_per_weight) {
    const Segment& s = dosing.segments[*dosing.fastest];
    reading = driven_by(e, account, {"rate", s.rate_mg_per_min}, [&](const Dose& d) { return rate_in(s, d); });
  } else if (q == LimitQuantity::bolus_per_weight) {
    const Segment& s = dosing.segments[*dosing.fullest];
    reading = driven_by(e, account, {"bolus", s.bolus_mg}, [&](const Dose& d) { return bolus_in(s, d); });
  } else {
    const auto in_session = [&](const Dose& d) {
      return !dosing.session || session_at(account.regimen.sessions, d.at) == dosing.session;
    };
    reading = driven_by(e, account, {dosing.session ? "dose of that session" : "dose", dosing.total_mg},
                        [&](const Dose& d) { return in_session(d) ? d.amount_mg : 0.0; });
  }
  reading.value = value;
  return reading;
}

/// Of what was ordered and what is delivered the larger one counts, and is named.
[[nodiscard]] inline Reading larger(Reading ordered, Reading delivered, const AnyUnit& shown_in) {
  if (!ordered.value && !delivered.value) return ordered;
  const bool more = delivered.value && !(ordered.value && at_most(*delivered.value, *ordered.value));
  Reading& reading = more ? delivered : ordered;
  const auto& other = more ? ordered.value : delivered.value;
  reading.of_delivery = more;
  reading.driver += more ? "; as delivered, ordered " : "; as ordered, delivered ";
  reading.driver += other ? text_in(*other, shown_in) : "none";
  return std::move(reading);
}

[[nodiscard]] inline Reading read_dose_side(LimitQuantity q, const Scene& scene) {
  Reading ordered = read_account(q, scene.evidence, scene.ordered);
  if (!scene.delivered) return ordered;
  return larger(std::move(ordered), read_account(q, scene.evidence, *scene.delivered), info(q).shown_in);
}

/// How far beyond its bound a value is: a hard bound before a soft one, then by the share of the bound.
struct Weight {
  enum class Bound : std::uint8_t { none, soft, hard } beyond = Bound::none;
  double share = 0;

  [[nodiscard]] bool is_none() const noexcept { return beyond == Bound::none; }
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the zero of a defaulted comparison for a pointer
  [[nodiscard]] friend auto operator<=>(const Weight&, const Weight&) = default;
};

[[nodiscard]] inline Weight weight_of(const std::optional<Breach>& breach, double value) {
  if (!breach) return {};
  const double bound = base_value(breach->bound);
  return {breach->beyond_hard ? Weight::Bound::hard : Weight::Bound::soft, std::abs(value - bound) / bound};
}

/// An infusion and how long it runs: as ordered, or as delivered where that is longer. Pauses do not count.
struct Running {
  Micros from, over;
  bool of_delivery = false;
};

[[nodiscard]] inline Running running_of(const Evidence& e, std::size_t input) {
  const Dose& d = e.regimen.doses[input];
  Running running{d.at, d.over};
  if (e.delivery == nullptr) return running;
  Micros over{0};
  for (const Dose& piece : e.delivery->inputs[input].pieces) over += piece.over;
  if (over > d.over) running = {d.at, over, true};
  return running;
}

/// The infusion that is worst by this limit; where none is out of range, the longest.
[[nodiscard]] inline Reading read_duration(const Limit& limit, const Evidence& e) {
  std::optional<std::size_t> worst;
  Weight heaviest;
  for (std::size_t i = 0; i < e.regimen.doses.size(); ++i) {
    if (e.regimen.doses[i].is_bolus()) continue;
    const Micros over = running_of(e, i).over;
    const auto weight = weight_of(breach_of(limit, minutes(over)), minutes(over));
    if (worst && !(weight > heaviest || (weight.is_none() && heaviest.is_none() && over > running_of(e, *worst).over)))
      continue;
    worst = i;
    heaviest = weight;
  }
  if (!worst) return absent("no infusion in the order");
  const Running running = running_of(e, *worst);
  const double min = minutes(running.over);
  std::string driver = place_of(e.regimen, *worst) + ": " + describe(e.order, e.regimen, *worst);
  if (e.delivery != nullptr) driver += running.of_delivery ? "; as delivered, without pauses" : "; as ordered";
  return {.value = min,
          .spell = {minutes(running.from), min},
          .driver = std::move(driver),
          .input = worst,
          .of_delivery = running.of_delivery};
}

/// When segments first exceed `bound`, and for how long in all; `height` is what a segment has of the quantity.
template <class Height>
[[nodiscard]] Spell spell_above(const Dosing& dosing, double bound, Height height) {
  Spell spell;
  double total = 0;
  for (const Segment& s : dosing.segments) {
    if (at_most(height(s) / dosing.dosing_kg, bound)) continue;
    if (!spell.first_min) spell.first_min = minutes(s.start);
    total += minutes(s.duration);
  }
  if (spell.first_min) spell.minutes = total;
  return spell;
}

// --- the curve ---------------------------------------------------------------------------------------------

[[nodiscard]] inline std::optional<std::string> site_mismatch(const Limit& limit, const ModelCard& card) {
  const Site due = limit.site.value_or(Site::not_stated);
  if (due != Site::not_stated && due == card.site) return std::nullopt;
  return "SITE_MISMATCH: the limit speaks of " + std::string(name_of(due)) + " blood, the model's sampling site is " +
         std::string(name_of(card.site));
}

/// The largest input that had begun by the time of a peak.
[[nodiscard]] inline std::string driver_of_peak(const Evidence& e, double peak_min) {
  const auto amount = [&](std::size_t i) {
    return e.delivery != nullptr ? e.delivery->inputs[i].delivered_mg : e.regimen.doses[i].amount_mg;
  };
  // In a course, of the session that the peak is in.
  std::size_t first = 0;
  for (std::size_t s = 0; s < e.regimen.sessions.size() && minutes(e.regimen.sessions[s]) <= peak_min; ++s)
    first = e.regimen.carried + s * e.regimen.per_session();
  std::size_t most = first;
  for (std::size_t i = first + 1; i < e.regimen.doses.size(); ++i)
    if (minutes(e.regimen.doses[i].at) <= peak_min && amount(i) > amount(most)) most = i;
  return place_of(e.regimen, most) + ": " + describe(e.order, e.regimen, most) +
         " is the largest input before the peak at " + plain_text(peak_min, shown_digits) + " min";
}

[[nodiscard]] inline Reading read_peak(const Peak& peak, const Evidence& e) {
  return {.value = Concentration(peak.ng_per_mL, unit::ng_per_mL).in(unit::mg_per_L),
          .driver = driver_of_peak(e, peak.min)};
}

template <class Above>
[[nodiscard]] Reading read_curve(const Limit& limit, const Evidence& e, Above& above) {
  if (limit.quantity == LimitQuantity::effect_site_peak) {
    if (!e.exposure.effect_site) return unknown("the model has no effect site");
    return read_peak(*e.exposure.effect_site, e);
  }
  if (auto mismatch = site_mismatch(limit, e.card)) return unknown(std::move(*mismatch));
  if (limit.quantity == LimitQuantity::plasma_peak) return read_peak(e.exposure.plasma, e);
  if (!limit.level) return unknown("no level to be above");
  const TimeAbove time = above(Curve::plasma(), limit.level->value().in(unit::ng_per_mL));
  return {.value = time.minutes,
          .spell = {time.first_min, time.minutes},
          .driver = "plasma above " + text_of(*limit.level) + "; " + driver_of_peak(e, e.exposure.plasma.min)};
}

// --- the sessions of a course ------------------------------------------------------------------------------

/// From the start of each session to that of the next: the one that is worst by this limit, else the shortest. A saved
/// state does not say where its sessions began; its last input began no earlier than the last of them.
[[nodiscard]] inline Reading read_interval(const Limit& limit, const Evidence& e) {
  const auto& starts = e.regimen.sessions;
  std::optional<Reading> worst;
  Weight heaviest;
  for (std::size_t s = 1; s < starts.size(); ++s) {
    const double min = minutes(starts[s] - starts[s - 1]);
    const auto weight = weight_of(breach_of(limit, min), min);
    if (worst && !(weight > heaviest || (weight.is_none() && heaviest.is_none() && min < *worst->value))) continue;
    heaviest = weight;
    worst =
        Reading{.value = min,
                .driver = "session[" + std::to_string(s) + "] begins " + text_in(min, info(limit.quantity).shown_in) +
                          " after session[" + std::to_string(s - 1) + "]"};
  }
  if (e.regimen.carried > 0 && heaviest.is_none()) {
    const double at_least_min = minutes(starts.front() - e.regimen.doses[e.regimen.carried - 1].at);
    if (breach_of(limit, at_least_min) || limit.soft_high || limit.hard_high)
      return unknown("the saved state does not say when its sessions began");
  }
  if (!worst) return absent("one session, so no interval");
  const auto breach = breach_of(limit, *worst->value);
  for (std::size_t s = 1; breach && s < starts.size(); ++s) {
    const double min = minutes(starts[s] - starts[s - 1]), bound = base_value(breach->bound);
    if (breach->above ? at_most(min, bound) : at_least(min, bound)) continue;
    worst->spell.first_min = minutes(starts[s]);
    break;
  }
  return *std::move(worst);
}

/// A dose and when it begins; `input` as `place_of` names it.
struct Counted {
  Micros at;
  double mg;
  std::size_t input;
};

/// The largest sum of the doses that begin within one window. A window holds its first instant and not its last; a dose
/// counts whole, at its start. The spell begins where a window first passes the bound that the largest one passes.
[[nodiscard]] inline Reading read_window(const Limit& limit, const Evidence& e, std::vector<Counted> doses) {
  std::stable_sort(doses.begin(), doses.end(), [](const Counted& a, const Counted& b) { return a.at < b.at; });
  const double us = limit.window->value().in(unit::min)*micros_per_minute, kg = e.regimen.dosing_weight.in(unit::kg);
  Reading reading;
  std::vector<double> values(doses.size());  // of the window that ends with each dose
  std::size_t first = 0;
  for (std::size_t last = 0; last < doses.size(); ++last) {
    if (last + 1 < doses.size() && doses[last + 1].at == doses[last].at) continue;  // one instant counts together
    while (!(static_cast<double>((doses[last].at - doses[first].at).count()) < us)) ++first;
    CarefulSum sum;
    for (std::size_t i = first; i <= last; ++i) sum.add(doses[i].mg);
    values[last] = sum.total() / kg;
    if (reading.value && values[last] <= *reading.value) continue;
    reading.value = values[last];
    reading.driver = place_of(e.regimen, doses[first].input) +
                     (first == last ? "" : " to " + place_of(e.regimen, doses[last].input)) + ", " +
                     std::to_string(last - first + 1) + (first == last ? " dose" : " doses") + " that begin within " +
                     text_of(*limit.window);
  }
  const auto breach = reading.value ? breach_of(limit, *reading.value) : std::nullopt;
  for (std::size_t i = 0; breach && breach->above && i < doses.size() && !reading.spell.first_min; ++i)
    if (!at_most(values[i], base_value(breach->bound))) reading.spell.first_min = minutes(doses[i].at);
  return reading;
}

/// Everything ordered, and everything delivered, each at the start of its input; what a line was primed with when it
/// goes in.
[[nodiscard]] inline Reading read_cumulative(const Limit& limit, const Evidence& e) {
  if (!limit.window || !(limit.window->number() > 0)) return unknown("no window to sum over");
  std::vector<Counted> ordered, delivered;
  for (std::size_t i = 0; i < e.regimen.doses.size(); ++i)
    ordered.push_back({e.regimen.doses[i].at, e.regimen.doses[i].amount_mg, i});
  Reading as_ordered = read_window(limit, e, std::move(ordered));
  if (e.delivery == nullptr) return as_ordered;
  for (std::size_t i = 0; i < e.delivery->inputs.size(); ++i)
    delivered.push_back({e.delivery->inputs[i].ordered.at, e.delivery->inputs[i].delivered_mg, i});
  if (e.delivery->priming)
    for (const Dose& piece : e.delivery->priming->pieces)
      delivered.push_back({piece.at, piece.amount_mg, e.regimen.doses.size()});
  return larger(std::move(as_ordered), read_window(limit, e, std::move(delivered)), info(limit.quantity).shown_in);
}

/// A gap that looks like a wrong date or a session in the wrong place is said: within a session a day or more without
/// an input, between sessions half a year.
inline void judge_gaps(const Evidence& e, Assessment& assessment) {
  const auto& starts = e.regimen.sessions;
  if (starts.empty()) return;
  constexpr Micros a_day = std::chrono::hours{24}, half_a_year = std::chrono::hours{24 * 180};
  std::optional<std::string> found;
  Micros at{0}, end{starts.front()};
  for (std::size_t k = 0; k < e.regimen.per_session() && !found; ++k) {
    const Dose& d = e.regimen.doses[e.regimen.carried + k];
    if (d.at - end >= a_day) {
      at = d.at;
      found =
          place(k) + " begins " + text_in(minutes(d.at - end), unit::h) + " after what is ahead of it in its session";
    }
    end = std::max(end, d.end());
  }
  for (std::size_t s = 1; s < starts.size() && !found; ++s)
    if (starts[s] - starts[s - 1] >= half_a_year) {
      at = starts[s];
      found = "session[" + std::to_string(s) + "] begins " + text_in(minutes(starts[s] - starts[s - 1]), unit::d) +
              " after the session ahead of it";
    }
  assessment.checks.push_back({"course-gaps", false, found ? CheckOutcome::flagged : CheckOutcome::passed,
                               found.value_or("no gap of a day within a session or of 180 d between sessions")});
  if (found)
    assessment.flags.push_back({.code = "COURSE_GAP",
                                .severity = Severity::advisory,
                                .quantity = "course",
                                .value = *found,
                                .first_min = minutes(at),
                                .driver = *found + "; a slip in a time or a date may be behind it"});
}

// --- one limit ---------------------------------------------------------------------------------------------

template <class Above>
[[nodiscard]] Reading read(const Limit& limit, const Scene& scene, Above& above) {
  const Evidence& e = scene.evidence;
  switch (limit.quantity) {
    case LimitQuantity::weight:
    case LimitQuantity::age:
    case LimitQuantity::bmi: return read_patient(limit.quantity, e.patient);
    case LimitQuantity::dose_per_weight:
    case LimitQuantity::total_dose:
    case LimitQuantity::rate_per_weight:
    case LimitQuantity::bolus_per_weight: return read_dose_side(limit.quantity, scene);
    case LimitQuantity::duration: return read_duration(limit, e);
    case LimitQuantity::bag_concentration: return read_bag(e.order);
    case LimitQuantity::plasma_peak:
    case LimitQuantity::effect_site_peak:
    case LimitQuantity::time_above_level: return read_curve(limit, e, above);
    case LimitQuantity::sessions_interval:
      if (!e.regimen.sessions.empty()) return read_interval(limit, e);
      break;
    case LimitQuantity::cumulative_dose_per_weight:
      if (!e.regimen.sessions.empty()) return read_cumulative(limit, e);
      break;
  }
  return unknown("needs earlier sessions, which are not part of this input");
}

/// When a quantity is over the bound that it crossed, for rates, boluses and peaks.
template <class Above>
[[nodiscard]] Spell spell_over(const Limit& limit, const Breach& breach, const Dosing& dosing, Above& above) {
  const double bound = base_value(breach.bound);
  if (!breach.above) return {};
  if (limit.quantity == LimitQuantity::rate_per_weight)
    return spell_above(dosing, bound, [](const Segment& s) { return s.rate_mg_per_min; });
  if (limit.quantity == LimitQuantity::bolus_per_weight)
    return {spell_above(dosing, bound, [](const Segment& s) { return s.bolus_mg; }).first_min, std::nullopt};
  if (limit.quantity == LimitQuantity::plasma_peak || limit.quantity == LimitQuantity::effect_site_peak) {
    const Curve curve = limit.quantity == LimitQuantity::plasma_peak ? Curve::plasma() : Curve::effect_site();
    const TimeAbove time = above(curve, Concentration(bound, unit::mg_per_L).in(unit::ng_per_mL));
    return {time.first_min, time.minutes};
  }
  return {};
}

/// The largest factor on the driving input, in every session of it, with which the quantity keeps `bound`; zero or less
/// if no positive one does.
[[nodiscard]] inline double clearing_factor(const Limit& limit, const Dosing& dosing, const Regimen& regimen,
                                            std::size_t input, double bound) {
  const auto driving_at = [&](Micros t) -> const Dose& {
    if (regimen.sessions.empty()) return regimen.doses[input];
    const std::size_t s = session_at(regimen.sessions, t).value_or(0);
    return regimen.doses[regimen.carried + s * regimen.per_session() + entry_of(regimen, input)];
  };
  const double room = limit.quantity == LimitQuantity::total_dose ? bound : bound * dosing.dosing_kg;
  const auto factor = [&](double all, double own) { return own > 0 ? (room - (all - own)) / own : 0.0; };
  if (limit.quantity == LimitQuantity::dose_per_weight || limit.quantity == LimitQuantity::total_dose)
    return factor(dosing.total_mg, regimen.doses[input].amount_mg);
  double smallest = 1;
  for (const Segment& s : dosing.segments) {
    const bool is_rate = limit.quantity == LimitQuantity::rate_per_weight;
    const double all = is_rate ? s.rate_mg_per_min : s.bolus_mg;
    const Dose& driving = driving_at(s.start);
    if (!at_most(all, room))
      smallest = std::min(smallest, factor(all, is_rate ? rate_in(s, driving) : bolus_in(s, driving)));
  }
  return smallest;
}

/// `x` to the shown digits, and not above it by more than rounding.
[[nodiscard]] inline double rounded_down(double x) {
  const double near = rounded(x, shown_digits);
  if (near <= x * (1 + 1e-10)) return near;
  const double last_digit = std::pow(10.0, std::floor(std::log10(x)) - (shown_digits - 1));
  return rounded(near - last_digit, shown_digits);
}

/// The same input with its stated number changed.
[[nodiscard]] inline Input with_number(Input input, double factor) {
  const auto scale = [&](auto& stated) {
    stated = std::remove_reference_t<decltype(stated)>(rounded_down(stated.number() * factor), stated.unit(), "");
  };
  if (auto* rate = std::get_if<InfuseAtRate>(&input)) scale(rate->rate);
  if (auto* infuse = std::get_if<Infuse>(&input)) scale(infuse->amount);
  if (auto* bolus = std::get_if<Bolus>(&input)) scale(bolus->amount);
  return input;
}

/// What the driving input alone would have to be for a dose-side quantity to keep its soft upper bound (the hard
/// one where no soft one is stated). Arithmetic on the order as it stands; nothing is changed.
[[nodiscard]] inline std::optional<std::string> clearing(const Limit& limit, const Reading& reading, const Evidence& e,
                                                         const Dosing& dosing) {
  const auto& bound = limit.soft_high ? limit.soft_high : limit.hard_high;
  if (!is_dose_side(limit.quantity) || !bound || !reading.input || *reading.input < e.regimen.carried)
    return std::nullopt;
  const double factor = clearing_factor(limit, dosing, e.regimen, *reading.input, base_value(*bound));
  const std::size_t entry = entry_of(e.regimen, *reading.input);  // in every session
  const std::string text = factor > 0 ? place(entry) + ": " + describe(with_number(e.order.inputs[entry], factor))
                                      : "no setting of " + place(entry) + " alone";
  return text + " (arithmetic, no recommendation)";
}

/// A value in the unit of a bound, with as many digits as it takes to tell the two apart.
[[nodiscard]] inline std::string value_text(double value, const StatedBound& bound) {
  const std::string limit = text_of(bound);
  std::string text;
  for (const int digits : {shown_digits, 9, 12, 17}) {
    text = text_in(value, bound.unit(), digits);
    if (text != limit) break;
  }
  return text;
}

[[nodiscard]] inline Flag flag_of(const Limit& limit, const Breach& breach, const Reading& reading) {
  std::string code(info(limit.quantity).name);
  std::transform(code.begin(), code.end(), code.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  const double value = *reading.value, bound = base_value(breach.bound);
  Flag flag{.code = code + (breach.above ? "_HIGH" : "_LOW"),
            .severity = breach.beyond_hard || !std::isfinite(value) ? Severity::hard : Severity::soft,
            .quantity = std::string(info(limit.quantity).name),
            .value = value_text(value, breach.bound),
            .limit = text_of(breach.bound),
            .limit_id = limit.id,
            .source = limit.source,
            .driver = reading.driver};
  const double margin_rel = (value - bound) / bound;
  if (std::isfinite(margin_rel)) flag.margin_rel = margin_rel;
  if (std::isfinite(value - bound)) flag.margin = text_in(value - bound, breach.bound.unit());
  return flag;
}

/// Compares one quantity with one limit: one check, and at most one flag.
template <class Above>
void judge(const Limit& limit, const Scene& scene, Above& above, Assessment& assessment) {
  const Evidence& e = scene.evidence;
  const Reading reading = read(limit, scene, above);
  const Dosing& dosing = (reading.of_delivery && scene.delivered ? *scene.delivered : scene.ordered).dosing;
  Check check{.id = limit.id, .required = limit.required, .outcome = reading.outcome, .why = reading.why};
  if (reading.value) {
    const auto breach = breach_of(limit, *reading.value);
    check.outcome = breach ? CheckOutcome::flagged : CheckOutcome::passed;
    check.why = text_in(*reading.value, info(limit.quantity).shown_in);
    if (breach) {
      Flag flag = flag_of(limit, *breach, reading);
      const Spell spell = reading.spell.first_min ? reading.spell : spell_over(limit, *breach, dosing, above);
      if (std::isfinite(spell.first_min.value_or(NAN))) flag.first_min = spell.first_min;
      if (std::isfinite(spell.minutes.value_or(NAN))) flag.minutes = spell.minutes;
      if (breach->above && !reading.of_delivery) flag.clears_at = clearing(limit, reading, e, dosing);
      check.why = flag.value + (breach->above ? " above " : " below ") + flag.limit;
      assessment.flags.push_back(std::move(flag));
    }
  }
  assessment.checks.push_back(std::move(check));
}

// --- the model ---------------------------------------------------------------------------------------------

[[nodiscard]] inline std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

/// Whether the patient is one the model was built on. A crossed bound is flagged; a covariate that the domain
/// needs and that is not there leaves the check open even then.
inline void judge_domain(const Evidence& e, Assessment& assessment) {
  const Admission& a = e.admission;
  Check check{.id = "model-domain",
              .required = a.domain_stated,
              .outcome = CheckOutcome::passed,
              .why = e.card.domain.statement};
  if (!a.crossed.empty()) {
    check.outcome = CheckOutcome::flagged;
    check.why = joined(a.crossed);
    assessment.flags.push_back({.code = "MODEL_EXTRAPOLATED",
                                .severity = Severity::soft,
                                .quantity = check.id,
                                .value = joined(a.crossed),
                                .limit = e.card.domain.statement,
                                .source = e.card.domain.source,
                                .driver = "crossed bounds of the model's domain: " + joined(a.crossed)});
  }
  if (!a.missing.empty()) {
    check.outcome = CheckOutcome::unevaluated;
    check.why = (a.crossed.empty() ? "" : check.why + "; ") + joined(a.missing) + " not given";
  }
  if (!a.domain_stated) {
    check.outcome = CheckOutcome::unevaluated;
    check.why = "the source states no domain";
  }
  assessment.checks.push_back(std::move(check));
}

inline void judge_analyte(const Evidence& e, Assessment& assessment) {
  const std::string spoken_of = analytes_of(e.card), ordered(name_of(e.order.analyte));
  Check check{.id = "model-analyte", .required = true, .outcome = CheckOutcome::passed, .why = ordered};
  if (e.admission.enantiomers_assumed_alike) {
    check.outcome = CheckOutcome::flagged;
    check.why = "enantiomers assumed alike";
    assessment.flags.push_back({.code = "ENANTIOMERS_ASSUMED_ALIKE",
                                .severity = Severity::soft,
                                .quantity = check.id,
                                .value = ordered,
                                .limit = spoken_of,
                                .source = e.card.citation,
                                .driver = "the model describes " + spoken_of + " only; the order of " + ordered +
                                          " was run as if both enantiomers behaved alike"});
  }
  assessment.checks.push_back(std::move(check));
}

/// Whether the study whose effects stand beside the model was of the model's analyte.
inline void judge_effect_card(const Evidence& e, Assessment& assessment) {
  if (e.card.effect_card.empty()) return;
  const bool is_alike = e.card.effect_assumed_alike;
  assessment.checks.push_back({.id = "effect-analyte",
                               .required = true,
                               .outcome = is_alike ? CheckOutcome::flagged : CheckOutcome::passed,
                               .why = e.card.effect_card});
  if (!is_alike) return;
  assessment.flags.push_back({.code = "ENANTIOMERS_ASSUMED_ALIKE",
                              .severity = Severity::soft,
                              .quantity = "effect-analyte",
                              .value = analytes_of(e.card),
                              .limit = e.card.effect_card,
                              .source = e.card.effect_source,
                              .driver = "the effects of " + e.card.effect_card +
                                        " are of another analyte than the model; they were run as if both enantiomers "
                                        "behaved alike"});
}

// --- the delivery and the bag --------------------------------------------------------------------------------

/// A pause that nobody ended is said, each.
inline void judge_delivery(const Evidence& e, Assessment& assessment) {
  if (e.delivery == nullptr) return;
  Check check{
      .id = "delivery", .required = false, .outcome = CheckOutcome::passed, .why = "no infusion is left paused"};
  for (std::size_t i = 0; i < e.delivery->inputs.size(); ++i) {
    const DeliveredInput& in = e.delivery->inputs[i];
    if (in.state != DeliveryState::paused) continue;
    const std::string text = place_of(e.regimen, i) + ' ' + standing(in);
    check.why = check.outcome == CheckOutcome::flagged ? check.why + "; " + text : text;
    check.outcome = CheckOutcome::flagged;
    assessment.flags.push_back({.code = "INTERRUPTED",
                                .severity = Severity::advisory,
                                .quantity = place_of(e.regimen, i),
                                .value = not_given(in),
                                .first_min = minutes(in.since),
                                .driver = text + "; the curve follows what was delivered"});
  }
  assessment.checks.push_back(std::move(check));
}

/// A bag against what it was made of: its concentration within 1 %, and room for every infusion of the order, which in
/// a course is one session: each has a bag of its own.
inline void judge_bag(const Evidence& e, Assessment& assessment) {
  if (!e.order.bag || !e.order.bag_contents) return;
  double mg = 0, volume_L = e.order.bag_contents->diluent.value().in(unit::L);
  for (const Vial& vial : e.order.bag_contents->vials) {
    mg += vial.amount.value().in(unit::mg);
    volume_L += vial.volume.value().in(unit::L);
  }
  const auto judged = [&](Flag flag, bool is_fine) {
    if (!std::isfinite(flag.margin_rel.value_or(0))) flag.margin_rel.reset();
    assessment.checks.push_back(
        {flag.quantity, true, is_fine ? CheckOutcome::passed : CheckOutcome::flagged, flag.driver});
    if (!is_fine) assessment.flags.push_back(std::move(flag));
  };
  const double stated = e.order.bag->value().in(unit::mg_per_L), made = mg / volume_L;
  const std::string contents = plain_text(mg, shown_digits) + " mg in " + text_in(volume_L, unit::mL);
  judged({.code = "BAG_CONCENTRATION_MISMATCH",
          .severity = Severity::hard,
          .quantity = "bag-contents",
          .value = text_of(*e.order.bag),
          .limit = text_in(made, e.order.bag->unit()) + " within 1 %",
          .margin_rel = (stated - made) / made,
          .driver = "the vials and the diluent make " + contents + ", which is " + text_in(made, e.order.bag->unit())},
         std::abs(stated - made) <= 0.01 * made * (1 + 1e-9));
  const double per_base = e.order.form == Form::hydrochloride ? hydrochloride_mg_per_base_mg : 1.0;
  double needed_L = 0;
  for (std::size_t i = e.regimen.carried; i < e.regimen.carried + e.regimen.per_session(); ++i)
    if (!e.regimen.doses[i].is_bolus()) needed_L += e.regimen.doses[i].amount_mg * per_base / stated;
  judged({.code = "BAG_VOLUME_HIGH",
          .severity = Severity::hard,
          .quantity = "bag-volume",
          .value = text_in(needed_L, unit::mL),
          .limit = text_in(volume_L, unit::mL),
          .margin_rel = (needed_L - volume_L) / volume_L,
          .driver = "the infusions of the order need " + text_in(needed_L, unit::mL) + "; the bag holds " + contents},
         at_most(needed_L, volume_L));
}

// --- all together ------------------------------------------------------------------------------------------

[[nodiscard]] inline Verdict verdict_of(const Assessment& a, bool has_limits) {
  const auto any_flag = [&](Severity s) {
    return std::any_of(a.flags.begin(), a.flags.end(), [s](const Flag& f) { return f.severity == s; });
  };
  const bool is_open = std::any_of(a.checks.begin(), a.checks.end(),
                                   [](const Check& c) { return c.required && c.outcome == CheckOutcome::unevaluated; });
  if (any_flag(Severity::hard)) return {VerdictKind::hard};
  if (is_open || !has_limits) return {VerdictKind::unevaluated};
  return {any_flag(Severity::soft) ? VerdictKind::soft : VerdictKind::within_limits};
}

}  // namespace detail

/// `above(curve, level_ng_per_mL)` answers the `TimeAbove` of a level on the whole continuous course.
/// `limits` may be null: then nothing is within limits, and only the slips and the model are looked at.
/// One check for each limit, then model-domain, model-analyte and the slips. Nothing is ever changed.
/// Throws as `validate(Patient)`; a curve that is no number is beyond every bound.
template <class Above>
requires std::invocable<Above&, Curve, double>
[[nodiscard]] Assessment assess(const Evidence& evidence, const Limits* limits, Above above) {
  validate(evidence.patient);
  Assessment assessment{.verdict = {VerdictKind::unevaluated}, .checks = {}, .flags = {}};
  if (limits != nullptr) {
    const Dosing dosing = dosing_of(evidence.regimen);
    detail::Scene scene{evidence, {evidence.regimen, dosing}};
    std::optional<Dosing> delivered;
    if (const Delivery* delivery = evidence.delivery) {
      delivered = dosing_of(delivery->given);
      scene.delivered.emplace(detail::Account{delivery->given, *delivered, &delivery->input_of});
    }
    for (const Limit& limit : limits->limits) detail::judge(limit, scene, above, assessment);
  }
  detail::judge_delivery(evidence, assessment);
  detail::judge_bag(evidence, assessment);
  detail::judge_gaps(evidence, assessment);
  detail::judge_domain(evidence, assessment);
  detail::judge_analyte(evidence, assessment);
  detail::judge_effect_card(evidence, assessment);
  Slips slips = look_for_slips(evidence.patient, evidence.order, evidence.regimen, limits);
  std::move(slips.checks.begin(), slips.checks.end(), std::back_inserter(assessment.checks));
  std::move(slips.flags.begin(), slips.flags.end(), std::back_inserter(assessment.flags));
  assessment.verdict = detail::verdict_of(assessment, limits != nullptr);
  return assessment;
}

}  // namespace ketpk
