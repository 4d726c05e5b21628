// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: delivered is not ordered. An infusion is paused, resumed, stopped, run faster, its remainder restarted; a pump
// runs at the rates it has. What was ordered stays what it is; here it becomes the pieces that really go in, and the
// curve follows those.
//
// The rules. The amount ordered is the cap of everything. A pause moves the end by the pause. A changed rate, and a
// rate that the pump rounds, move the end to where the ordered amount is in. An end that is no whole microsecond is
// the next one, and the rate of the stretch that reaches it is lower by that share (at most 1 us of its duration), so
// that the amount is the one ordered and no rate is ever above the one asked for.
//
// A line between pump and vein is a plug: what the pump pushes in comes out a dead volume later. What is in it at the
// end is not delivered, unless a flush pushes it out; what it was primed with comes out first.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/sum.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// A rate that was asked for, and what the pump made of it.
struct RateRun {
  Micros at;
  double asked_mg_per_min;
  double run_mg_per_min;
};

/// A pause, and its end where it has one.
struct Interruption {
  Micros from;
  std::optional<Micros> until = {};
};

/// What became of one input: delivered + left = ordered, and the pieces add up to what was delivered, to 1e-12.
struct DeliveredInput {
  Dose ordered;
  std::vector<Dose> pieces = {};  ///< in order of time, none overlapping another
  DeliveryState state = DeliveryState::complete;
  Micros since{0};  ///< the instant of the end, the stop or the pause; of a running one, since it runs at its rate
  double delivered_mg = 0, left_mg = 0;
  double in_line_mg = 0;       ///< the share of `left_mg` that the pump has given and the line holds
  double rate_mg_per_min = 0;  ///< of what is left, while it runs or is paused
  Micros remaining{0};         ///< how long that would run
  std::vector<Interruption> pauses = {};
  std::vector<RateRun> rounded = {};  ///< where a pump runs at another rate than was asked for
};

/// An event, and what the pump had given of its input by that instant.
struct DeliveredEvent {
  std::size_t input;  ///< of `Delivery::inputs`
  Micros at;
  Act act;
  double delivered_mg, left_mg;
};

/// What a line held before the first infusion, and what became of it: delivered + left = primed.
struct Priming {
  double primed_mg = 0, delivered_mg = 0, left_mg = 0;
  std::vector<Dose> pieces = {};
};

/// What really goes in.
struct Delivery {
  std::vector<DeliveredInput> inputs;   ///< as the ordered regimen lists them
  std::vector<DeliveredEvent> events;   ///< as the order lists them
  Regimen given;                        ///< every piece, in order of its start; what is scheduled and solved
  std::vector<std::size_t> input_of;    ///< the input that each dose of `given` is a piece of; one past: the priming
  std::optional<Priming> priming = {};  ///< where there is a line
};

namespace detail {

/// How errors name input `i` of a resolved regimen; one past the last is what a line was primed with.
[[nodiscard]] inline std::string place_of(const Regimen& regimen, std::size_t i) {
  if (i == regimen.doses.size()) return "pump.line";
  const bool carried = i < regimen.carried;
  if (carried || regimen.sessions.empty())
    return (carried ? "saved[" : "order[") + std::to_string(carried ? i : i - regimen.carried) + ']';
  const std::size_t k = i - regimen.carried, n = regimen.per_session();
  return "session[" + std::to_string(k / n) + "].order[" + std::to_string(k % n) + ']';
}

/// The entry of `order` that input `i`, which is not carried over, is.
[[nodiscard]] inline std::size_t entry_of(const Regimen& regimen, std::size_t i) noexcept {
  return (i - regimen.carried) % std::max<std::size_t>(1, regimen.per_session());
}

/// How long `mg` runs at a rate: whole microseconds, and the next one where that is none.
/// Throws E_RANGE(field) where it would end past 400 d.
[[nodiscard]] inline Micros time_for(double mg, double rate_mg_per_min, std::string_view field) {
  const double us = mg / rate_mg_per_min * micros_per_minute;
  require(us <= static_cast<double>(horizon_limit.count()), Code::range, field,
          "so slow that the amount is not in within the supported course; accepted: an end up to 400 d");
  const Micros nearest{static_cast<std::int64_t>(std::round(us))};
  if (nearest.count() > 0 && std::abs(rate_mg_per_min * minutes(nearest) - mg) <= 1e-14 * mg) return nearest;
  return Micros{std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(us)))};
}

