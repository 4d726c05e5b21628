// SPDX-License-Identifier: Apache-2.0

// Why: a population is asked in the same document that the command reads, and answered by the same functions. What is
// only here: people who come as arrays, profiles that go into memory of Python, and a run that Python can watch and
// stop.

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "bind.hpp"
#include "cohort_file.hpp"
#include "ketpk/assess_cohort.hpp"
#include "ketpk/cohort.hpp"
#include "ketpk/population.hpp"
#include "ketpk/report_cohort.hpp"
#include "strict_json.hpp"

namespace ketpk::bind {
namespace {

using namespace nb::literals;

using Doubles = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Cells = std::variant<Doubles, std::vector<std::string>>;
using TableColumn = std::tuple<std::string, Cells>;
using Rows = nb::ndarray<double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using OwnRows = nb::ndarray<nb::numpy, double, nb::ndim<2>>;
using Told = std::tuple<std::uint64_t, std::string, std::string, std::string>;

/// A cohort that was read and can be run.
struct CohortAsked {
  CohortRequest request;
  std::vector<Micros> instants;

  /// How many subjects are answered from beginning to end, each replicate's too.
  [[nodiscard]] std::uint64_t work() const {
    return request.subjects * (1 + (request.uncertainty ? request.uncertainty->replicates : 0));
  }
};

/// The table of people of the document, which may be longer than a document can be.
io::Json json_of(const std::vector<TableColumn>& table) {
  io::Json people = io::Json::object();
  for (const auto& [header, cells] : table) {
    require(!people.contains(header), Code::field_duplicate, "cohort.people", "a column stands twice; accepted: once");
    io::Json& column = people[header] = io::Json::array();
    if (const auto* words = std::get_if<std::vector<std::string>>(&cells)) {
      for (const std::string& word : *words) column.push_back(word);
    } else {
      const Doubles& numbers = std::get<Doubles>(cells);
      for (std::size_t i = 0; i < numbers.shape(0); ++i) column.push_back(numbers(i));
    }
  }
  return people;
}

CohortAsked asked(const nb::bytes& document, const std::vector<TableColumn>& table, const Reading& reading) {
  return steadily([&] {
    io::Json whole = io::parse_strict(text_of(document));
    if (!table.empty()) whole["cohort"]["people"]["table"] = json_of(table);
    CohortAsked out{io::understand_cohort(whole, context_of(reading)), {}};
    out.instants = ketpk::detail::observed_instants(out.request.each.observe);
    return out;
  });
}

/// Lets Python see an interrupt, the end of the interpreter and how far it is. What Python raises ends the run.
class Watch {
 public:
  explicit Watch(const nb::object& progress) : progress_(progress) {}
  bool operator()(std::uint64_t done) const {
    require(!Running::should_end(), Code::state, "interpreter", "it is ending; accepted: calls before its end");
    const nb::gil_scoped_acquire held;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (!progress_.is_none()) progress_(done);
    return true;
  }

