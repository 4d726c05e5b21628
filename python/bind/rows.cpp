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

/// A column of numbers in one unit; `what` says where they go.
struct NumberColumn {
  Varied what;
  AnyUnit unit;
  std::span<const double> values;
};

/// The infusion is the last input of a row's order, the bolus the first.
Spot spot_of(Varied what, const Order& order) {
  const bool of_infusion =
      what == Varied::dose || what == Varied::rate || what == Varied::duration || what == Varied::start;
  return {.what = what, .input = of_infusion ? order.inputs.size() - 1 : 0};
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
        second_solver_(second_solver),
        profiles_(profiles) {
    SummaryColumns asked = summary_columns(sessions_);
    asked.agreement = second_solver;
    answers_ = summary_table(std::move(asked), profiles ? 0 : rows());
    if (profiles) lay_out_profiles();
  }

  [[nodiscard]] std::size_t rows() const { return session_of_.size(); }
  [[nodiscard]] std::size_t done() const { return done_.load(std::memory_order_relaxed); }
  [[nodiscard]] const std::vector<Micros>& instants() const { return instants_; }
  [[nodiscard]] SummaryTable& answers() { return answers_; }
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
    for (const NumberColumn& column : numbers_)
      put(request, spot_of(column.what, request.order), column.values[row], column.unit);
    const Outcome outcome = answer(request, second_solver_);
    if (const auto* trouble = std::get_if<Trouble>(&outcome)) throw TroubleRaised{*trouble};
    const Result& r = std::get<Result>(outcome);
    if (profiles_)
      keep_profile(r, row);
    else
      keep(answers_, row, r);
  }

  /// Columns of rows × instants in place of those of a summary.
  void lay_out_profiles() {
    instants_ = ketpk::detail::observed_instants(sessions_.front().observe);
    answers_.verdicts.resize(rows());
    answers_.worst.resize(rows());
    answers_.flags.resize(rows());
    answers_.not_evaluated.resize(rows());
    const SummaryColumns& asked = answers_.asked;
    auto& names = answers_.names = {"plasma_ng_per_mL"};
    if (asked.effect_site) names.emplace_back("effect_site_ng_per_mL");
    for (const std::string& m : asked.metabolites) names.push_back(m + "_ng_per_mL");
    names.emplace_back("delivered_mg");
    names.emplace_back("auc_ng_h_per_mL");
    for (const CardEffect& e : asked.effects) names.push_back(effect_header(e.name, effect_unit_of(e)));
    answers_.columns.assign(names.size(), std::vector<double>(rows() * instants_.size(), no_number));
  }

  void keep_profile(const Result& r, std::size_t row) {
    std::size_t c = 0;
    const auto put_next = [&](const std::vector<double>& values) {
      auto& column = answers_.columns[c++];
      std::copy(values.begin(), values.end(), column.begin() + static_cast<std::ptrdiff_t>(row * instants_.size()));
    };
    const std::vector<double> none;
    put_next(r.profile.plasma_ng_per_mL);
    if (answers_.asked.effect_site) put_next(r.profile.effect_site_ng_per_mL);
    for (const std::string& name : answers_.asked.metabolites) {
      const auto i = place_of_metabolite(r.inputs.model, name);
      put_next(i ? r.profile.metabolites[*i].ng_per_mL : none);
    }
    put_next(r.profile.delivered_mg);
    put_next(r.profile.auc_ng_h_per_mL);
    for (const CardEffect& e : answers_.asked.effects) {
      const EffectAnswer* told = answer_called(r, e.name);
      put_next(told != nullptr ? told->values : none);
    }
    keep_assessment(answers_, row, r.assessment);
  }

  std::vector<Request> sessions_;
  std::span<const std::int32_t> session_of_;
  std::vector<NumberColumn> numbers_;
  bool second_solver_, profiles_;
  std::vector<Micros> instants_;
  SummaryTable answers_;
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
    const auto found = from_name<Varied>(role, varied_names, 0);
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

  SummaryTable& answers = table.answers();
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
  std::vector<std::uint8_t> verdicts;
  for (const VerdictKind v : answers.verdicts) verdicts.push_back(static_cast<std::uint8_t>(v));
  out["verdict"] = owned(std::move(verdicts));
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