/// The rate that a pump with steps of `step` runs at: the nearest whole multiple, the lower one of two equally near.
/// Throws E_RANGE(field) where that is none at all.
[[nodiscard]] inline double at_step(double rate, double step, std::string_view field) {
  const double steps = rate / step, nearest = std::round(steps), below = std::floor(steps);
  require(std::isfinite(steps) && steps < 1e15, Code::range, field,
          "faster than a pump with such steps can count; accepted: a rate of fewer than 1e15 steps");
  if (nearest >= 1 && std::abs(steps - nearest) <= 1e-9 * steps) return rate;
  const double n = steps - below > 0.5 + 1e-9 * steps ? below + 1 : below;
  require(n >= 1, Code::range, field, "slower than the pump can run; accepted: at least half a step of pump.rate_step");
  return n * step;
}

/// One input while its course is written down.
struct Ledger {
  Dose ordered;
  DeliveryState state = DeliveryState::running;
  Micros since{0};
  double rate_mg_per_min = 0;
  Micros remaining{0};
  std::vector<Dose> pieces = {};
  CarefulSum in_mg = {};
  std::vector<RateRun> rounded = {};
  std::vector<Interruption> pauses = {};
  std::optional<Micros> last_event = {};

  [[nodiscard]] double left_mg() const noexcept { return ordered.amount_mg - in_mg.total(); }

  void add(const Dose& piece) {
    pieces.push_back(piece);
    in_mg.add(piece.amount_mg);
  }
  /// What ran until `t` becomes a piece; an infusion that nobody touched stays the dose that was ordered.
  void run_until(Micros t) {
    const Micros over = t - since;
    if (over.count() == 0) return;
    const bool untouched =
        pieces.empty() && since == ordered.at && over == ordered.over && rate_mg_per_min == ordered.rate_mg_per_min;
    add(untouched ? ordered : Dose{since, over, rate_mg_per_min * minutes(over), rate_mg_per_min, ordered.into});
    remaining -= over;
    since = t;
  }
  /// The stretch that reaches the end gives what is left, to the last digit that is not rounding.
  void run_to_end() {
    const double due = left_mg();
    if (std::abs(rate_mg_per_min * minutes(remaining) - due) > 1e-13 * ordered.amount_mg)
      rate_mg_per_min = due / minutes(remaining);
    run_until(since + remaining);
    state = DeliveryState::complete;
  }
};

/// The course of every input, as far as it was written down.
struct Books {
  std::vector<Ledger> ledgers;
  std::vector<DeliveredEvent> events = {};
};

/// What rates are set with.
struct Setting {
  Resolver resolver;
  std::optional<double> step_mg_per_min = {};

  /// Lets `ledger` run `mg` at a rate from `t` on. Throws E_RANGE(field) where it would end past 400 d.
  void run(Ledger& ledger, Micros t, double mg, double asked_mg_per_min) const {
    const double rate =
        step_mg_per_min ? at_step(asked_mg_per_min, *step_mg_per_min, resolver.field) : asked_mg_per_min;
    if (rate != asked_mg_per_min) ledger.rounded.push_back({t, asked_mg_per_min, rate});
    ledger.rate_mg_per_min = rate;
    start(ledger, t, time_for(mg, rate, resolver.field));
  }
  void start(Ledger& ledger, Micros t, Micros over) const {
    require(t + over <= horizon_limit, Code::range, resolver.field,
            "ends past the supported course; accepted: an end up to 400 d");
    ledger.remaining = over;
    ledger.since = t;
    ledger.state = DeliveryState::running;
  }
};

/// Throws E_FIELD_MISSING(bag.concentration), E_NONFINITE or E_RANGE(pump.rate_step).
[[nodiscard]] inline Setting setting_of(const Order& order, BodyMass dosing_weight) {
  Setting setting{.resolver = resolver_of(order, dosing_weight)};
  if (order.pump && order.pump->rate_step) {
    const double step = order.pump->rate_step->value().in(unit::L_per_min);
    require(std::isfinite(step), Code::nonfinite, "pump.rate_step", "not finite; accepted: more than zero");
    require(step > 0 && step <= 1000, Code::range, "pump.rate_step",
            "no step, or none of a pump; accepted: more than zero, such as 0.1 mL/h, up to 1000 L/min");
    require(setting.resolver.bag_mg_per_L.has_value(), Code::field_missing, "bag.concentration",
            "the steps of a pump are volumes; accepted: a concentration such as 1 mg/mL");
    setting.step_mg_per_min = step * *setting.resolver.bag_mg_per_L / setting.resolver.mg_per_base_mg;
    require(*setting.step_mg_per_min > 0, Code::range, "pump.rate_step", "no drug at all; accepted: a larger step");
  }
  return setting;
}

