// SPDX-License-Identifier: Apache-2.0

// Why: a table of what-ifs is the same session many times with other numbers. Sessions are read once per combination
// of words (model, analyte, sex …); each row then puts its numbers into a copy and asks exactly as a single call does.
// Rows do not know of each other, so any number of threads gives the same bits.

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <span>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>

#include "bind.hpp"

namespace ketpk::bind {
namespace {

using namespace nb::literals;

using Doubles = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Indices = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

/// Which number of a session a column holds.
enum class Role : std::uint8_t { weight, dosing_weight, height, age, dose, rate, duration, start, bolus, bag };
constexpr std::array<std::string_view, 10> role_names{"weight", "dosing_weight", "height", "age",   "dose",
                                                      "rate",   "duration",      "start",  "bolus", "bag"};

/// A column of numbers in one unit; the role says where they go.
struct NumberColumn {
  Role role;
  AnyUnit unit;
  std::span<const double> values;
};

/// Throws E_UNIT_UNKNOWN where the role can have no such unit.
template <class S>
AnyUnit unit_named(std::string_view name, std::string_view field) {
  for (const AnyUnit& u : unit_list)
    if (u.name == name && S::fits(u)) return u;
  throw InvalidInput(Code::unit_unknown, std::string(field), "unknown unit; accepted: " + S::accepted());
}

AnyUnit unit_for(Role role, std::string_view name) {
  switch (role) {
    case Role::weight:
    case Role::dosing_weight: return unit_named<Stated<dim::body>>(name, "weight");
    case Role::height: return unit_named<Stated<dim::length>>(name, "height");
    case Role::age: return unit_named<Stated<dim::age>>(name, "age");
    case Role::dose:
    case Role::bolus: return unit_named<StatedDose>(name, "dose");
    case Role::rate: return unit_named<StatedRate>(name, "rate");
    case Role::duration:
    case Role::start: return unit_named<Stated<dim::time>>(name, "time");
    case Role::bag: return unit_named<Stated<dim::concentration>>(name, "bag");
  }
  throw InvalidInput(Code::arg, "role", "no such role; accepted: those of the table");
}

/// Puts one number into a session; `Input`s are the bolus, if there is one, and then the infusion.
void put(Request& request, Role role, double x, const AnyUnit& unit) {
  auto& inputs = request.order.inputs;
  const std::string last = "order[" + std::to_string(inputs.size() - 1) + "]";
  const auto micros = [&](const char* key) { return micros_of(Stated<dim::time>(x, unit, last + key), last + key); };
  const auto infusion = [&](auto change) {
    std::visit(
        [&](auto& input) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(input)>, Bolus>) change(input);
        },
        inputs.back());
  };
  switch (role) {
    case Role::weight: request.patient.weight = Stated<dim::body>(x, unit, "patient.weight"); return;
    case Role::dosing_weight:
      request.patient.dosing_weight = Stated<dim::body>(x, unit, "patient.dosing_weight");
      return;
    case Role::height: request.patient.height = Stated<dim::length>(x, unit, "patient.height"); return;
    case Role::age: request.patient.age = Stated<dim::age>(x, unit, "patient.age").value(); return;
    case Role::dose: std::get<Infuse>(inputs.back()).amount = StatedDose(x, unit, last + ".infuse"); return;
    case Role::rate: std::get<InfuseAtRate>(inputs.back()).rate = StatedRate(x, unit, last + ".infuse_at_rate"); return;
    case Role::duration: infusion([&](auto& input) { input.over = micros(".over"); }); return;
    case Role::start: infusion([&](auto& input) { input.at = micros(".at"); }); return;
    case Role::bolus: std::get<Bolus>(inputs.front()).amount = StatedDose(x, unit, "order[0].bolus"); return;
    case Role::bag: request.order.bag = Stated<dim::concentration>(x, unit, "bag.concentration"); return;
  }
}

constexpr double absent = std::numeric_limits<double>::quiet_NaN();

