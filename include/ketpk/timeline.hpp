// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what a list of records does to a course hangs on an order of events: lags, repeated doses, infusions that end
// between records, resets that cancel what is still to come, steady states that have a past of their own. All of it is
// settled here, in whole microseconds; after it there are only stretches of constant input. A dose whose arrival was
// announced earlier comes before a record of the same instant; records of one instant come in their order.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/records.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// A dose as it enters: after bioavailability, with its lag and the time it takes. Drug that an infusion's rate would
/// give within its last, broken microsecond enters at its end, so that amount and rate are both as stated.
struct Entering {
  std::size_t place = 0;  ///< state of the network
  double bolus_mg = 0;    ///< at once; of an infusion, what enters at its end
  double rate_mg_per_min = 0;
  Micros duration{0};
  Micros lag{0};
  std::size_t additional = 0;
  Micros interval{0};
  SteadyState steady_state = SteadyState::none;

  [[nodiscard]] bool is_infusion() const noexcept { return rate_mg_per_min > 0; }
  /// The infusion that has always been going on, and ends when it is told of.
  [[nodiscard]] bool is_constant() const noexcept {
    return is_infusion() && interval.count() == 0 && duration.count() == 0;
  }
};

/// One record of a subject as the timeline needs it.
struct Happening {
  std::size_t line;
  Micros time;
  bool empties = false;  ///< EVID 3 and 4
  std::optional<Entering> dose = {};
};

/// An amount or a rate into one place.
struct Intake {
  std::size_t place;
  double amount;
};

/// A steady state to be put in place of what is there, or added to it: one dose, repeated for ever, seen `phase` after
/// its latest arrival; at phase 0 just before one. An infusion without interval has always been running.
struct Train {
  Entering dose;
  Micros phase;
  std::size_t record;  ///< whose parameters hold
};

/// A stretch of constant input. What happens at its start, in this order: it is emptied, the steady state is set or
/// added, boluses enter.
struct Stretch {
  Micros start, duration;
  std::size_t record;  ///< whose parameters govern it
  bool is_emptied = false;
  std::optional<Train> steady = {};
  std::vector<Intake> boluses = {};  ///< [mg], each place once
  std::vector<Intake> rates = {};    ///< [mg/min], each place once
};

struct Timeline {
  std::vector<Stretch> stretches;      ///< without a gap; some last no time
  std::vector<std::size_t> of_record;  ///< the stretch that begins with record k: its start is what k shows
};

namespace detail {

/// Sums intakes place by place, smallest first, so that their order does not show in the sum.
[[nodiscard]] inline std::vector<Intake> summed(std::vector<Intake> all) {
  std::sort(all.begin(), all.end(), [](const Intake& a, const Intake& b) {
    return a.place != b.place ? a.place < b.place : a.amount < b.amount;
  });
  std::vector<Intake> sums;
  for (const Intake& s : all) {
    if (!sums.empty() && sums.back().place == s.place)
      sums.back().amount += s.amount;
    else
      sums.push_back(s);
  }
  return sums;
}

/// Everything of one subject that is running or still to come.
class Clock {
 public:
  Clock(std::span<const Happening> records, CovariateRule rule) : records_(records), rule_(rule) {}

  [[nodiscard]] Timeline run() {
    for (std::size_t k = 0; k < records_.size(); ++k) {
      pass(k);
      happen(k);
    }
    return std::move(timeline_);
  }

 private:
  struct Coming {
    Micros at;
    Entering dose;
    std::size_t left;  ///< of it and the doses that follow
  };
  struct Running {
    Micros end;
    Intake rate;
    double rest_mg;
  };

  /// Everything that happens by itself up to record `k`, and at its instant.
  void pass(std::size_t k) {
    const std::size_t governs = rule_ == CovariateRule::nonmem || k == 0 ? k : k - 1;
    for (;;) {
      std::optional<Micros> next;
      for (const Coming& c : coming_)
        if (!next || c.at < *next) next = c.at;
      for (const Running& r : running_)
        if (!next || r.end < *next) next = r.end;
      if (!next || *next > records_[k].time) return;
      begin(*next, governs);
      std::vector<Intake> boluses;
      end_running(*next, boluses);
      for (Coming& c : coming_) {
        if (c.at != *next) continue;
        enter(c.dose, *next, boluses);
        --c.left;
        c.at += c.dose.interval;
      }
      std::erase_if(coming_, [](const Coming& c) { return c.left == 0; });
      settle(std::move(boluses));
    }
  }