[[nodiscard]] inline Ledger carried_over(const SavedInput& in, UnderWay under_way, Micros saved_at) {
  Ledger ledger{.ordered = in.ordered,
                .state = in.state,
                .since = in.since,
                .rate_mg_per_min = in.rate_mg_per_min,
                .remaining = in.remaining};
  for (const Dose& piece : in.pieces) ledger.add(piece);
  if (in.state != DeliveryState::running && in.state != DeliveryState::paused) return ledger;
  if (in.state == DeliveryState::paused) ledger.pauses.push_back({in.since});
  if (under_way == UnderWay::stopped) {
    if (!ledger.pauses.empty()) ledger.pauses.back().until = saved_at;
    ledger.state = DeliveryState::stopped;
    ledger.since = saved_at;
  } else if (in.state == DeliveryState::running && in.since < saved_at) {
    // The piece that was cut by the saving runs on as if it had not been.
    ledger.pieces.clear();
    ledger.in_mg = {};
    for (std::size_t i = 0; i + 1 < in.pieces.size(); ++i) ledger.add(in.pieces[i]);
    ledger.remaining += in.pieces.back().over;
  }
  return ledger;
}

/// Every input at its start.
[[nodiscard]] inline Books opened(const Order& order, const Regimen& ordered, Setting& setting) {
  Books books{.ledgers = {}};
  books.ledgers.reserve(ordered.doses.size());
  for (std::size_t i = 0; i < ordered.doses.size(); ++i) {
    if (i < ordered.carried) {
      books.ledgers.push_back(carried_over(order.saved->inputs[i], order.under_way, order.saved->at));
      continue;
    }
    const Dose& dose = ordered.doses[i];
    Ledger& ledger = books.ledgers.emplace_back(Ledger{.ordered = dose});
    if (dose.is_bolus()) {
      ledger.add(dose);
      ledger.state = DeliveryState::complete;
      ledger.since = dose.at;
      continue;
    }
    ledger.rate_mg_per_min = dose.rate_mg_per_min;
    setting.resolver.field = place_of(ordered, i);
    setting.start(ledger, dose.at, dose.over);
    if (setting.step_mg_per_min) {
      setting.run(ledger, dose.at, dose.amount_mg, dose.rate_mg_per_min);
      if (ledger.rounded.empty()) {  // NOTE: a rate that the pump has keeps its duration to the bit
        ledger.rate_mg_per_min = dose.rate_mg_per_min;
        ledger.remaining = dose.over;
      }
    }
  }
  return books;
}

/// What an event at `field` finds. Throws E_STATE unless the act is one that the state admits.
inline void require_admitted(const Act& act, DeliveryState state, const std::string& field) {
  const bool pauses = std::holds_alternative<Pause>(act), stops = std::holds_alternative<Stop>(act),
             changes = std::holds_alternative<ChangeRate>(act), resumes = std::holds_alternative<Resume>(act);
  switch (state) {
    case DeliveryState::running:
      return require(pauses || stops || changes, Code::state, field,
                     "the infusion is running at that instant; accepted: pause, stop, change_rate");
    case DeliveryState::paused:
      return require(resumes || stops, Code::state, field,
                     "the infusion is paused at that instant; accepted: resume, stop");
    case DeliveryState::stopped:
      return require(std::holds_alternative<RestartRemainder>(act), Code::state, field,
                     "the infusion is stopped at that instant; accepted: restart_remainder");
    case DeliveryState::complete: return;  // its end was looked at before
  }
}