/// What is kept of every row. Where a row's model has no such curve, the column holds NaN for "there is none".
struct Answers {
  std::vector<std::string> names;            ///< of the columns
  std::vector<std::vector<double>> columns;  ///< rows × (1, or the number of asked instants)
  std::vector<std::uint8_t> verdicts;
  std::vector<std::string> flags, not_evaluated;

  std::vector<double>& column(const std::string& name, std::size_t size) {
    names.push_back(name);
    return columns.emplace_back(size, absent);
  }
};

/// Which columns the table of answers has.
struct Layout {
  std::vector<std::string> metabolites;
  std::vector<CardEffect> effects;
  bool effect_site = false;
  std::vector<std::string> levels;  ///< as they are named in columns
};

Layout layout_of(const std::vector<Request>& sessions) {
  Layout layout;
  for (const Request& r : sessions) {
    layout.effect_site = layout.effect_site || r.model.ke0.has_value();
    for (const CardMetabolite& m : r.model.metabolites)
      if (std::find(layout.metabolites.begin(), layout.metabolites.end(), m.name) == layout.metabolites.end())
        layout.metabolites.push_back(m.name);
    for (const auto* list : {&r.model.effects, &r.effects})
      for (const CardEffect& effect : *list) {
        const auto other = std::find_if(layout.effects.begin(), layout.effects.end(),
                                        [&](const CardEffect& e) { return e.name == effect.name; });
        if (other == layout.effects.end())
          layout.effects.push_back(effect);
        else
          require(effect_unit_of(*other) == effect_unit_of(effect), Code::unit_mismatch, "effects",
                  "one name for effects in two units; accepted: in one unit in all rows, or a name for each");
      }
  }
  for (const auto& level : sessions.front().time_above)
    layout.levels.push_back(to_text(level.in(unit::ng_per_mL)) + "_ng_per_mL");
  return layout;
}

std::string joined_by_semicolon(std::string a, std::string_view b) {
  if (!a.empty()) a += ';';
  return a += b;
}

/// One table on its way: what is asked, what was answered, and the first row that could not be.
class Table {
 public:
  /// Rows that a thread takes at a time.
  static constexpr std::size_t chunk = 16;

  Table(std::vector<Request> sessions, std::span<const std::int32_t> session_of, std::vector<NumberColumn> numbers,
        bool second_solver, bool profiles)
      : sessions_(std::move(sessions)),
        session_of_(session_of),
        numbers_(std::move(numbers)),
        layout_(layout_of(sessions_)),
        second_solver_(second_solver),
        profiles_(profiles) {
    const std::size_t n = rows();
    answers_.verdicts.resize(n);
    answers_.flags.resize(n);
    answers_.not_evaluated.resize(n);
    instants_ = profiles ? ketpk::detail::observed_instants(sessions_.front().observe) : std::vector<Micros>{};
    const std::size_t width = profiles ? instants_.size() : 1;
    const auto add = [&](const std::string& name) { (void)answers_.column(name, n * width); };
    if (profiles) {
      add("plasma_ng_per_mL");
      if (layout_.effect_site) add("effect_site_ng_per_mL");
      for (const std::string& m : layout_.metabolites) add(m + "_ng_per_mL");
      add("delivered_mg");
      add("auc_ng_h_per_mL");
      for (const CardEffect& e : layout_.effects) add(report_detail::effect_header(e.name, effect_unit_of(e)));
      return;
    }
    for (const char* name :
         {"cmax_ng_per_mL", "tmax_min", "auc_inf_ng_h_per_mL", "delivered_mg", "terminal_half_life_min"})
      add(name);
    if (layout_.effect_site)
      for (const char* name : {"effect_site_cmax_ng_per_mL", "effect_site_tmax_min"}) add(name);
    for (const std::string& m : layout_.metabolites)
      for (const char* name : {"_cmax_ng_per_mL", "_tmax_min", "_auc_inf_ng_h_per_mL"}) add(m + name);
    for (const std::string& level : layout_.levels) {
      add("minutes_above_" + level);
      add("first_min_above_" + level);
    }
    for (const CardEffect& e : layout_.effects)
      for (const char* extreme : {"_highest", "_lowest"}) {
        add(report_detail::effect_header(e.name + extreme, effect_unit_of(e)));
        add(e.name + extreme + "_at_min");
      }
    if (second_solver) add("agreement_rel");
  }