  void happen(std::size_t k) {
    const Happening& h = records_[k];
    const bool is_last = k + 1 == records_.size();
    begin(h.time, rule_ == CovariateRule::nonmem && !is_last ? k + 1 : k);
    timeline_.of_record.push_back(timeline_.stretches.size() - 1);
    Stretch& now = timeline_.stretches.back();
    const bool replaces = h.dose && h.dose->steady_state == SteadyState::replaces;
    if (h.empties || replaces) {
      now.is_emptied = true;
      running_.clear();
      coming_.clear();
    }
    std::vector<Intake> boluses;
    if (h.dose) give(*h.dose, k, boluses);
    settle(std::move(boluses));
  }

  void give(const Entering& dose, std::size_t k, std::vector<Intake>& boluses) {
    const Micros now = records_[k].time;
    if (dose.steady_state != SteadyState::none) {
      const Micros phase = dose.lag.count() == 0 || dose.is_constant() ? Micros{0} : dose.interval - dose.lag;
      timeline_.stretches.back().steady = Train{dose, phase, k};
      if (dose.is_constant()) return;  // it ends here
      // Doses of the past whose infusions go on. The latest came at now + lag - interval.
      if (dose.is_infusion())
        for (Micros end = now + dose.lag - dose.interval + dose.duration; end > now; end -= dose.interval)
          running_.push_back({end, {dose.place, dose.rate_mg_per_min}, dose.bolus_mg});
    }
    const std::size_t doses = dose.additional + 1;
    if (dose.lag.count() > 0) {
      coming_.push_back({now + dose.lag, dose, doses});
      return;
    }
    enter(dose, now, boluses);
    if (doses > 1) coming_.push_back({now + dose.interval, dose, doses - 1});
  }

  void enter(const Entering& dose, Micros now, std::vector<Intake>& boluses) {
    if (dose.is_infusion())
      running_.push_back({now + dose.duration, {dose.place, dose.rate_mg_per_min}, dose.bolus_mg});
    else
      boluses.push_back({dose.place, dose.bolus_mg});
  }

  void end_running(Micros now, std::vector<Intake>& boluses) {
    std::erase_if(running_, [&](const Running& r) {
      if (r.end != now) return false;
      if (r.rest_mg > 0) boluses.push_back({r.rate.place, r.rest_mg});
      return true;
    });
  }

  /// A new stretch at `now`, governed by record `k`.
  void begin(Micros now, std::size_t k) {
    if (!timeline_.stretches.empty()) timeline_.stretches.back().duration = now - timeline_.stretches.back().start;
    timeline_.stretches.push_back({.start = now, .duration = Micros{0}, .record = k});
  }

  /// What the latest stretch begins with and what goes in during it.
  void settle(std::vector<Intake> boluses) {
    Stretch& now = timeline_.stretches.back();
    now.boluses = summed(std::move(boluses));
    std::vector<Intake> rates;
    rates.reserve(running_.size());
    for (const Running& r : running_) rates.push_back(r.rate);
    now.rates = summed(std::move(rates));
  }

  std::span<const Happening> records_;
  CovariateRule rule_;
  std::vector<Coming> coming_;
  std::vector<Running> running_;
  Timeline timeline_;
};

}  // namespace detail

/// The course of one subject's records as stretches of constant input. A reset empties the system, stops what is
/// running and cancels what is to come; so does a steady state that replaces.
/// Throws, field `data line N`: E_TIME_ORDER where a record is earlier than the one ahead of it; E_RANGE for a lag that
/// is not shorter than the interval of a steady state, a train without an interval, more than 100,000 doses running at
/// once, and an instant 400 d or more after the first record.
[[nodiscard]] inline Timeline timeline(std::span<const Happening> records, CovariateRule rule) {
  for (std::size_t k = 0; k < records.size(); ++k) {
    const Happening& h = records[k];
    const std::string at = "data line " + std::to_string(h.line);
    require(k == 0 || h.time >= records[k - 1].time, Code::time_order, at,
            "earlier than the record ahead of it; accepted: records of a subject in order of time");
    require(h.time - records[0].time <= horizon_limit, Code::range, at,
            "too far from the subject's first record; accepted: up to 400 d");
    if (!h.dose) continue;
    const Entering& d = *h.dose;
    require(d.lag.count() >= 0 && d.lag <= horizon_limit && d.duration <= horizon_limit, Code::range, at,
            "a lag or a duration beyond the supported course; accepted: 0 to 400 d");
    require(d.interval.count() > 0 || (d.additional == 0 && (d.steady_state == SteadyState::none || d.is_constant())),
            Code::range, at, "repeated doses without an interval; accepted: an interval of more than zero");
    if (d.steady_state == SteadyState::none || d.is_constant()) continue;
    require(d.lag < d.interval, Code::range, at,
            "a lag that is not shorter than the interval of a steady state; accepted: a lag below the interval");
    require(d.duration / d.interval < 100'000, Code::range, at,
            "too many infusions at once; accepted: fewer than 100000 intervals in the time one takes");
  }
  return detail::Clock(records, rule).run();
}

}  // namespace ketpk