/// When an event happens and of which resolved input it is, session by session. Throws E_FIELD_MISSING, E_FIELD_UNKNOWN
/// or E_RANGE(events[i].session), E_TIME_ORDER(events[i].at) at the next session or later, E_RANGE(events[i].VERB).
struct Occurrence {
  Micros at;
  std::size_t input;
};
[[nodiscard]] inline Occurrence occurrence_of(const Event& event, const Regimen& ordered, std::size_t number) {
  const std::string field = "events[" + std::to_string(number) + "]", session = field + ".session";
  const bool in_session = !event.of_saved && !ordered.sessions.empty();
  require(in_session || !event.session, Code::field_unknown, session,
          "means nothing here; accepted: with a course, for an infusion of order");
  require(!in_session || event.session.has_value(), Code::field_missing, session,
          "not stated; accepted: the number of a session of the course, counted from 0");
  require(!in_session || *event.session < ordered.sessions.size(), Code::range, session,
          "no such session; accepted: the number of a session of the course, counted from 0");
  require(event.at.count() >= 0 && event.at <= horizon_limit, Code::range, field + ".at",
          "outside the supported course; accepted: 0 to 400 d");
  const Micros at = in_session ? ordered.sessions[*event.session] + event.at : event.at;
  require(at <= horizon_limit, Code::range, field + ".at", "outside the supported course; accepted: 0 to 400 d");
  require(!in_session || *event.session + 1 == ordered.sessions.size() || at < ordered.sessions[*event.session + 1],
          Code::time_order, field + ".at", "not before the next session begins; accepted: a time within the session");
  const std::size_t count = event.of_saved ? ordered.carried : ordered.per_session();
  require(event.input < count, Code::range, field + '.' + std::string(name_of(event.act)),
          event.of_saved ? "no such infusion in the saved state; accepted: saved[0] and so on"
                         : "no such entry of order; accepted: the number of an infusion in order, counted from 0");
  const std::size_t first = event.of_saved ? 0 : ordered.carried + (in_session ? *event.session * count : 0);
  return {at, first + event.input};
}

/// Enters one event. Throws as `deliver`.
inline void enter(Books& books, Event event, const Occurrence& occurrence, std::size_t number, Setting& setting) {
  const std::string field = "events[" + std::to_string(number) + "]",
                    verb = field + '.' + std::string(name_of(event.act));
  const std::size_t input = occurrence.input;
  event.at = occurrence.at;
  Ledger& ledger = books.ledgers[input];
  require(!ledger.ordered.is_bolus(), Code::state, verb,
          "a bolus, which is in at once; accepted: the number of an infusion");
  require(event.at >= ledger.ordered.at, Code::time_order, field + ".at",
          "before the infusion starts; accepted: from its start to before its end");
  require(!ledger.last_event || event.at > *ledger.last_event, Code::overlap, field + ".at",
          "a second event on one infusion at one instant; accepted: one event on an infusion at a time");
  const bool has_ended = ledger.state == DeliveryState::complete ||
                         (ledger.state == DeliveryState::running && event.at >= ledger.since + ledger.remaining);
  require(!has_ended, Code::time_order, field + ".at",
          "the infusion has ended by then; accepted: from its start to before its end");
  require_admitted(event.act, ledger.state, verb);
  ledger.last_event = event.at;
  if (ledger.state == DeliveryState::running) ledger.run_until(event.at);
  books.events.push_back({input, event.at, event.act, ledger.in_mg.total(), ledger.left_mg()});

  if (ledger.state == DeliveryState::paused) ledger.pauses.back().until = event.at;
  if (std::holds_alternative<Pause>(event.act)) {
    ledger.state = DeliveryState::paused;
    ledger.pauses.push_back({event.at});
  } else if (std::holds_alternative<Stop>(event.act)) {
    ledger.state = DeliveryState::stopped;
  } else if (std::holds_alternative<Resume>(event.act)) {
    setting.resolver.field = field + ".at";
    setting.start(ledger, event.at, ledger.remaining);
  } else if (const auto* change = std::get_if<ChangeRate>(&event.act)) {
    setting.resolver.field = field;
    const double rate = setting.resolver.rate_mg_per_min(change->to, ".to");
    setting.resolver.field = field + ".to";
    setting.run(ledger, event.at, ledger.left_mg(), rate);
  } else if (const auto* restart = std::get_if<RestartRemainder>(&event.act)) {
    const std::string over = field + ".over";
    require(restart->over.count() > 0, Code::range, over, "no duration; accepted: more than zero");
    require(restart->over <= horizon_limit, Code::range, over,
            "ends past the supported course; accepted: an end up to 400 d");
    setting.resolver.field = over;
    const double rate = ledger.left_mg() / minutes(restart->over);
    require(std::isfinite(rate) && rate > 0, Code::range, over, "no rate that can be run; accepted: another duration");
    const std::size_t rounded_before = ledger.rounded.size();
    if (setting.step_mg_per_min) setting.run(ledger, event.at, ledger.left_mg(), rate);
    if (ledger.rounded.size() == rounded_before) {
      ledger.rate_mg_per_min = rate;
      setting.start(ledger, event.at, restart->over);
    }
  }
  ledger.since = event.at;
}