  [[nodiscard]] std::size_t rows() const { return session_of_.size(); }
  [[nodiscard]] std::size_t done() const { return done_.load(std::memory_order_relaxed); }
  [[nodiscard]] const std::vector<Micros>& instants() const { return instants_; }
  [[nodiscard]] Answers& answers() { return answers_; }
  void stop() { first_bad_.store(0); }

  /// As `work`; what goes wrong between rows is kept as if it were the first row's.
  void work_or_refuse() noexcept {
    try {
      work();
    } catch (...) {  // NOLINT: no exception may leave a thread; `rethrow` throws it on the caller's
      refuse(0, std::current_exception());
    }
  }

  /// Throws what the first bad row threw.
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  /// Takes rows until there are none left, or none ahead of the first bad one.
  void work() {
    const DefaultFloatingPoint steady;
    std::vector<Request> own = sessions_;
    for (;;) {
      const std::size_t begin = next_.fetch_add(chunk);
      const std::size_t end = std::min(begin + chunk, rows());
      if (begin >= end) return;
      for (std::size_t row = begin; row < end; ++row) {
        if (row >= first_bad_.load(std::memory_order_relaxed)) return;
        try {
          one(own[static_cast<std::size_t>(session_of_[row])], row);
        } catch (const InvalidInput& e) {
          return refuse(row, std::make_exception_ptr(BadRow{row, e}));
        } catch (const TroubleRaised& e) {
          return refuse(row, std::make_exception_ptr(TroubledRow{row, e.trouble}));
        } catch (...) {  // NOLINT: carried over the thread's end, and rethrown there
          return refuse(row, std::current_exception());
        }
        done_.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }

  void refuse(std::size_t row, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (row >= first_bad_.load() && error_) return;
    first_bad_.store(std::min(row, first_bad_.load()));
    error_ = std::move(error);
  }

  void one(Request& request, std::size_t row) {
    for (const NumberColumn& column : numbers_) put(request, column.role, column.values[row], column.unit);
    const Outcome outcome = answer(request, second_solver_);
    if (const auto* trouble = std::get_if<Trouble>(&outcome)) throw TroubleRaised{*trouble};
    const Result& r = std::get<Result>(outcome);
    if (profiles_)
      keep_profile(r, row);
    else
      keep_summary(r, row);
    keep_assessment(r.assessment, row);
  }

  /// Where metabolite `k` of the layout stands in a model, or none.
  [[nodiscard]] std::optional<std::size_t> place(const ModelCard& card, const std::string& name) const {
    for (std::size_t i = 0; i < card.metabolites.size(); ++i)
      if (card.metabolites[i].name == name) return i;
    return std::nullopt;
  }

  /// The answer of an effect of the layout; null where a row's model has no such effect.
  [[nodiscard]] static const EffectAnswer* answer_of(const Result& r, const std::string& name) {
    const auto at =
        std::find_if(r.effects.begin(), r.effects.end(), [&](const EffectAnswer& e) { return e.effect.name == name; });
    return at == r.effects.end() ? nullptr : &*at;
  }

  void keep_summary(const Result& r, std::size_t row) {
    std::size_t c = 0;
    const auto put_next = [&](double x) { answers_.columns[c++][row] = x; };
    const Exposure& e = r.summary;
    put_next(e.plasma.ng_per_mL);
    put_next(e.plasma.min);
    put_next(e.auc_inf_ng_h_per_mL);
    put_next(e.delivered_mg);
    put_next(e.terminal_half_life_min);
    if (layout_.effect_site) {
      put_next(e.effect_site ? e.effect_site->ng_per_mL : absent);
      put_next(e.effect_site ? e.effect_site->min : absent);
    }
    for (const std::string& name : layout_.metabolites) {
      const auto i = place(r.inputs.model, name);
      put_next(i ? e.metabolites[*i].peak.ng_per_mL : absent);
      put_next(i ? e.metabolites[*i].peak.min : absent);
      put_next(i ? e.metabolites[*i].auc_inf_ng_h_per_mL : absent);
    }
    for (const TimeAbove& t : r.time_above) {
      put_next(t.minutes);
      put_next(t.first_min.value_or(absent));
    }
    for (const CardEffect& effect : layout_.effects) {
      const EffectAnswer* told = answer_of(r, effect.name);
      for (const auto extreme : {&EffectAnswer::highest, &EffectAnswer::lowest}) {
        put_next(told != nullptr ? (told->*extreme).value : absent);
        put_next(told != nullptr ? (told->*extreme).min : absent);
      }
    }
    if (second_solver_) put_next(r.check.agreement_rel.value_or(absent));
  }

  void keep_assessment(const Assessment& a, std::size_t row) {
    answers_.verdicts[row] = static_cast<std::uint8_t>(a.verdict.kind);
    for (const Flag& f : a.flags) answers_.flags[row] = joined_by_semicolon(std::move(answers_.flags[row]), f.code);
    for (const Check& check : a.checks)
      if (check.required && check.outcome == CheckOutcome::unevaluated)
        answers_.not_evaluated[row] = joined_by_semicolon(std::move(answers_.not_evaluated[row]), check.id);
  }

  void keep_profile(const Result& r, std::size_t row) {
    std::size_t c = 0;
    const auto put_next = [&](const std::vector<double>& values) {
      auto& column = answers_.columns[c++];
      std::copy(values.begin(), values.end(), column.begin() + static_cast<std::ptrdiff_t>(row * instants_.size()));
    };
    const std::vector<double> none;
    put_next(r.profile.plasma_ng_per_mL);
    if (layout_.effect_site) put_next(r.profile.effect_site_ng_per_mL);
    for (const std::string& name : layout_.metabolites) {
      const auto i = place(r.inputs.model, name);
      put_next(i ? r.profile.metabolites[*i].ng_per_mL : none);
    }
    put_next(r.profile.delivered_mg);
    put_next(r.profile.auc_ng_h_per_mL);
    for (const CardEffect& e : layout_.effects) {
      const EffectAnswer* told = answer_of(r, e.name);
      put_next(told != nullptr ? told->values : none);
    }
  }

  std::vector<Request> sessions_;
  std::span<const std::int32_t> session_of_;
  std::vector<NumberColumn> numbers_;
  Layout layout_;
  bool second_solver_, profiles_;
  std::vector<Micros> instants_;
  Answers answers_;
  std::atomic<std::size_t> next_{0}, done_{0};
  std::atomic<std::size_t> first_bad_{std::numeric_limits<std::size_t>::max()};
  std::mutex mutex_;
  std::exception_ptr error_;
};

/// Runs the table on `threads` threads. The calling thread only waits, so that an interrupt is seen at once; `progress`
/// is called from it with the rows done. Whatever Python raises meanwhile stops the work and goes on.
void run(Table& table, std::size_t threads, const nb::object& progress) {
  using namespace std::chrono_literals;
  std::mutex mutex;
  std::condition_variable ended;
  std::size_t running = threads;
  std::vector<std::jthread> workers;
  const auto stop_and_join = [&] {
    const nb::gil_scoped_release others_run;
    table.stop();
    workers.clear();
  };
  try {
    while (workers.size() < threads) try {
        workers.emplace_back([&] {
          table.work_or_refuse();
          const std::lock_guard lock(mutex);
          if (--running == 0) ended.notify_one();
        });
      } catch (const std::system_error&) {
        // No more threads to be had; the numbers do not depend on how many there are.
        require(!workers.empty(), Code::nomem, "threads", "no thread can be started; accepted: fewer processes");
        const std::lock_guard lock(mutex);
        running -= threads - workers.size();
        threads = workers.size();
      }
    for (bool over = false; !over;) {
      {
        const nb::gil_scoped_release others_run;
        std::unique_lock lock(mutex);
        over = ended.wait_for(lock, 25ms, [&] { return running == 0; });
      }
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
      require(!Running::should_end(), Code::state, "interpreter", "it is ending; accepted: calls before its end");
      if (!progress.is_none()) progress(table.done());
    }
  } catch (...) {  // NOLINT: the workers must end before what they work on does
    stop_and_join();
    throw;
  }
  stop_and_join();
}

using AnswersByName = nb::typed<nb::dict, nb::str, nb::any>;
using ColumnArgument = std::tuple<std::string, std::string, Doubles>;  // role, unit, values

AnswersByName simulate_rows(const std::vector<nb::bytes>& sessions, const std::vector<std::size_t>& first_rows,
                            const Indices& session_of, const std::vector<ColumnArgument>& columns,
                            const std::string& today, const Limits* limits, bool second_solver, bool profiles,
                            std::size_t threads, const nb::object& progress) {
  std::vector<Request> requests;
  require(!sessions.empty() && sessions.size() == first_rows.size(), Code::field_missing, "rows",
          "no row; accepted: at least one");
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    try {
      requests.push_back(request_from(text_of(sessions[i]), Reading{".", today, false, limits}));
    } catch (const InvalidInput& e) {
      throw BadRow{first_rows[i], e};
    }
  }
  std::vector<NumberColumn> numbers;
  for (const auto& [role, unit, values] : columns) {
    const auto found = from_name<Role>(role, role_names, 0);
    require(found.has_value(), Code::arg, "role", "no such role; accepted: those of the table");
    require(values.shape(0) == session_of.shape(0), Code::columns, role, "another length; accepted: one value a row");
    numbers.push_back({*found, unit_for(*found, unit), {values.data(), values.shape(0)}});
  }
  for (std::size_t i = 0; i < session_of.shape(0); ++i)
    require(session_of(i) >= 0 && static_cast<std::size_t>(session_of(i)) < requests.size(), Code::arg, "session_of",
            "no such session; accepted: the index of one of the sessions");
  Table table(std::move(requests), {session_of.data(), session_of.shape(0)}, std::move(numbers), second_solver,
              profiles);
  const Running call;
  run(table, std::clamp<std::size_t>(threads, 1, 1 + table.rows() / Table::chunk), progress);
  table.rethrow();

  Answers& answers = table.answers();
  AnswersByName out;
  nb::dict numbers_out;
  for (std::size_t i = 0; i < answers.names.size(); ++i)
    numbers_out[answers.names[i].c_str()] = owned(std::move(answers.columns[i]));
  out["numbers"] = numbers_out;
  if (profiles) {
    std::vector<std::int64_t> us;
    for (const Micros t : table.instants()) us.push_back(t.count());
    out["time_us"] = owned(std::move(us));
  }
  out["verdict"] = owned(std::move(answers.verdicts));
  out["flags"] = nb::cast(answers.flags);
  out["not_evaluated"] = nb::cast(answers.not_evaluated);
  return out;
}

}  // namespace

void bind_rows(nb::module_& m) {
  m.def(
      "verdict_names",
      [] {
        std::vector<std::string> names;
        for (const std::string_view name : report_detail::verdict_names) names.emplace_back(name);
        return names;
      },
      "The words of a verdict, by the numbers that `simulate_rows` gives.");
  m.def("simulate_rows", &simulate_rows, "sessions"_a, "first_rows"_a, "session_of"_a, "columns"_a, "today"_a,
        "limits"_a.none(), "second_solver"_a, "profiles"_a, "threads"_a, "progress"_a.none(),
        "Answers one session a row, with the numbers of the columns in it.");
}

}  // namespace ketpk::bind