 private:
  const nb::object& progress_;
};

CohortRun run_with(unsigned threads, const Watch& watch) {
  return {.threads = threads, .on_progress = [&watch](std::uint64_t done, std::uint64_t) { return watch(done); }};
}

/// A cohort's answer. It never changes after it was made.
struct CohortAnswered {
  Cohort cohort;
  std::string head;  ///< the JSON, of which the table of subjects is left empty
};

CohortAnswered answered(const CohortAsked& asked, unsigned threads, const nb::object& progress) {
  const Running call;
  const Watch watch(progress);
  const nb::gil_scoped_release others_run;
  return steadily([&] {
    auto outcome = simulate_cohort(asked.request, run_with(threads, watch));
    CohortAnswered out{std::get<Cohort>(std::move(outcome)), {}};
    std::vector<SubjectRow> rows = std::move(out.cohort.subjects);
    out.cohort.subjects.clear();
    out.head = to_json(out.cohort, version);
    out.cohort.subjects = std::move(rows);
    return out;
  });
}

std::vector<Told> told(const std::vector<FailedSubject>& failed) {
  std::vector<Told> all;
  all.reserve(failed.size());
  for (const FailedSubject& f : failed) all.emplace_back(f.subject, name_of(f.code), f.field, f.message);
  return all;
}

/// Profiles into `rows`. What ends the run early leaves NaN in all of it, unless they are
/// new and nobody will see them; a request that is refused leaves what was there.
std::tuple<std::uint64_t, std::uint64_t, std::vector<Told>> write(const CohortAsked& asked, const Rows& rows,
                                                                  unsigned threads, const nb::object& progress,
                                                                  bool are_new) {
  const std::span<double> memory(rows.data(), rows.size());
  const Running call;
  const Watch watch(progress);
  const Profiles profiles = [&] {
    const nb::gil_scoped_release others_run;
    CohortRun run = run_with(threads, watch);
    run.discards_rows = are_new;
    return steadily([&] { return std::get<Profiles>(write_profiles(asked.request, memory, run)); });
  }();
  return {profiles.in, profiles.ok, told(profiles.failed)};
}

/// New memory for so many rows, at the beginning of a cache line; where there is much of it, of a huge page, and the
/// system is asked for huge ones. Nothing is in it.
OwnRows new_rows(std::size_t rows, std::size_t columns) {
  constexpr std::size_t line = 64, huge = std::size_t{2} << 20;
  require(columns > 0 && rows <= std::numeric_limits<std::size_t>::max() / 16 / columns, Code::size, "out",
          "more numbers than memory can have; accepted: fewer subjects or instants");
  const std::size_t bytes = rows * columns * sizeof(double);
  const std::size_t alignment = bytes >= 2 * huge ? huge : line;
  void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  require(memory != nullptr, Code::nomem, "out", "more numbers than there is memory for; accepted: fewer subjects");
#ifdef MADV_HUGEPAGE
  if (alignment == huge) (void)::madvise(memory, bytes, MADV_HUGEPAGE);  // a wish
#endif
  const nb::capsule owner(memory, [](void* p) noexcept { std::free(p); });
  return OwnRows(memory, {rows, columns}, owner);
}

using ArraysByName = nb::typed<nb::dict, nb::str, nb::any>;

/// The table of subjects by column, as its CSV has it; who failed is not in it.
ArraysByName subjects_of(const CohortAnswered& a) {
  const Cohort& c = a.cohort;
  ArraysByName out;
  const auto column = [&](const std::string& name, auto number) {
    std::vector<double> values;
    values.reserve(c.subjects.size());
    for (const SubjectRow& row : c.subjects) values.push_back(number(row));
    out[name.c_str()] = owned(std::move(values));
  };
  std::vector<std::uint64_t> ids;
  for (const SubjectRow& row : c.subjects) ids.push_back(row.subject);
  out["subject"] = owned(std::move(ids));
  for (std::size_t k = 0; k < c.covariates.size(); ++k)
    column(c.covariates[k], [k](const SubjectRow& row) { return row.covariates.at(k); });
  for (std::size_t k = 0; k < c.parameters.size(); ++k)
    column(c.parameters[k], [k](const SubjectRow& row) { return row.parameters.at(k); });
  const std::vector<std::string> headers = summary_headers(c.inputs.each);
  for (std::size_t k = 0; k < headers.size(); ++k)
    column(headers[k], [k](const SubjectRow& row) { return row.summaries.at(k); });
  return out;
}

/// One number of every replicate.
template <class Number>
auto over_all(const Cohort& c, Number number_of) {
  std::vector<double> values;
  for (const Replicate& r : c.replicates) values.push_back(number_of(r));
  return owned(std::move(values));
}

/// Of every replicate: the medians of the summaries, the shares of the limits, the curve of each percentile.
ArraysByName replicates_of(const CohortAnswered& a) {
  const Cohort& c = a.cohort;
  ArraysByName out;
  if (c.replicates.empty()) return out;
  nb::dict medians, any, hard;
  nb::list curves;
  const std::vector<std::string> headers = summary_headers(c.inputs.each);
  for (std::size_t k = 0; k < c.summaries.size(); ++k)
    medians[headers[k].c_str()] = over_all(c, [k](const Replicate& r) { return r.summaries_median.at(k); });
  for (std::size_t k = 0; k < c.limits.size(); ++k) {
    any[c.limits[k].id.c_str()] = over_all(c, [k](const Replicate& r) { return r.share_beyond_soft.at(k); });
    hard[c.limits[k].id.c_str()] = over_all(c, [k](const Replicate& r) { return r.share_beyond_hard.at(k); });
  }
  for (std::size_t p = 0; p < c.percentile_ng_per_mL.size(); ++p) {
    std::vector<double> all;
    for (const Replicate& r : c.replicates)
      if (p < r.plasma.size()) all.insert(all.end(), r.plasma[p].begin(), r.plasma[p].end());
    curves.append(owned(std::move(all)));
  }
  out["medians"] = medians;
  out["beyond_any"] = any;
  out["beyond_hard"] = hard;
  out["curves"] = curves;
  return out;
}

std::vector<std::int64_t> counts_of(const std::vector<Micros>& time) {
  std::vector<std::int64_t> us;
  us.reserve(time.size());
  for (const Micros t : time) us.push_back(t.count());
  return us;
}

}  // namespace

void bind_cohort(nb::module_& m) {
  nb::class_<CohortAsked>(m, "CohortAsked", "A cohort that was read and can be run.")
      .def_prop_ro(
          "subjects", [](const CohortAsked& a) { return a.request.subjects; }, "How many subjects are asked.")
      .def_prop_ro("work", &CohortAsked::work, "How many subjects are answered, each replicate's too.")
      .def(
          "time_us", [](const CohortAsked& a) { return owned(counts_of(a.instants)); }, "The asked instants [us].")
      .def("answer", &answered, "threads"_a, "progress"_a.none(),
           "Answers it; `progress` is called with the subjects done.")
      .def(
          "write", &write, "rows"_a.noconvert(), "threads"_a, "progress"_a.none(), "are_new"_a,
          "Plasma of each subject at each instant [ng/mL] into `rows`: how many, how many were answered, who was not.");

  nb::class_<CohortAnswered>(m, "Cohort", "The answer about a population, held by the core.")
      .def(
          "head", [](const CohortAnswered& a) { return a.head; },
          "The answer as ketpk.cohort-result/1, of which the table of subjects is left empty.")
      .def(
          "json", [](const CohortAnswered& a) { return steadily([&] { return to_json(a.cohort, version); }); },
          "The answer as ketpk.cohort-result/1.")
      .def(
          "csv", [](const CohortAnswered& a) { return steadily([&] { return to_csv(a.cohort); }); },
          "The bands over time as CSV.")
      .def(
          "subjects_csv", [](const CohortAnswered& a) { return steadily([&] { return subjects_csv(a.cohort); }); },
          "The table of subjects as CSV.")
      .def(
          "card", [](const CohortAnswered& a) { return steadily([&] { return to_card(a.cohort, version); }); },
          "The answer on one screen.")
      .def(
          "time_us", [](const CohortAnswered& a) { return owned(counts_of(a.cohort.time)); },
          "The asked instants [us].")
      .def(
          "mean", [](const CohortAnswered& a) { return owned(std::vector<double>(a.cohort.mean_ng_per_mL)); },
          "Mean plasma at these instants [ng/mL].")
      .def(
          "percentiles",
          [](const CohortAnswered& a) {
            std::vector<nb::ndarray<nb::numpy, const double, nb::ndim<1>>> all;
            for (const auto& curve : a.cohort.percentile_ng_per_mL) all.push_back(owned(std::vector<double>(curve)));
            return all;
          },
          "Plasma at these instants [ng/mL], of each percentile.")
      .def("subjects", &subjects_of, "The table of subjects by column.")
      .def("replicates", &replicates_of, "What every replicate of the parameter uncertainty came to.")
      .def(
          "bounds",
          [](const CohortAnswered& a) {
            std::vector<std::tuple<std::string, std::string, double, bool>> all;
            const auto& limits = a.cohort.inputs.each.limits;
            if (!limits) return all;
            for (const Limit& limit : limits->limits) {
              if (limit.quantity != LimitQuantity::plasma_peak) continue;
              const bool is_only_above = !limit.soft_low && !limit.hard_low;
              const auto add = [&](const char* severity, const StatedBound& bound) {
                all.emplace_back(limit.id, severity, 1000 * base_value(bound), is_only_above);
              };
              if (limit.soft_high) add("soft", *limit.soft_high);
              if (limit.hard_high) add("hard", *limit.hard_high);
            }
            return all;
          },
          "The upper bounds on the peak in plasma: limit, severity, level [ng/mL], whether it has no lower ones.");

  m.def(
      "read_cohort",
      [](const nb::bytes& document, const std::vector<TableColumn>& table, const nb::bytes& folder,
         const std::string& today, bool confined, const Limits* limits) {
        return asked(document, table, Reading{std::string(text_of(folder)), today, confined, limits});
      },
      "document"_a, "table"_a, "folder"_a, "today"_a, "confined"_a, "limits"_a.none(),
      "Reads a cohort, ketpk.cohort/1; `table`, unless empty, is that of its people.");
  m.def(
      "share_text", [](std::uint64_t hits, std::uint64_t of) { return share_text(proportion(hits, of)); }, "hits"_a,
      "of"_a, "So many of so many in percent, with the 95 % interval.");
  m.def("new_rows", &new_rows, "rows"_a, "columns"_a, "Memory for an array, aligned; what is in it is not said.");
}

}  // namespace ketpk::bind