/// All inputs and events, or those up to an instant.
[[nodiscard]] inline Books books_of(const Order& order, const Regimen& ordered, std::optional<Micros> until = {}) {
  require(order.events.size() <= most_events, Code::size, "events", "too many events; accepted: up to 10000");
  Setting setting = setting_of(order, ordered.dosing_weight);
  Books books = opened(order, ordered, setting);
  Micros latest{0};
  for (std::size_t i = 0; i < order.events.size(); ++i) {
    const Event& event = order.events[i];
    const std::string at = "events[" + std::to_string(i) + "].at";
    const Occurrence occurrence = occurrence_of(event, ordered, i);
    require(occurrence.at >= latest, Code::time_order, at,
            "earlier than the event ahead of it; accepted: events in order of time");
    require(!order.saved || occurrence.at >= order.saved->at, Code::time_order, at,
            "before the saved instant; accepted: events from that instant on");
    latest = occurrence.at;
    if (until && occurrence.at > *until) break;
    enter(books, event, occurrence, i, setting);
  }
  return books;
}

/// A piece and the input it is of.
struct Placed {
  Dose dose;
  std::size_t input;
};

/// A stretch of fluid in a line, with the drug of each input in it.
struct Share {
  std::size_t input;
  double mg;
};
struct Parcel {
  double volume_L;
  std::vector<Share> shares = {};
};

/// A line while drug is pushed through it.
class PlugFlow {
 public:
  explicit PlugFlow(Parcel first) { parcels_.push_back(std::move(first)); }

  /// Pushes `in` into the line from `from` to `until`; what leaves it meanwhile are pieces at the vein.
  void push(Parcel in, Micros from, Micros until) {
    const double us_per_L = static_cast<double>((until - from).count()) / in.volume_L;
    parcels_.push_back(std::move(in));
    while (from < until && !parcels_.empty()) {
      Parcel& front = parcels_.front();
      const double lasts_us = front.volume_L * us_per_L, room_us = static_cast<double>((until - from).count());
      if (lasts_us > room_us) {
        const double share = room_us / lasts_us;
        Parcel leaves{.volume_L = front.volume_L * share};
        for (Share& s : front.shares) {
          leaves.shares.push_back({s.input, s.mg * share});
          s.mg -= leaves.shares.back().mg;
        }
        front.volume_L -= leaves.volume_L;
        give(leaves, from, until - from);
        return;
      }
      // The next whole microsecond, so that rounding never makes a rate larger; 1e-6 us is rounding itself.
      const Micros over{static_cast<std::int64_t>(std::max(0.0, std::ceil(lasts_us - 1e-6)))};
      if (over.count() == 0) {  // too little to be followed by itself: it leaves with what comes next
        if (parcels_.size() == 1) return;
        Parcel& next = parcels_[1];
        next.volume_L += front.volume_L;
        next.shares.insert(next.shares.end(), front.shares.begin(), front.shares.end());
      } else {
        give(front, from, over);
      }
      parcels_.pop_front();
      from += over;
    }
  }

  [[nodiscard]] const std::vector<Placed>& given() const noexcept { return given_; }
  [[nodiscard]] const std::deque<Parcel>& held() const noexcept { return parcels_; }

 private:
  void give(const Parcel& parcel, Micros at, Micros over) {
    for (const Share& s : parcel.shares)
      if (s.mg > 0) given_.push_back({Dose{at, over, s.mg, s.mg / minutes(over)}, s.input});
  }
  std::deque<Parcel> parcels_;
  std::vector<Placed> given_;
};

/// The line and the flush in base units. Throws E_FIELD_MISSING(bag.concentration, pump.line), E_NONFINITE or
/// E_RANGE(pump.line.dead_volume, pump.flush…), E_STATE(pump.line) beside a saved state.
struct LineSetting {
  double base_mg_per_L, dead_L;
  bool is_primed_with_drug;
  std::optional<Flush> flush;
  double flush_L = 0;
};
[[nodiscard]] inline std::optional<LineSetting> line_of(const Order& order, const Resolver& resolver) {
  if (!order.pump || (!order.pump->line && !order.pump->flush)) return std::nullopt;
  require(order.pump->line.has_value(), Code::field_missing, "pump.line",
          "a flush without a line to go through; accepted: an object with dead_volume and primed_with");
  require(resolver.bag_mg_per_L.has_value(), Code::field_missing, "bag.concentration",
          "a line holds a volume; accepted: a concentration such as 1 mg/mL");
  require(!order.saved, Code::state, "pump.line",
          "what was in the line is not part of a saved state; accepted: a course from drug-free");
  const auto volume = [](const Stated<dim::volume>& stated, std::string_view field) {
    const double x = stated.value().in(unit::L);
    require(std::isfinite(x), Code::nonfinite, field, "not finite; accepted: more than zero");
    require(x > 0 && x <= 1000, Code::range, field, "no possible volume; accepted: more than zero, up to 1000 L");
    return x;
  };
  LineSetting line{.base_mg_per_L = *resolver.bag_mg_per_L / resolver.mg_per_base_mg,
                   .dead_L = volume(order.pump->line->dead_volume, "pump.line.dead_volume"),
                   .is_primed_with_drug = order.pump->line->primed_with == Primed::drug,
                   .flush = order.pump->flush};
  if (line.flush) {
    line.flush_L = volume(line.flush->volume, "pump.flush.volume");
    require(line.flush->at.count() >= 0 && line.flush->at <= horizon_limit, Code::range, "pump.flush.at",
            "outside the supported course; accepted: 0 to 400 d");
    require(line.flush->over.count() > 0 && line.flush->over <= horizon_limit &&
                line.flush->at + line.flush->over <= horizon_limit,
            Code::range, "pump.flush.over", "no possible duration; accepted: more than zero, an end up to 400 d");
  }
  return line;
}

