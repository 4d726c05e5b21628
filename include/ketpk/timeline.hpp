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
#include <queue>
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
  /// By one dose [mg]. Of a constant infusion, 0.
  [[nodiscard]] double given_mg() const noexcept { return bolus_mg + rate_mg_per_min * minutes(duration); }
  /// The infusion that has always been going on, and ends when it is told of. Nothing may be left of its rate.
  [[nodiscard]] bool is_constant() const noexcept {
    return steady_state != SteadyState::none && interval.count() == 0 && duration.count() == 0 && bolus_mg == 0;
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

/// Sums shares place by place, smallest first, so that their order does not show in the sum.
[[nodiscard]] inline std::vector<Intake> summed(std::vector<Intake> shares) {
  std::sort(shares.begin(), shares.end(), [](const Intake& a, const Intake& b) {
    return a.place != b.place ? a.place < b.place : a.amount < b.amount;
  });
  std::vector<Intake> sums;
  for (const Intake& s : shares) {
    if (!sums.empty() && sums.back().place == s.place)
      sums.back().amount += s.amount;
    else
      sums.push_back(s);
  }
  return sums;
}

/// Most stretches of one subject's course, so that what a short file asks for stays bounded.
inline constexpr std::size_t most_stretches = 2'000'000;

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
  /// A dose and those that follow it.
  struct Coming {
    Micros at;
    Entering dose;
    std::size_t left;
  };
  struct Ending {
    Micros at;
    Intake rate;
    double rest_mg;
  };
  struct Later {
    template <class T>
    [[nodiscard]] bool operator()(const T& a, const T& b) const noexcept {
      return a.at > b.at;
    }
  };
  /// What is due first is on top.
  template <class T>
  using Queue = std::priority_queue<T, std::vector<T>, Later>;
  /// Infusions at one rate into one place.
  struct Group {
    Intake each;
    std::size_t count;
  };

  /// Everything that happens by itself up to record `k`, and at its instant.
  void pass(std::size_t k) {
    const std::size_t governs = rule_ == CovariateRule::nonmem || k == 0 ? k : k - 1;
    for (;;) {
      if (coming_.empty() && ending_.empty()) return;
      const Micros next = coming_.empty()   ? ending_.top().at
                          : ending_.empty() ? coming_.top().at
                                            : std::min(coming_.top().at, ending_.top().at);
      if (next > records_[k].time) return;
      begin(next, governs);
      std::vector<Intake> boluses;
      for (; !ending_.empty() && ending_.top().at == next; ending_.pop()) {
        const Ending& e = ending_.top();
        if (e.rest_mg > 0) boluses.push_back({e.rate.place, e.rest_mg});
        stop(e.rate);
      }
      while (!coming_.empty() && coming_.top().at == next) {
        Coming c = coming_.top();
        coming_.pop();
        enter(c.dose, next, boluses);
        c.at += c.dose.interval;
        if (--c.left > 0) coming_.push(c);
      }
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
      ending_ = {};
      coming_ = {};
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
          run({end, {dose.place, dose.rate_mg_per_min}, dose.bolus_mg});
    }
    const std::size_t doses = dose.additional + 1;
    if (dose.lag.count() > 0) {
      coming_.push({now + dose.lag, dose, doses});
      return;
    }
    enter(dose, now, boluses);
    if (doses > 1) coming_.push({now + dose.interval, dose, doses - 1});
  }

  void enter(const Entering& dose, Micros now, std::vector<Intake>& boluses) {
    if (dose.is_infusion())
      run({now + dose.duration, {dose.place, dose.rate_mg_per_min}, dose.bolus_mg});
    else
      boluses.push_back({dose.place, dose.bolus_mg});
  }

  /// The group of infusions at this rate, or where it would stand: by place, then smallest first.
  [[nodiscard]] std::vector<Group>::iterator group_of(const Intake& rate) {
    return std::lower_bound(running_.begin(), running_.end(), rate, [](const Group& g, const Intake& r) {
      return g.each.place != r.place ? g.each.place < r.place : g.each.amount < r.amount;
    });
  }
  void run(const Ending& e) {
    const auto group = group_of(e.rate);
    if (group != running_.end() && group->each.place == e.rate.place && group->each.amount == e.rate.amount)
      ++group->count;
    else
      running_.insert(group, {e.rate, 1});
    ending_.push(e);
  }
  void stop(const Intake& rate) {
    const auto group = group_of(rate);
    if (--group->count == 0) running_.erase(group);
  }

  /// A new stretch at `now`, governed by record `k`.
  void begin(Micros now, std::size_t k) {
    require(timeline_.stretches.size() < most_stretches, Code::size, "data line " + std::to_string(records_[k].line),
            "too many records, repeated doses and ends of infusions; accepted: up to 2000000 for a subject");
    if (!timeline_.stretches.empty()) timeline_.stretches.back().duration = now - timeline_.stretches.back().start;
    timeline_.stretches.push_back({.start = now, .duration = Micros{0}, .record = k});
  }

  /// What the latest stretch begins with and what goes in during it.
  void settle(std::vector<Intake> boluses) {
    Stretch& now = timeline_.stretches.back();
    now.boluses = summed(std::move(boluses));
    for (const Group& g : running_) {
      const double amount = static_cast<double>(g.count) * g.each.amount;
      if (!now.rates.empty() && now.rates.back().place == g.each.place)
        now.rates.back().amount += amount;
      else
        now.rates.push_back({g.each.place, amount});
    }
  }

  std::span<const Happening> records_;
  CovariateRule rule_;
  Queue<Coming> coming_;
  Queue<Ending> ending_;
  std::vector<Group> running_;  ///< in the order of `group_of`, so that the order of events does not show in a sum
  Timeline timeline_;
};

}  // namespace detail

/// The course of one subject's records as stretches of constant input. A reset empties the system, stops what is
/// running and cancels what is to come; so does a steady state that replaces.
/// Throws, field `data line N`: E_TIME_ORDER where a record is earlier than the one ahead of it; E_RANGE for a lag that
/// is not shorter than the interval of a steady state, a train without an interval, more than 100,000 doses running at
/// once, and an instant more than 400 d after the first record; E_SIZE for more than 2,000,000 stretches.
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