/// Sends every infusion of `delivery` through the line. Throws E_OVERLAP(pump.flush) where an infusion runs meanwhile.
inline void send_through(const LineSetting& line, Delivery& delivery) {
  const std::size_t primed = delivery.inputs.size();
  std::vector<Placed> pumped;
  std::vector<Micros> edges;
  for (std::size_t i = 0; i < delivery.inputs.size(); ++i) {
    DeliveredInput& in = delivery.inputs[i];
    if (in.ordered.is_bolus()) continue;
    for (const Dose& piece : in.pieces) {
      require(!line.flush || piece.end() <= line.flush->at || piece.at >= line.flush->at + line.flush->over,
              Code::overlap, "pump.flush", "an infusion runs meanwhile; accepted: a flush while none runs");
      pumped.push_back({piece, i});
      edges.push_back(piece.at);
      edges.push_back(piece.end());
    }
    in.pieces.clear();
  }
  if (line.flush) {
    edges.push_back(line.flush->at);
    edges.push_back(line.flush->at + line.flush->over);
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  std::stable_sort(pumped.begin(), pumped.end(),
                   [](const Placed& a, const Placed& b) { return a.dose.at < b.dose.at; });

  Priming priming{.primed_mg = line.is_primed_with_drug ? line.dead_L * line.base_mg_per_L : 0};
  Parcel first{.volume_L = line.dead_L};
  if (priming.primed_mg > 0) first.shares.push_back({primed, priming.primed_mg});
  PlugFlow flow(std::move(first));
  std::vector<Placed> running;
  std::size_t next = 0;
  for (std::size_t k = 0; k + 1 < edges.size(); ++k) {
    const Micros from = edges[k], until = edges[k + 1];
    for (; next < pumped.size() && pumped[next].dose.at <= from; ++next) running.push_back(pumped[next]);
    std::erase_if(running, [&](const Placed& p) { return p.dose.end() <= from; });
    Parcel in{.volume_L = 0};
    if (line.flush && from >= line.flush->at && until <= line.flush->at + line.flush->over) in.volume_L = line.flush_L;
    for (const Placed& p : running) {
      // An edge within a piece cuts it; a whole piece keeps its amount to the bit.
      const bool is_whole = p.dose.at == from && p.dose.end() == until;
      const double mg = is_whole ? p.dose.amount_mg : p.dose.rate_mg_per_min * minutes(until - from);
      in.volume_L += mg / line.base_mg_per_L;
      in.shares.push_back({p.input, mg});
    }
    if (in.volume_L == 0 && in.shares.empty()) continue;
    require(in.volume_L > 0 && in.volume_L <= 1e6, Code::range, "bag.concentration",
            "a volume that no line can carry; accepted: a concentration with which the order is up to 1e6 L");
    flow.push(std::move(in), from, until);
  }

  std::vector<CarefulSum> held(primed + 1), given(primed + 1);
  for (const Parcel& parcel : flow.held())
    for (const Share& s : parcel.shares) held[s.input].add(s.mg);
  for (const Placed& p : flow.given()) {
    (p.input == primed ? priming.pieces : delivery.inputs[p.input].pieces).push_back(p.dose);
    given[p.input].add(p.dose.amount_mg);
  }
  for (std::size_t i = 0; i < primed; ++i) {
    DeliveredInput& in = delivery.inputs[i];
    if (in.ordered.is_bolus()) continue;
    in.delivered_mg = given[i].total();
    in.in_line_mg = held[i].total();
    in.left_mg += in.in_line_mg;
  }
  priming.delivered_mg = given[primed].total();
  priming.left_mg = held[primed].total();
  delivery.priming = std::move(priming);
}

}  // namespace detail

namespace detail {

/// Each session has a line of its own, primed anew, and a flush of its own. Throws as `send_through`, and
/// E_OVERLAP(pump.flush) where that runs into the next session.
inline void send_through(const LineSetting& line, const Regimen& ordered, Delivery& delivery) {
  if (ordered.sessions.empty()) return send_through(line, delivery);
  const std::size_t n = ordered.per_session();
  Priming all{.primed_mg = 0};
  CarefulSum primed, delivered, left;
  for (std::size_t s = 0; s < ordered.sessions.size(); ++s) {
    LineSetting of_session = line;
    if (of_session.flush) {
      of_session.flush->at += ordered.sessions[s];
      const Micros end = of_session.flush->at + of_session.flush->over;
      require(end <= (s + 1 < ordered.sessions.size() ? ordered.sessions[s + 1] : horizon_limit), Code::overlap,
              "pump.flush", "runs into the next session; accepted: a flush within each session");
    }
    const auto first = delivery.inputs.begin() + static_cast<std::ptrdiff_t>(ordered.carried + s * n);
    Delivery session{
        .inputs = {}, .events = {}, .given = {.doses = {}, .dosing_weight = ordered.dosing_weight}, .input_of = {}};
    session.inputs.assign(std::make_move_iterator(first),
                          std::make_move_iterator(first + static_cast<std::ptrdiff_t>(n)));
    send_through(of_session, session);
    std::move(session.inputs.begin(), session.inputs.end(), first);
    primed.add(session.priming->primed_mg);
    delivered.add(session.priming->delivered_mg);
    left.add(session.priming->left_mg);
    all.pieces.insert(all.pieces.end(), session.priming->pieces.begin(), session.priming->pieces.end());
  }
  all.primed_mg = primed.total();
  all.delivered_mg = delivered.total();
  all.left_mg = left.total();
  delivery.priming = std::move(all);
}

/// Throws E_OVERLAP(session[s].order[i]) where an infusion that was delayed runs into the next session.
inline void require_apart(const Regimen& ordered, const Delivery& delivery) {
  const std::size_t n = std::max<std::size_t>(1, ordered.per_session());
  for (std::size_t i = 0; i < delivery.inputs.size() && !ordered.sessions.empty(); ++i) {
    const std::size_t next = i < ordered.carried ? 0 : (i - ordered.carried) / n + 1;
    if (next == ordered.sessions.size()) continue;
    for (const Dose& piece : delivery.inputs[i].pieces)
      require(piece.end() <= ordered.sessions[next], Code::overlap, place_of(ordered, i),
              "as delivered, runs into the next session; accepted: an end before that, or a stop");
  }
}

}  // namespace detail

/// What really goes in of `ordered`, which `resolve` made of `order`: its events, its pump, and what a saved state
/// holds unfinished. Pure; nothing is delivered that was not ordered, and no event is ever ignored. Throws
/// E_STATE(events[i].VERB) for an act that the state of the infusion does not admit, E_TIME_ORDER(events[i].at) before
/// the start, after the end or before the event ahead, E_OVERLAP(events[i].at) for two events on one infusion at one
/// instant, E_RANGE(events[i]…, order[i], pump.rate_step), E_FIELD_MISSING(bag.concentration), E_SIZE(events); with a
/// course E_FIELD_MISSING or E_RANGE(events[i].session), E_OVERLAP(session[s].order[i]) where it runs into the next
/// one.
[[nodiscard]] inline Delivery deliver(const Order& order, const Regimen& ordered) {
  using detail::Placed;
  const auto line = detail::line_of(order, detail::resolver_of(order, ordered.dosing_weight));
  detail::Books books = detail::books_of(order, ordered);
  Delivery delivery{.inputs = {},
                    .events = std::move(books.events),
                    .given = {.doses = {}, .dosing_weight = ordered.dosing_weight, .sessions = ordered.sessions},
                    .input_of = {}};
  for (detail::Ledger& ledger : books.ledgers) {
    if (ledger.state == DeliveryState::running) ledger.run_to_end();
    const bool complete = ledger.state == DeliveryState::complete;
    delivery.inputs.push_back({.ordered = ledger.ordered,
                               .pieces = std::move(ledger.pieces),
                               .state = ledger.state,
                               .since = ledger.since,
                               .delivered_mg = complete ? ledger.ordered.amount_mg : ledger.in_mg.total(),
                               .left_mg = complete ? 0 : ledger.left_mg(),
                               .rate_mg_per_min = complete ? 0 : ledger.rate_mg_per_min,
                               .remaining = complete ? Micros{0} : ledger.remaining,
                               .pauses = std::move(ledger.pauses),
                               .rounded = std::move(ledger.rounded)});
  }
  if (line) {
    for (std::size_t i = 0; i < ordered.doses.size(); ++i)
      require(ordered.doses[i].is_bolus() || ordered.doses[i].is_intravenous(), Code::field_unknown,
              detail::place_of(ordered, i) + ".into",
              "an infusion that does not go through the line; accepted: infusions into the vein, or no line");
    detail::send_through(*line, ordered, delivery);
  }
  detail::require_apart(ordered, delivery);

  std::vector<Placed> all;
  for (std::size_t i = 0; i < delivery.inputs.size(); ++i)
    for (const Dose& piece : delivery.inputs[i].pieces) all.push_back({piece, i});
  if (delivery.priming)
    for (const Dose& piece : delivery.priming->pieces) all.push_back({piece, delivery.inputs.size()});
  std::stable_sort(all.begin(), all.end(), [](const Placed& a, const Placed& b) { return a.dose.at < b.dose.at; });
  for (const Placed& p : all) {
    delivery.given.doses.push_back(p.dose);
    delivery.input_of.push_back(p.input);
  }
  return delivery;
}

/// How many infusions are paused at `t`; at the very instant of a pause it is, of a resumption it is not.
[[nodiscard]] inline std::size_t paused_at(const Delivery& delivery, Micros t) {
  std::size_t paused = 0;
  for (const DeliveredInput& in : delivery.inputs)
    for (const Interruption& pause : in.pauses)
      if (pause.from <= t && !(pause.until && *pause.until <= t)) ++paused;
  return paused;
}

/// What had gone in by `at` and how each input that had begun stood then: what a later course starts from.
/// Throws as `deliver`, and E_RANGE(save_at) outside 0 to 400 d or before the saved state this course started from.
[[nodiscard]] inline std::vector<SavedInput> history(const Order& order, const Regimen& ordered, Micros at) {
  require(at.count() >= 0 && at <= horizon_limit, Code::range, "save_at",
          "outside the supported course; accepted: 0 to 400 d");
  require(!order.pump || !order.pump->line, Code::state, "pump.line",
          "what is in the line is not part of a saved state; accepted: to save a course without a line");
  require(!order.saved || at >= order.saved->at, Code::time_order, "save_at",
          "before the saved state that the course started from; accepted: that instant or a later one");
  std::vector<SavedInput> inputs;
  for (detail::Ledger& ledger : detail::books_of(order, ordered, at).ledgers) {
    if (ledger.ordered.at > at) break;
    const Micros began = ledger.since;
    if (ledger.state == DeliveryState::running && began + ledger.remaining <= at)
      ledger.run_to_end();
    else if (ledger.state == DeliveryState::running)
      ledger.run_until(at);
    const bool runs = ledger.state == DeliveryState::running;
    const bool open = runs || ledger.state == DeliveryState::paused;
    inputs.push_back({.ordered = ledger.ordered,
                      .pieces = ledger.pieces,
                      .state = ledger.state,
                      .since = runs ? began : ledger.since,
                      .rate_mg_per_min = open ? ledger.rate_mg_per_min : 0,
                      .remaining = open ? ledger.remaining : Micros{0}});
  }
  return inputs;
}

namespace detail {

/// What is not in of an input, "3.5 mg of 35 mg not given"; empty where all of it is.
[[nodiscard]] inline std::string not_given(const DeliveredInput& in) {
  if (in.left_mg == 0) return {};
  return plain_text(in.left_mg, 4) + " mg of " + plain_text(in.ordered.amount_mg, 4) + " mg not given" +
         (in.in_line_mg > 0 ? ", " + plain_text(in.in_line_mg, 4) + " mg of it in the line" : "");
}

/// "paused since 12 min; 3.5 mg of 35 mg not given"
[[nodiscard]] inline std::string standing(const DeliveredInput& in) {
  const std::string since = plain_text(minutes(in.since), 12) + " min";
  const std::string left = not_given(in);
  return std::string(name_of(in.state)) + (in.state == DeliveryState::paused ? " since " : " at ") + since +
         (left.empty() ? "" : "; " + left);
}

}  // namespace detail

}  // namespace ketpk
