// SPDX-License-Identifier: Apache-2.0
// A cohort is held against itself (threads, order, parts, instruction sets: the same bytes), against single patients
// who are drawn by hand in scalar code and simulated one by one, and against what was stated of its distributions.
#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "ketpk/elementary.hpp"
#include "ketpk/library.hpp"
#include "ketpk/normal.hpp"
#include "ketpk/philox.hpp"
#include "ketpk/population.hpp"
#include "ketpk/predict.hpp"
#include "ketpk/simulate.hpp"
#include "made_up.hpp"
#include "random_cases.hpp"
#include "sub_anaesthetic.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;
using ketpk::testing::Random;

namespace {

/// Definition 7 of Hyndman and Fan (1996), doi 10.1080/00031305.1996.10473566, by sorting.
double percentile_type7(std::vector<double> x, double p) {
  std::sort(x.begin(), x.end());
  const double rank = static_cast<double>(x.size() - 1) * p / 100;
  const auto below = static_cast<std::size_t>(rank);
  return x[below] + (rank - static_cast<double>(below)) * (x[std::min(below + 1, x.size() - 1)] - x[below]);
}

constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

// --- cohorts -------------------------------------------------------------------------------------------------

Observe each_minutes(int every, int until) { return {.every = every * 1min, .at = {}, .until = until * 1min}; }

Stated<dim::concentration> level(double ng_per_mL) { return {ng_per_mL, unit::ng_per_mL}; }

/// 0.5 mg/kg over 40 min.
Request protocol(const char* model) {
  return {.patient = {.weight = 70_kg},
          .order = made_up::order_of({Infuse{0.5_mg_per_kg, 40min}}),
          .model = library::find(model),
          .observe = each_minutes(10, 240),
          .time_above = {level(100), level(20)}};
}

DrawnCovariate weight_75() { return {"weight", Lognormal{75, std::sqrt(std::log(1.04))}, "made up for this test"}; }

Variability on_clearance_and_volume(double correlation = 0.3) {
  const double v = std::log(1.09);
  return {{"CL", "V1"}, {v, correlation * v, correlation * v, v}, "made up for this test"};
}

CohortRequest cohort(Request each, std::uint64_t subjects = 1000) {
  return {.each = std::move(each),
          .population = DrawnPeople{.all = {{weight_75()}}},
          .seed = 20261121,
          .subjects = subjects,
          .between_subjects = on_clearance_and_volume()};
}

Cohort counted(const CohortRequest& asked, const CohortRun& run = {}) {
  return std::get<Cohort>(simulate_cohort(asked, run));
}
CohortTally tallied(const CohortRequest& asked, const CohortRun& run = {}) {
  return std::get<CohortTally>(tally_cohort(asked, run));
}
struct Written {
  Profiles profiles;
  std::vector<double> rows;
};
Written written(const CohortRequest& asked, const CohortRun& run = {}) {
  Written out{{0, 0, {}}, std::vector<double>(asked.subjects * detail::observed_instants(asked.each.observe).size())};
  out.profiles = std::get<Profiles>(write_profiles(asked, out.rows, run));
  return out;
}

/// A subject who is refused in one way or another now and then: ages below the card's 18 yr.
CohortRequest some_too_young(std::uint64_t subjects) {
  Request each = protocol("otto2021");
  each.order.analyte = Analyte::s_ketamine;
  CohortRequest asked = cohort(std::move(each), subjects);
  asked.population = DrawnPeople{.all = {{weight_75(), {"age", Normal{25, 5}, "made up for this test"}}}};
  asked.between_subjects = BetweenSubjects::of_the_model;
  return asked;
}

/// Limits of every kind that hold for a curve from arterial blood.
Limits many_limits() {
  Limits set = fixture::limits();
  using fixture::bound;
  const auto add = [&](Limit limit) {
    limit.source = "made up for this test";
    set.limits.push_back(std::move(limit));
  };
  add({.id = "age",
       .quantity = LimitQuantity::age,
       .soft_low = bound(20, unit::yr),
       .soft_high = bound(60, unit::yr),
       .required = false,
       .source = {}});
  add({.id = "total",
       .quantity = LimitQuantity::total_dose,
       .soft_high = bound(38, unit::mg),
       .hard_high = bound(50, unit::mg),
       .required = true,
       .source = {}});
  add({.id = "bolus",
       .quantity = LimitQuantity::bolus_per_weight,
       .soft_high = bound(0.1, unit::mg_per_kg),
       .hard_high = bound(0.3, unit::mg_per_kg),
       .required = false,
       .source = {}});
  add({.id = "peak",
       .quantity = LimitQuantity::plasma_peak,
       .soft_high = bound(250, unit::ng_per_mL),
       .hard_high = bound(350, unit::ng_per_mL),
       .required = true,
       .source = {},
       .site = Site::arterial});
  add({.id = "low-peak",
       .quantity = LimitQuantity::plasma_peak,
       .hard_low = bound(150, unit::ng_per_mL),
       .soft_low = bound(200, unit::ng_per_mL),
       .required = true,
       .source = {},
       .site = Site::arterial});
  add({.id = "vein",
       .quantity = LimitQuantity::plasma_peak,
       .soft_high = bound(250, unit::ng_per_mL),
       .required = true,
       .source = {},
       .site = Site::venous});
  add({.id = "effect",
       .quantity = LimitQuantity::effect_site_peak,
       .soft_high = bound(200, unit::ng_per_mL),
       .hard_high = bound(260, unit::ng_per_mL),
       .required = true,
       .source = {}});
  add({.id = "above",
       .quantity = LimitQuantity::time_above_level,
       .soft_high = bound(60, unit::min),
       .hard_high = bound(100, unit::min),
       .required = true,
       .source = {},
       .site = Site::arterial,
       .level = level(100)});
  return set;
}

// --- bytes ---------------------------------------------------------------------------------------------------

/// Everything a cohort says, each double by its bits.
struct Bytes {
  std::string all;

  void put(std::uint64_t x) { all.append(reinterpret_cast<const char*>(&x), sizeof(x)); }
  void put(double x) { put(std::bit_cast<std::uint64_t>(x)); }
  void put(const std::string& x) { all += x + '\0'; }
  void put(Micros x) { put(static_cast<std::uint64_t>(x.count())); }
  void put(const Proportion& p) {
    put(p.hits);
    put(p.of);
    for (const double x : {p.share, p.low, p.high}) put(x);
  }
  template <class T>
  void put(const std::optional<T>& x) {
    put(std::uint64_t{x.has_value()});
    if (x) put(*x);
  }
  template <class T>
  void put(const std::vector<T>& x) {
    put(std::uint64_t{x.size()});
    for (const T& each : x) put(each);
  }
  void put(const FailedSubject& f) {
    put(f.subject);
    put(static_cast<std::uint64_t>(f.code));
    put(f.field);
    put(f.message);
  }
  void put(const Spreading& s) {
    put(s.name);
    put(s.unit);
    for (const double x : {s.mean, s.lowest, s.highest, s.error_rel}) put(x);
    put(s.at_percentiles);
  }
  void put(const LimitInCohort& l) {
    put(l.id);
    put(l.quantity);
    put(l.beyond_soft);
    put(l.beyond_hard);
    put(l.why);
  }
  void put(const Check& c) {
    put(c.id);
    put(static_cast<std::uint64_t>(c.outcome));
    put(c.why);
  }
  void put(const Flag& f) {
    put(f.code);
    put(f.value);
    put(f.driver);
  }
  void put(const Replicate& r) {
    put(r.summaries_median);
    put(r.share_beyond_soft);
    put(r.share_beyond_hard);
    put(r.plasma);
  }
  void put(const SubjectRow& r) {
    put(r.subject);
    put(r.covariates);
    put(r.parameters);
    put(r.summaries);
  }
  void put(const Tally& t) {
    for (const std::byte b : to_bytes(t)) all.push_back(static_cast<char>(b));
  }
  void put(const BreachTally& b) {
    for (const std::uint64_t x : {b.evaluated, b.beyond_soft, b.beyond_hard}) put(x);
  }
};

std::string bytes_of(const Cohort& c) {
  Bytes out;
  out.put(c.in);
  out.put(c.ok);
  out.put(c.failed);
  out.put(std::uint64_t{c.has_statistics});
  out.put(c.time);
  out.put(c.mean_ng_per_mL);
  out.put(c.percentile_ng_per_mL);
  out.put(c.percentile_error_rel);
  out.put(c.summaries);
  out.put(c.limits);
  out.put(static_cast<std::uint64_t>(c.assessment.verdict.kind));
  out.put(c.assessment.checks);
  out.put(c.assessment.flags);
  out.put(c.replicates);
  out.put(c.covariates);
  out.put(c.parameters);
  out.put(c.subjects);
  out.put(c.road);
  return out.all;
}
std::string bytes_of(const CohortTally& t) {
  Bytes out;
  out.put(t.in);
  out.put(t.ok);
  out.put(t.failed);
  out.put(t.plasma);
  out.put(t.summaries);
  out.put(t.limits);
  return out.all;
}
bool same_bits(std::span<const double> a, std::span<const double> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

// --- one by one ----------------------------------------------------------------------------------------------

std::vector<double> drawn_by_hand(const CohortRequest& asked, Purpose purpose, std::uint64_t subject, std::size_t n) {
  std::vector<double> z(n);
  for (std::size_t k = 0; k < n; ++k)  // each by itself
    normals<double>({asked.seed, purpose}, subject, k, std::span<double>(&z[k], 1));
  return z;
}

/// L z, where L L' is the matrix: of all such L, the one that is written down in parameters.hpp.
std::vector<double> correlated(const std::vector<double>& matrix, const std::vector<double>& z) {
  const std::size_t n = z.size();
  const std::vector<double> l = *semidefinite_factor(matrix, n);
  std::vector<double> out(n, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) out[i] += l[i * n + j] * z[j];
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double product = 0;
      for (std::size_t k = 0; k < n; ++k) product += l[i * n + k] * l[j * n + k];
      REQUIRE(std::abs(product - matrix[i * n + j]) <= 1e-14 * std::sqrt(matrix[i * n + i] * matrix[j * n + j]));
    }
  return out;
}

double value_by_hand(const Distribution& d, double z) {
  const auto cut = [&](const auto& by, auto score) {
    if (!by.low && !by.high) return z;
    const double low = by.low ? normal_cdf(score(*by.low)) : 0, high = by.high ? normal_cdf(score(*by.high)) : 1;
    return normal_quantile(low + (high - low) * normal_cdf(z));
  };
  if (const auto* c = std::get_if<Constant>(&d)) return c->value;
  if (const auto* u = std::get_if<Uniform>(&d)) return u->low + (u->high - u->low) * normal_cdf(z);
  if (const auto* n = std::get_if<Normal>(&d))
    return n->mean + n->sd * cut(*n, [&](double x) { return (x - n->mean) / n->sd; });
  const auto& l = std::get<Lognormal>(d);
  return l.median * portable::exp(l.log_sd * cut(l, [&](double x) { return std::log(x / l.median) / l.log_sd; }));
}

void put(Patient& p, const std::string& name, double x) {
  if (name == "weight")
    p.weight = Stated<dim::body>(x, unit::kg);
  else if (name == "height")
    p.height = Stated<dim::length>(x, unit::cm);
  else if (name == "age")
    p.age = Age(x, unit::yr);
  else if (name == "sex")
    p.sex = x == 1 ? Sex::female : Sex::male;
  else
    p.covariates.push_back({name, x});
}

Patient patient_by_hand(const CohortRequest& asked, std::uint64_t subject) {
  Patient p = asked.each.patient;
  if (const auto* drawn = std::get_if<DrawnPeople>(&asked.population)) {
    const std::size_t n = drawn->all.covariates.size();
    std::vector<double> z = drawn_by_hand(asked, Purpose::design, subject, n + 2);
    const bool is_woman = drawn->female_share && normal_cdf(z[0]) < *drawn->female_share;
    const People& people = drawn->men && !is_woman ? *drawn->men : drawn->all;
    z.erase(z.begin(), z.begin() + 2);
    if (!people.correlation.empty()) z = correlated(people.correlation, z);
    for (std::size_t k = 0; k < n; ++k)
      put(p, people.covariates[k].name, value_by_hand(people.covariates[k].distribution, z[k]));
    if (drawn->female_share) put(p, "sex", is_woman ? 1 : 0);
  }
  if (const auto* table = std::get_if<PeopleTable>(&asked.population)) {
    const std::size_t rows = table->columns.front().size();
    std::size_t row = subject;
    if (table->is_drawn) {
      const double u = normal_cdf(drawn_by_hand(asked, Purpose::design, subject, 2)[1]);
      row = std::min(static_cast<std::size_t>(u * static_cast<double>(rows)), rows - 1);
    }
    for (std::size_t k = 0; k < table->names.size(); ++k) put(p, table->names[k], table->columns[k][row]);
  }
  return p;
}

ModelCard card_by_hand(const CohortRequest& asked, std::uint64_t subject) {
  const ModelCard& typical = asked.each.model;
  const Variability* v = std::get_if<Variability>(&asked.between_subjects);
  if (v == nullptr && std::get<BetweenSubjects>(asked.between_subjects) == BetweenSubjects::of_the_model)
    v = &*typical.variability;
  ModelCard card = typical;
  if (v == nullptr) return card;
  const auto etas = correlated(v->omega, drawn_by_hand(asked, Purpose::eta, subject, v->parameters.size()));
  for (std::size_t k = 0; k < etas.size(); ++k) card = detail::with_eta(std::move(card), v->parameters[k], etas[k]);
  return card;
}

/// The subject as a patient of his own; what he was refused for where there is no answer.
struct ByHand {
  std::optional<Result> result;
  std::string refused;
};
ByHand by_hand(const CohortRequest& asked, std::uint64_t subject) {
  try {
    Request one = asked.each;
    one.patient = patient_by_hand(asked, subject);
    one.model = card_by_hand(asked, subject);
    return {std::get<Result>(simulate(one, NoSecondSolver{})), ""};
  } catch (const InvalidInput& e) {
    return {{}, std::string(name_of(e.code)) + ' ' + e.field};
  }
}

double difference(double found, double due) { return due == 0 ? std::abs(found) : std::abs(found / due - 1); }

struct Worst {
  double cmax = 0, tmax = 0, auc = 0, above = 0, plasma = 0;
  std::uint64_t ok = 0, failed = 0, inside = 0;
};

/// Compares all that a cohort says of each subject with that subject alone.
Worst compare_one_by_one(CohortRequest asked) {
  asked.keeps_subjects = true;
  asked.despite_failures = true;
  const Cohort found = counted(asked);
  const Written profiles = written(asked);
  CHECK(found.in == asked.subjects);
  CHECK(found.ok + found.failed.size() == found.in);
  CHECK(found.subjects.size() == found.ok);
  CHECK(profiles.profiles.ok == found.ok);
  CHECK(profiles.profiles.failed.size() == found.failed.size());
  Worst worst;
  const auto larger = [](double& of, double d) {
    if (!(d <= of)) of = d;
  };
  auto row = found.subjects.begin();
  auto failed = found.failed.begin();
  const std::size_t instants = found.time.size();
  for (std::uint64_t i = asked.first; i < asked.first + asked.subjects; ++i) {
    INFO("subject " << i);
    const ByHand alone = by_hand(asked, i);
    const std::span<const double> curve(&profiles.rows[(i - asked.first) * instants], instants);
    if (!alone.result) {
      ++worst.failed;
      REQUIRE(failed != found.failed.end());
      CHECK(failed->subject == i);
      CHECK(std::string(name_of(failed->code)) + ' ' + failed->field == alone.refused);
      CHECK(std::all_of(curve.begin(), curve.end(), [](double x) { return std::isnan(x); }));
      ++failed;
      continue;
    }
    ++worst.ok;
    REQUIRE(row != found.subjects.end());
    REQUIRE(row->subject == i);
    const Result& due = *alone.result;
    larger(worst.cmax, difference(row->summaries[0], due.summary.plasma.ng_per_mL));
    larger(worst.tmax, std::abs(row->summaries[1] - due.summary.plasma.min));
    larger(worst.auc, difference(row->summaries[2], due.summary.auc_inf_ng_h_per_mL));
    for (std::size_t k = 0; k < due.time_above.size(); ++k)
      larger(worst.above, std::abs(row->summaries[3 + k] - due.time_above[k].minutes));
    const auto& plasma = due.profile.plasma_ng_per_mL;
    REQUIRE(plasma.size() == instants);
    const double bound = 1e-6 * *std::max_element(plasma.begin(), plasma.end());
    for (std::size_t k = 0; k < instants; ++k)
      larger(worst.plasma, std::abs(curve[k] - plasma[k]) / std::max(plasma[k], bound));
    const double minute = due.summary.plasma.min;
    worst.inside += std::abs(minute - std::round(minute)) > 1e-9;
    ++row;
  }
  CHECK(failed == found.failed.end());
  return worst;
}

void check(const Worst& worst, double tolerance = 1e-12) {
  CHECK(worst.ok > 0);
  CHECK(worst.cmax < tolerance);
  CHECK(worst.tmax < std::max(1e-6, tolerance));  // the top of a curve is flat
  CHECK(worst.auc < tolerance);
  CHECK(worst.above < 1000 * tolerance);
  CHECK(worst.plasma < tolerance);
}

/// Two compartments and an effect site, with every form of covariate.
ModelCard card_with_covariates() {
  using F = CovariateForm;
  const auto by = [](const char* name, F form, double reference, double coefficient) {
    return CovariateEffect{
        .covariate = name, .form = form, .reference = reference, .coefficient = coefficient, .source = "made up"};
  };
  ModelCard card = made_up::oral_card(unit::ng_per_mL);
  card.depots = {};
  card.analytes = {Analyte::racemic_ketamine};
  card.site = Site::arterial;
  CardParameter cl = made_up::parameter("CL", 70, unit::L_per_h), v1 = made_up::parameter("V1", 0.5, unit::L_per_kg),
                q2 = made_up::parameter("Q2", 100, unit::L_per_h), v2 = made_up::parameter("V2", 120, unit::L);
  cl.weight_exponent = 0.75;
  cl.covariates = {by("AGE", F::added_above, 60, -0.4), by("X", F::linear, 0, 1)};
  v1.covariates = {by("HT", F::power, 170, 0.5)};
  q2.covariates = {{.covariate = "SEX", .form = F::levels, .levels = {{0, 1}, {1, 0.8}}, .source = "made up"}};
  v2.weight_exponent = 1;
  v2.covariates = {by("AGE", F::exponential, 40, -0.002)};
  card.parameters = {cl, v1, q2, v2};
  card.ke0 = made_up::parameter("ke0", 0.2, unit::per_min);
  return card;
}

/// Women and men with heights and ages, and X, which now and then makes a clearance negative.
DrawnPeople women_and_men(double sd_of_x) {
  const auto of = [&](double kg, double cm) {
    People people{{{"weight", Lognormal{kg, 0.2, 40, 150}, "made up"},
                   {"height", Normal{cm, 7, 140, 210}, "made up"},
                   {"age", Uniform{18, 85}, "made up"}}};
    people.covariates.push_back({"X", Normal{0, sd_of_x}, "made up"});
    people.correlation = {1, 0.6, 0.1, 0, 0.6, 1, -0.2, 0, 0.1, -0.2, 1, 0, 0, 0, 0, 1};
    return people;
  };
  return {of(66, 165), of(82, 178), 0.45};
}

CohortRequest with_covariates(std::uint64_t subjects, double sd_of_x = 0.1) {
  Request each = protocol("kamp2020");
  each.model = card_with_covariates();
  CohortRequest asked = cohort(std::move(each), subjects);
  asked.population = women_and_men(sd_of_x);
  asked.between_subjects = Variability{
      {"CL", "V1", "Q2", "ke0"}, {0.09, 0.03, 0, 0, 0.03, 0.06, 0.01, 0, 0, 0.01, 0.05, 0, 0, 0, 0, 0.1}, "made up"};
  return asked;
}

/// Saturable elimination, which minutes above a level put on the slow road.
CohortRequest saturable(std::uint64_t subjects, bool asks_levels) {
  Request each = protocol("kamp2020");
  each.model.parameters.push_back(made_up::parameter("Vmax", 20, unit::mg_per_h));
  each.model.parameters.push_back(made_up::parameter("Km", 0.3, unit::mg_per_L));
  if (!asks_levels) each.time_above = {};
  each.order.inputs.push_back(Bolus{0.1_mg_per_kg, 70min});
  return cohort(std::move(each), subjects);
}

// --- moments -------------------------------------------------------------------------------------------------

struct Moments {
  double mean = 0, variance = 0, fourth = 0;
  std::size_t n = 0;
};
Moments moments_of(const std::vector<double>& x) {
  Moments m{.n = x.size()};
  const auto n = static_cast<double>(x.size());
  for (const double each : x) m.mean += each / n;
  for (const double each : x) {
    const double d = (each - m.mean) * (each - m.mean);
    m.variance += d / n;
    m.fourth += d * d / n;
  }
  return m;
}
/// Within five standard errors.
void check_mean(const Moments& m, double mean) {
  CHECK(std::abs(m.mean - mean) < 5 * std::sqrt(m.variance / static_cast<double>(m.n)));
}
void check_variance(const Moments& m, double variance) {
  CHECK(std::abs(m.variance - variance) <
        5 * std::sqrt((m.fourth - m.variance * m.variance) / static_cast<double>(m.n)));
}
double correlation_of(const std::vector<double>& x, const std::vector<double>& y) {
  const Moments a = moments_of(x), b = moments_of(y);
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - a.mean) * (y[i] - b.mean) / static_cast<double>(x.size());
  return sum / std::sqrt(a.variance * b.variance);
}
void check_correlation(const std::vector<double>& x, const std::vector<double>& y, double due) {
  CHECK(std::abs(correlation_of(x, y) - due) < 5 * (1 - due * due) / std::sqrt(static_cast<double>(x.size())) + 1e-12);
}
enum class Of { covariate, log_parameter };
std::vector<double> column(const Cohort& c, Of of, std::size_t k) {
  std::vector<double> out;
  for (const SubjectRow& r : c.subjects)
    out.push_back(of == Of::covariate ? r.covariates[k] : std::log(r.parameters[k]));
  return out;
}

std::string refusal(const CohortRequest& asked, const CohortRun& run = {}) {
  return fixture::refusal([&] { (void)simulate_cohort(asked, run); });
}

}  // namespace

// --- the same bytes ------------------------------------------------------------------------------------------

TEST_CASE("any number of threads gives the same bytes, twenty times over") {
  CohortRequest asked = with_covariates(3000, 0.5);
  asked.each.limits = many_limits();
  asked.each.as_of = fixture::today;
  asked.keeps_subjects = true;
  asked.despite_failures = true;
  asked.uncertainty = ParameterUncertainty{on_clearance_and_volume(0), 2};
  const std::string due = bytes_of(counted(asked));
  const Written rows = written(asked);
  REQUIRE(rows.profiles.failed.size() > 10);
  for (const unsigned threads : {1U, 2U, 3U, 8U, 64U}) {
    INFO(threads << " threads");
    CHECK((bytes_of(counted(asked, {.threads = threads})) == due));
    CHECK(same_bits(written(asked, {.threads = threads}).rows, rows.rows));
  }
  asked.uncertainty.reset();
  asked.subjects = 1500;
  const std::string again = bytes_of(counted(asked));
  for (unsigned repeat = 0; repeat < 20; ++repeat) {
    INFO("repeat " << repeat);
    CHECK((bytes_of(counted(asked, {.threads = 1 + repeat % 5})) == again));
  }
}

TEST_CASE("every instruction set gives the same bytes") {
  for (const char* model : {"kamp2020", "otto2021", "domino1984"}) {
    CohortRequest asked = cohort(protocol(model), 2000);
    asked.each.allowances = {true, true};
    if (std::string(model) == "domino1984")
      asked.between_subjects = Variability{{"V1", "k10"}, {0.1, 0, 0, 0.1}, "made up"};
    asked.has_residual_error = std::string(model) == "otto2021";
    asked.keeps_subjects = true;
    asked.each.order.inputs.push_back(Bolus{0.1_mg_per_kg, 60min});
    const CohortRun by_baseline{.set = InstructionSet::baseline};
    const std::string due = bytes_of(counted(asked, by_baseline));
    const Written rows = written(asked, by_baseline);
    for (const InstructionSet set : {InstructionSet::avx2, InstructionSet::avx512}) {
      if (!kernels_for(set)) {
        WARN("this machine has no " << name_of(set));
        continue;
      }
      INFO(model << ", " << name_of(set));
      CHECK((bytes_of(counted(asked, {.set = set})) == due));
      CHECK(same_bits(written(asked, {.threads = 2, .set = set}).rows, rows.rows));
    }
  }
}

TEST_CASE("parts of any size, counted in any order, come to the bytes of the whole") {
  CohortRequest asked = with_covariates(1300, 0.5);
  asked.each.observe = each_minutes(40, 240);
  asked.each.limits = many_limits();
  asked.each.as_of = fixture::today;
  asked.despite_failures = true;
  asked.first = 4294967000;  // across 2^32
  const CohortTally whole = tallied(asked);
  const std::string due = bytes_of(whole), answers = bytes_of(counted(asked));
  REQUIRE(whole.failed.size() > 10);
  CHECK((bytes_of(answers_of(asked, whole)) == answers));
  const auto in_parts = [&](std::uint64_t seed, std::uint64_t most) {
    Random r(seed);
    std::vector<CohortRequest> parts;
    for (std::uint64_t from = 0; from < asked.subjects;) {
      CohortRequest part = asked;
      part.first = asked.first + from;
      part.subjects = std::min(asked.subjects - from, 1 + static_cast<std::uint64_t>(r.below(static_cast<int>(most))));
      from += part.subjects;
      parts.push_back(std::move(part));
    }
    for (std::size_t i = parts.size(); i > 1; --i)
      std::swap(parts[i - 1], parts[static_cast<std::size_t>(r.below(static_cast<int>(i)))]);
    std::vector<CohortTally> counts;
    for (const CohortRequest& part : parts) counts.push_back(tallied(part));
    while (counts.size() > 1) {  // any two of them, not the sum and the next
      const auto at = static_cast<std::size_t>(r.below(static_cast<int>(counts.size() - 1)));
      counts[at] = merge(std::move(counts[at]), counts[at + 1]);
      counts.erase(counts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    return counts.front();
  };
  for (const std::uint64_t seed : {1, 2, 3}) {
    INFO("seed " << seed);
    CHECK((bytes_of(in_parts(seed, 700)) == due));
    const CohortTally small = in_parts(seed + 10, 40);
    CHECK((bytes_of(small) == due));
    CHECK((bytes_of(answers_of(asked, small)) == answers));
  }
  asked.subjects = 300;
  CHECK((bytes_of(in_parts(4, 1)) == bytes_of(tallied(asked))));  // one subject each
  // And where there are counts in bins in place of values.
  asked = cohort(protocol("kamp2020"), 25'000);
  asked.each.observe = each_minutes(60, 120);
  CHECK((bytes_of(in_parts(5, 9000)) == bytes_of(tallied(asked))));
}

TEST_CASE("the numerical roads give the same bytes too: threads, parts, instruction sets") {
  for (const int kind : {0, 1, 2}) {
    const bool asks_levels = kind == 1;
    CohortRequest asked = saturable(asks_levels ? 40 : 900, asks_levels);
    asked.keeps_subjects = true;
    asked.despite_failures = true;
    if (kind == 2) {
      // Women have a compartment less, and most of the men are too heavy for the card: who is beside whom shows
      // nowhere.
      for (CardParameter& p : asked.each.model.parameters)
        if (p.name == "Q3")
          p.covariates = {
              {.covariate = "SEX", .form = CovariateForm::levels, .levels = {{0, 1}, {1, 0}}, .source = "made up"}};
      asked.each.model.domain.weight_high_kg = 60;
      asked.population = DrawnPeople{
          {{{"weight", Lognormal{55, 0.1}, "made up"}}}, People{{{"weight", Lognormal{65, 0.05}, "made up"}}}, 0.5};
    }
    const Cohort found = counted(asked, {.set = InstructionSet::baseline});
    INFO(found.road);
    CHECK(found.road == (asks_levels ? "network" : "odeint"));
    const std::string due = bytes_of(found);
    const Written rows = written(asked);
    for (const unsigned threads : {2U, 8U}) {
      CHECK((bytes_of(counted(asked, {.threads = threads})) == due));
      CHECK(same_bits(written(asked, {.threads = threads}).rows, rows.rows));
    }
    for (const InstructionSet set : {InstructionSet::avx2, InstructionSet::avx512})
      if (kernels_for(set)) CHECK((bytes_of(counted(asked, {.set = set})) == due));
    asked.keeps_subjects = false;
    const CohortTally whole = tallied(asked);
    Random r(3);
    std::vector<CohortTally> parts;
    for (std::uint64_t from = 0; from < asked.subjects;) {
      CohortRequest part = asked;
      part.first = from;
      part.subjects = std::min(asked.subjects - from, 1 + static_cast<std::uint64_t>(r.below(kind == 2 ? 3 : 100)));
      from += part.subjects;
      parts.push_back(tallied(part));
    }
    CohortTally sum = parts.back();
    for (parts.pop_back(); !parts.empty(); parts.pop_back()) sum = merge(std::move(sum), parts.back());
    CHECK((bytes_of(sum) == bytes_of(whole)));
  }
}

TEST_CASE("a profile is the same bits wherever its subject stands in the cohort") {
  CohortRequest asked = with_covariates(700, 0.5);
  const Written all = written(asked);
  const std::size_t instants = detail::observed_instants(asked.each.observe).size();
  for (const std::uint64_t first : {1, 7, 8, 255, 256, 300, 699}) {
    INFO("from " << first);
    asked.first = first;
    asked.subjects = 700 - first;
    CHECK(same_bits(written(asked).rows, std::span<const double>(all.rows).subspan(first * instants)));
  }
}

// --- against one patient after another -----------------------------------------------------------------------

TEST_CASE("every subject is the patient whom scalar code draws and simulates: an allometric card") {
  CohortRequest asked = cohort(protocol("kamp2020"), 200);
  asked.first = 1234;
  const Worst worst = compare_one_by_one(asked);
  check(worst);
  CHECK(worst.failed == 0);
}

TEST_CASE("every subject is that patient: rates per kg of a card in rate constants, hydrochloride, no height") {
  Request each = protocol("domino1984");
  each.order.form = Form::hydrochloride;
  each.order.inputs = {InfuseAtRate{StatedRate(0.75, unit::mg_per_kg_per_h), 40min}};
  CohortRequest asked = cohort(std::move(each), 200);
  asked.between_subjects = Variability{{"V1", "k10", "k21"}, {0.09, 0, 0, 0, 0.09, 0.02, 0, 0.02, 0.04}, "made up"};
  check(compare_one_by_one(asked));
}

TEST_CASE("every subject is that patient: milligrams, a bolus with an infusion, metabolites, and some too young") {
  CohortRequest asked = some_too_young(200);
  asked.each.order.inputs = {Bolus{5_mg}, Infuse{20_mg, 40min}, Bolus{0.1_mg_per_kg, 70min}};
  asked.each.observe = {.every = {}, .at = {Micros{1}, 40min, 41min, Micros{4'333'333'333}, 2h}, .until = {}};
  const Worst worst = compare_one_by_one(asked);
  check(worst);
  CHECK(worst.failed > 0);
}

TEST_CASE("every subject is that patient: curves that turn while a second infusion runs") {
  Request each = protocol("kamp2020");
  each.order.inputs = {Bolus{0.2_mg_per_kg}, Infuse{0.2_mg_per_kg, 60min, 10min},
                       InfuseAtRate{StatedRate(6, unit::mg_per_h), 2h, 30min}};
  const Worst worst = compare_one_by_one(cohort(std::move(each), 200));
  check(worst);
  Request weak = protocol("kamp2020");
  weak.order.inputs = {Infuse{40_mg, 20min}, InfuseAtRate{StatedRate(0.15, unit::mg_per_kg_per_h), 4h, 20min}};
  check(compare_one_by_one(cohort(std::move(weak), 200)));
}

TEST_CASE("every subject is that patient: a course of sessions") {
  Request each = protocol("kamp2020");
  each.order.course = CoursePlan{.starts = {0min, 48h, 96h}, .every = 48h};
  each.observe = each_minutes(60, 110 * 60);
  check(compare_one_by_one(cohort(std::move(each), 200)));
}

TEST_CASE("every subject is that patient: covariates of every form, women and men, and who cannot be") {
  const Worst worst = compare_one_by_one(with_covariates(300, 0.5));
  check(worst);
  CHECK(worst.failed > 0);
}

TEST_CASE("every subject is that patient: children within stated bounds, a weight cut off on both sides") {
  Request each = protocol("herd2007");
  CohortRequest asked = cohort(std::move(each), 200);
  asked.population = DrawnPeople{
      .all = {{{"weight", Lognormal{32.5, 0.45, 10.8, 74.8}, "made up"}, {"age", Normal{8.3, 3.5, 1, 14}, "made up"}},
              {1, 0.9, 0.9, 1}}};
  asked.between_subjects = BetweenSubjects::of_the_model;
  const Worst worst = compare_one_by_one(asked);
  check(worst);
  CHECK(worst.failed == 0);
}

TEST_CASE("every subject is that patient: all rules for the weight that orders count") {
  for (const WeightRule rule : {WeightRule::ideal, WeightRule::adjusted, WeightRule::lean, WeightRule::fat_free}) {
    INFO(name_of(rule));
    CohortRequest asked = with_covariates(100, 0.1);
    asked.each.patient.dosing_weight = rule;
    const Worst worst = compare_one_by_one(asked);
    check(worst);
    if (rule == WeightRule::ideal) CHECK(worst.failed > 0);  // it never counts more than the actual weight
  }
  CohortRequest stated = with_covariates(100, 0.1);
  stated.each.patient.dosing_weight = Stated<dim::body>(60, unit::kg);
  check(compare_one_by_one(stated));
}

TEST_CASE("every subject is that patient: people of a table, row after row and drawn") {
  PeopleTable table{.names = {"weight", "age", "sex"},
                    .columns = {{50, 70, no_number, 90, 0.1, 110}, {20, 30, 40, -1, 60, 17}, {1, 0, 0, 1, 0, 1}}};
  CohortRequest asked = some_too_young(6);
  asked.population = table;
  Worst worst = compare_one_by_one(asked);
  check(worst);
  CHECK(worst.ok == 2);
  table.is_drawn = true;
  asked.population = table;
  asked.subjects = 200;
  worst = compare_one_by_one(asked);
  check(worst);
  CHECK(worst.failed > 50);
  asked.population = SamePatient{};
  asked.each.patient.age = Age(44, unit::yr);
  worst = compare_one_by_one(asked);
  check(worst);
  CHECK(worst.failed == 0);
}

TEST_CASE("every subject is that patient, within the tolerance of the solvers: saturation in lanes") {
  const CohortRequest asked = saturable(60, false);
  CHECK(counted(asked).road == "odeint");
  check(compare_one_by_one(asked), 1e-5);
}

TEST_CASE("every subject is that patient on the road of networks too: a liver, saturation, a pause") {
  Request liver = protocol("perezruixo2021");
  liver.order.analyte = Analyte::s_ketamine;
  liver.observe = each_minutes(60, 240);
  CohortRequest asked = cohort(std::move(liver), 12);
  asked.population =
      DrawnPeople{.all = {{weight_75(), {"age", Uniform{30, 86}, "made up"}, {"RACE_ASIAN", Constant{1}, "made up"}}}};
  asked.between_subjects = BetweenSubjects::of_the_model;
  check(compare_one_by_one(asked), 1e-9);

  Request paused = protocol("kamp2020");
  paused.order.events = {{0, 15min, Pause{}}, {0, 25min, Resume{}}};
  asked = cohort(std::move(paused), 40);
  check(compare_one_by_one(asked), 1e-12);

  asked = saturable(20, true);
  check(compare_one_by_one(asked), 1e-8);
}

/// Nobody is answered; for what the first one is refused.
std::string nobody(const CohortRequest& asked) {
  const Cohort found = counted(asked);
  const Written rows = written(asked);
  CHECK(found.ok == 0);
  CHECK(found.failed.size() == asked.subjects);
  CHECK_FALSE(found.has_statistics);
  CHECK(found.assessment.verdict == Verdict{VerdictKind::unevaluated});
  CHECK(rows.profiles.ok == 0);
  CHECK(rows.profiles.failed.size() == asked.subjects);
  CHECK(std::all_of(rows.rows.begin(), rows.rows.end(), [](double x) { return std::isnan(x); }));
  return found.failed.empty() ? "" : std::string(name_of(found.failed[0].code)) + ' ' + found.failed[0].field;
}

TEST_CASE("a patient who cannot be dosed makes no cohort") {
  CohortRequest asked = cohort(protocol("kamp2020"), 300);
  asked.population = SamePatient{};
  asked.each.patient.dosing_weight = WeightRule::ideal;  // without a height
  CHECK(nobody(asked) == "E_FIELD_MISSING patient.height");
  asked.despite_failures = true;
  CHECK(nobody(asked) == "E_FIELD_MISSING patient.height");
}

TEST_CASE("in each session a subject is the patient whom scalar code draws for that session") {
  CohortRequest asked = cohort(protocol("kamp2020"), 60);
  const auto later = 24h * 30;  // nothing is left of the first session
  asked.each.order.course = CoursePlan{.starts = {0min, later}, .every = later};
  const std::vector<Micros> since{10min, 40min, 2h, 4h};
  std::vector<Micros> at = since;
  for (const Micros t : since) at.push_back(later + t);
  asked.each.observe = {.every = {}, .at = at, .until = {}};
  asked.each.time_above = {};
  asked.between_occasions = Variability{{"CL", "V2"}, {0.05, 0.02, 0.02, 0.08}, "made up"};
  const Written found = written(asked, {.threads = 2});
  CHECK(found.profiles.ok == asked.subjects);
  CHECK((bytes_of(counted(asked, {.threads = 5})) == bytes_of(counted(asked))));
  double worst = 0;
  for (std::uint64_t i = 0; i < asked.subjects; ++i)
    for (std::uint32_t session = 0; session < 2; ++session) {
      std::vector<double> z(2);
      normals<double>({asked.seed, Purpose::kappa, session}, i, 0, std::span<double>(z));
      const auto kappa = correlated(asked.between_occasions->omega, z);
      Request one = asked.each;
      one.patient = patient_by_hand(asked, i);
      one.order.course.reset();
      one.observe.at = since;
      one.model = detail::with_eta(detail::with_eta(card_by_hand(asked, i), "CL", kappa[0]), "V2", kappa[1]);
      const Result due = std::get<Result>(simulate(one, NoSecondSolver{}));
      for (std::size_t k = 0; k < since.size(); ++k)
        worst = std::max(
            worst, difference(found.rows[i * at.size() + session * since.size() + k], due.profile.plasma_ng_per_mL[k]));
    }
  CHECK(worst < 1e-7);
}

// --- limits --------------------------------------------------------------------------------------------------

TEST_CASE("shares beyond limits are the counts of single verdicts, whatever the limits look at") {
  struct Asked {
    std::string name;
    CohortRequest cohort;
  };
  std::vector<Asked> all{{"everything", with_covariates(300, 0.1)}};
  CohortRequest asked = with_covariates(300, 0.1);
  asked.each.order.inputs = {Bolus{8_mg}, Infuse{30_mg, 40min}};
  all.push_back({"milligrams", asked});
  asked.each.order.inputs = {Bolus{0.08_mg_per_kg}, Infuse{30_mg, 40min, 5min}};
  asked.each.patient.dosing_weight = WeightRule::lean;
  all.push_back({"both, by lean mass", asked});
  asked.each.order.inputs = {Infuse{0.5_mg_per_kg, 40min}};
  all.push_back({"per kg of lean mass", asked});
  asked = cohort(protocol("kamp2020"), 300);
  asked.each.patient.height = Stated<dim::length>(175, unit::cm);
  asked.each.patient.age = Age(65, unit::yr);
  all.push_back({"a height and an age that everybody has", asked});
  asked = cohort(protocol("kamp2020"), 300);
  all.push_back({"neither height nor age", asked});
  asked.population = SamePatient{};
  all.push_back({"one patient", asked});
  for (auto& [name, request] : all) {
    request.each.limits = many_limits();
    request.each.as_of = fixture::today;
    request.despite_failures = true;
    const Cohort found = counted(request);
    struct Counts {
      std::uint64_t evaluated = 0, soft = 0, hard = 0;
    };
    std::map<std::string, Counts> due;
    for (std::uint64_t i = 0; i < request.subjects; ++i) {
      const ByHand alone = by_hand(request, i);
      if (!alone.result) continue;
      const Assessment& a = alone.result->assessment;
      for (const Check& c : a.checks) due[c.id].evaluated += c.outcome != CheckOutcome::unevaluated;
      std::map<std::string, bool> flagged;  // a limit is crossed once, however many inputs cross it
      for (const Flag& f : a.flags)
        if (!f.limit_id.empty()) flagged[f.limit_id] = flagged[f.limit_id] || f.severity == Severity::hard;
      for (const auto& [id, is_hard] : flagged) {
        ++due[id].soft;
        due[id].hard += is_hard;
      }
    }
    REQUIRE(found.limits.size() == many_limits().limits.size());
    for (const LimitInCohort& l : found.limits) {
      INFO(name << ", " << l.id << ": " << l.why);
      const Counts& count = due[l.id];
      if (!l.beyond_soft) {
        // Nothing to be seen in anybody: nothing is known, or there is nothing of it in the order.
        CHECK_FALSE(l.why.empty());
        CHECK(count.soft == 0);
        continue;
      }
      CHECK(l.beyond_soft->of == count.evaluated);
      CHECK(l.beyond_soft->hits == count.soft);
      CHECK(l.beyond_hard->hits == count.hard);
    }
    const auto of = [&](const std::string& id) {
      return *std::find_if(found.limits.begin(), found.limits.end(), [&](const auto& l) { return l.id == id; });
    };
    CHECK_FALSE(of("vein").beyond_soft.has_value());  // a model of arterial blood
    CHECK((of("effect").beyond_soft.has_value() == request.each.model.ke0.has_value()));
    if (name == "everything")
      for (const char* id : {"peak", "low-peak", "effect", "above", "total", "weight", "age"}) {
        INFO(id);
        REQUIRE(of(id).beyond_soft.has_value());
        CHECK(of(id).beyond_soft->hits > 0);
        CHECK(of(id).beyond_soft->hits < found.ok);
      }
  }
}

// --- honest counts -------------------------------------------------------------------------------------------

TEST_CASE("who fails is told, counted and left out, and moves nobody beside him") {
  PeopleTable table{.names = {"weight"}, .columns = {{}}};
  Random r(11);
  for (int i = 0; i < 600; ++i) table.columns[0].push_back(r.between(45, 120));
  CohortRequest asked = cohort(protocol("kamp2020"), 600);
  asked.population = table;
  asked.keeps_subjects = true;
  const Cohort all_good = counted(asked);
  const Written rows = written(asked);
  REQUIRE(all_good.failed.empty());
  CHECK(all_good.has_statistics);

  PeopleTable bad = table;
  const std::map<std::size_t, double> what{
      {0, no_number}, {63, 0.0}, {64, -5}, {255, 1e9}, {256, std::numeric_limits<double>::infinity()},
      {300, 701},     {599, 0.1}};
  for (const auto& [i, kg] : what) bad.columns[0][i] = kg;
  for (std::size_t i = 512; i < 590; ++i) bad.columns[0][i] = no_number;  // all of several lanes, and most of a block
  asked.population = bad;
  const Cohort some_bad = counted(asked);
  CHECK(some_bad.in == 600);
  CHECK(some_bad.ok + some_bad.failed.size() == 600);
  CHECK(some_bad.failed.size() == what.size() + 78);
  CHECK(some_bad.failures() == some_bad.failed.size());
  for (const FailedSubject& f : some_bad.failed) {
    INFO(f.subject);
    CHECK((what.contains(f.subject) || (f.subject >= 512 && f.subject < 590)));
    CHECK((f.code == Code::nonfinite || f.code == Code::range));
    CHECK(f.field == "patient.weight");
    CHECK(f.message.find("accepted") != std::string::npos);
  }
  CHECK(std::is_sorted(some_bad.failed.begin(), some_bad.failed.end(),
                       [](const auto& a, const auto& b) { return a.subject < b.subject; }));

  // No statistic unless it is asked for, and then with the count beside it.
  CHECK_FALSE(some_bad.has_statistics);
  CHECK(some_bad.mean_ng_per_mL.empty());
  CHECK(some_bad.percentile_ng_per_mL.empty());
  CHECK(some_bad.summaries.empty());
  CHECK(some_bad.limits.empty());
  CHECK(some_bad.assessment.verdict == Verdict{VerdictKind::unevaluated});
  asked.despite_failures = true;
  const Cohort despite = counted(asked);
  CHECK(despite.has_statistics);
  CHECK(despite.failed.size() == some_bad.failed.size());

  // The others, to the bit; and the statistics are theirs alone.
  std::map<std::uint64_t, const SubjectRow*> good;
  for (const SubjectRow& row : all_good.subjects) good[row.subject] = &row;
  std::vector<double> peaks;
  for (const SubjectRow& row : despite.subjects) {
    INFO(row.subject);
    CHECK(row.summaries == good[row.subject]->summaries);
    CHECK(row.parameters == good[row.subject]->parameters);
    peaks.push_back(row.summaries[0]);
  }
  REQUIRE(peaks.size() == despite.ok);
  std::sort(peaks.begin(), peaks.end());
  CHECK(despite.summaries[0].lowest == peaks.front());
  CHECK(despite.summaries[0].highest == peaks.back());
  CHECK(despite.summaries[0].at_percentiles[1] == Approx(percentile_type7(peaks, 50)).epsilon(1e-14));
  const Written beside = written(asked);
  const std::size_t instants = despite.time.size();
  for (std::size_t i = 0; i < 600; ++i) {
    const auto of = [&](const Written& w) { return std::span<const double>(&w.rows[i * instants], instants); };
    const bool is_bad = what.contains(i) || (i >= 512 && i < 590);
    INFO(i);
    CHECK(
        (is_bad ? std::isnan(of(beside)[0]) && std::isnan(of(beside)[instants - 1]) : same_bits(of(beside), of(rows))));
  }
}

TEST_CASE("where all of several lanes fail, the others are themselves on the numerical road too") {
  PeopleTable table{.names = {"weight"}, .columns = {{}}};
  for (int i = 0; i < 200; ++i) table.columns[0].push_back(50 + i * 0.3);
  CohortRequest asked = saturable(200, false);
  asked.population = table;
  const Written all = written(asked);
  for (std::size_t i = 60; i < 200; ++i)
    if (i != 150) table.columns[0][i] = no_number;
  asked.population = table;
  asked.despite_failures = true;
  const Written some = written(asked);
  CHECK(some.profiles.ok == 61);
  CHECK(counted(asked).ok == 61);
  const std::size_t instants = all.rows.size() / 200;
  const auto of = [&](const Written& w, std::size_t i) {
    return std::span<const double>(&w.rows[i * instants], instants);
  };
  for (std::size_t i = 0; i < 60; ++i) CHECK(same_bits(of(some, i), of(all, i)));
  CHECK(same_bits(of(some, 150), of(all, 150)));
}

TEST_CASE("where everybody fails everybody is listed, and no profile is a number") {
  CohortRequest asked = some_too_young(300);
  asked.population = DrawnPeople{.all = {{weight_75(), {"age", Uniform{3, 9}, "made up"}}}};
  CHECK(nobody(asked) == "E_MODEL_DOMAIN patient.age");
  CohortRequest table = cohort(protocol("kamp2020"), 3);
  table.population = PeopleTable{.names = {"weight"}, .columns = {{no_number, -1, 800}}};
  CHECK(nobody(table) == "E_NONFINITE patient.weight");
}

TEST_CASE("percentiles of up to ten thousand subjects are exact, and beyond within the stated half per cent") {
  CohortRequest asked = cohort(protocol("kamp2020"), 10'000);
  asked.each.observe = {.every = {}, .at = {20min, 40min, 3h}, .until = {}};
  asked.percentiles = {0, 0.1, 5, 50, 95, 99.9, 100};
  for (const std::uint64_t subjects : {10'000, 10'001, 40'000}) {
    INFO(subjects);
    asked.subjects = subjects;
    const Cohort found = counted(asked);
    CHECK((found.percentile_error_rel == 0) == (subjects == 10'000));
    CHECK(found.percentile_error_rel <= 0.005);
    const Written rows = written(asked);
    for (std::size_t k = 0; k < 3; ++k) {
      std::vector<double> all;
      double sum = 0;
      for (std::size_t i = 0; i < subjects; ++i) all.push_back(rows.rows[i * 3 + k]);
      for (const double x : all) sum += x;
      CHECK(found.mean_ng_per_mL[k] == Approx(sum / static_cast<double>(subjects)).epsilon(1e-12));
      for (std::size_t p = 0; p < asked.percentiles.size(); ++p) {
        const double due = percentile_type7(all, asked.percentiles[p]);
        CHECK(std::abs(found.percentile_ng_per_mL[p][k] / due - 1) <= std::max(1e-14, found.percentile_error_rel));
      }
    }
  }
}

// --- what was stated of the distributions --------------------------------------------------------------------

TEST_CASE("a hundred thousand subjects have the moments that were stated") {
  CohortRequest asked = cohort(protocol("kamp2020"), 100'000);
  asked.each.observe = {.every = {}, .at = {40min}, .until = {}};
  asked.each.time_above = {};
  asked.keeps_subjects = true;
  asked.population = DrawnPeople{.all = {{{"weight", Constant{70}, "made up"}}}};
  const Variability own{{"CL", "V1", "Q3"}, {0.09, 0.03, -0.02, 0.03, 0.06, 0.01, -0.02, 0.01, 0.04}, "made up"};
  asked.between_subjects = own;
  const Cohort found = counted(asked);
  REQUIRE(found.parameters[0].starts_with("V1"));
  REQUIRE(found.parameters[1].starts_with("CL"));
  REQUIRE(found.parameters[4].starts_with("Q3"));
  const auto typical = individual(asked.each.model, Patient{.weight = 70_kg});
  const std::vector<std::vector<double>> logs{column(found, Of::log_parameter, 1), column(found, Of::log_parameter, 0),
                                              column(found, Of::log_parameter, 4)};
  const std::vector<double> middle{typical.cl_L_per_min, typical.v1_L, typical.q3_L_per_min};
  for (std::size_t i = 0; i < 3; ++i) {
    INFO(own.parameters[i]);
    check_mean(moments_of(logs[i]), std::log(middle[i]));
    check_variance(moments_of(logs[i]), own.omega[4 * i]);
    for (std::size_t j = 0; j < i; ++j)
      check_correlation(logs[i], logs[j], own.omega[3 * i + j] / std::sqrt(own.omega[4 * i] * own.omega[4 * j]));
  }
  // What does not vary does not vary.
  const auto v2 = column(found, Of::log_parameter, 3);
  CHECK(std::all_of(v2.begin(), v2.end(), [&](double x) { return x == v2.front(); }));
}

TEST_CASE("drawn people have the distributions, the correlation and the shares that were stated") {
  CohortRequest asked = with_covariates(100'000, 0.1);
  asked.each.observe = {.every = {}, .at = {40min}, .until = {}};
  asked.each.time_above = {};
  asked.keeps_subjects = true;
  asked.despite_failures = true;
  const double sd = std::sqrt(std::log(1.04));
  People people{{{"weight", Lognormal{75, sd}, "made up"},
                 {"height", Normal{172, 9, 160, 180}, "made up"},
                 {"age", Uniform{18, 85}, "made up"},
                 {"X", Normal{0, 0.1}, "made up"}}};
  people.correlation = {1, 0.6, 0, 0, 0.6, 1, 0, 0, 0, 0, 1, -0.5, 0, 0, -0.5, 1};
  asked.population = DrawnPeople{people, {}, 0.45};
  const Cohort found = counted(asked);
  CHECK(found.failed.size() < 20);
  CHECK(found.covariates == std::vector<std::string>{"weight_kg", "height_cm", "age_yr", "X", "sex"});
  std::vector<double> logs = column(found, Of::covariate, 0);
  for (double& x : logs) x = std::log(x);
  check_mean(moments_of(logs), std::log(75));
  check_variance(moments_of(logs), sd * sd);
  // A normal cut off at a and b standard deviations: Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions.
  const double a = (160 - 172) / 9.0, b = (180 - 172) / 9.0, z = normal_cdf(b) - normal_cdf(a);
  const auto density = [](double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); };
  const double shift = (density(a) - density(b)) / z;
  const auto heights = column(found, Of::covariate, 1);
  check_mean(moments_of(heights), 172 + 9 * shift);
  check_variance(moments_of(heights), 81 * (1 + (a * density(a) - b * density(b)) / z - shift * shift));
  CHECK(*std::min_element(heights.begin(), heights.end()) >= 160);
  CHECK(*std::max_element(heights.begin(), heights.end()) <= 180);
  const auto ages = column(found, Of::covariate, 2), xs = column(found, Of::covariate, 3),
             sexes = column(found, Of::covariate, 4);
  check_mean(moments_of(ages), (18 + 85) / 2.0);
  check_variance(moments_of(ages), (85 - 18) * (85 - 18) / 12.0);
  check_mean(moments_of(sexes), 0.45);
  check_correlation(logs, ages, 0);
  check_correlation(sexes, logs, 0);
  // A correlation of normal scores rho is 2 asin(rho / 2) / pi * 3 of ranks, and sqrt(3 / pi) rho of rank and score.
  check_correlation(ages, xs, -0.5 * std::sqrt(3 / std::numbers::pi));
  CHECK(correlation_of(logs, heights) > 0.55);  // of the scores 0.6; less where one is cut off
  CHECK(correlation_of(logs, heights) < 0.6);
  // Etas are drawn apart from people.
  check_correlation(column(found, Of::log_parameter, 2), xs, 0);
}

TEST_CASE("the sexes have the distributions and the share that were stated for each") {
  CohortRequest asked = with_covariates(50'000, 0.05);
  asked.each.observe = {.every = {}, .at = {40min}, .until = {}};
  asked.keeps_subjects = true;
  asked.despite_failures = true;
  const Cohort found = counted(asked);
  const auto sexes = column(found, Of::covariate, 4), heights = column(found, Of::covariate, 1);
  check_mean(moments_of(sexes), 0.45);
  std::vector<double> women, men;
  for (std::size_t i = 0; i < sexes.size(); ++i) (sexes[i] == 1 ? women : men).push_back(heights[i]);
  check_mean(moments_of(women), 165);
  check_mean(moments_of(men), 178);
}

TEST_CASE("etas that vary together completely are drawn so") {
  CohortRequest asked = cohort(protocol("kamp2020"), 5000);
  asked.each.observe = {.every = {}, .at = {40min}, .until = {}};
  asked.population = DrawnPeople{.all = {{{"weight", Constant{70}, "made up"}}}};
  asked.keeps_subjects = true;
  asked.between_subjects = Variability{{"V1", "CL", "Q2"}, {0.057, 0.057, 0, 0.057, 0.057, 0, 0, 0, 0}, "made up"};
  const Cohort found = counted(asked);
  const auto v1 = column(found, Of::log_parameter, 0), cl = column(found, Of::log_parameter, 1),
             q2 = column(found, Of::log_parameter, 2);
  check_variance(moments_of(v1), 0.057);
  double widest = 0;
  for (std::size_t i = 0; i < v1.size(); ++i) widest = std::max(widest, std::abs((v1[i] - cl[i]) - (v1[0] - cl[0])));
  CHECK(widest < 1e-14);
  CHECK(std::all_of(q2.begin(), q2.end(), [&](double x) { return x == q2.front(); }));

  Request simons = protocol("simons2022");
  simons.order.analyte = Analyte::s_ketamine;
  simons.observe = each_minutes(60, 120);
  simons.time_above = {};
  CohortRequest few = cohort(std::move(simons), 2);
  few.population = SamePatient{};
  few.each.patient.age = Age(25, unit::yr);
  few.between_subjects = BetweenSubjects::of_the_model;
  const Cohort of_simons = counted(few);
  CHECK(of_simons.ok == 2);
  CHECK(of_simons.summaries[0].lowest < of_simons.summaries[0].highest);
}

TEST_CASE("residual error has a stream of its own and the variance of the card") {
  CohortRequest asked = some_too_young(50'000);
  asked.population = DrawnPeople{.all = {{weight_75(), {"age", Uniform{20, 50}, "made up"}}}};
  asked.each.observe = {.every = {}, .at = {20min, 40min, 2h}, .until = {}};
  asked.each.time_above = {};
  asked.keeps_subjects = true;
  const Cohort without = counted(asked);
  const Written clean = written(asked);
  asked.has_residual_error = true;
  asked.each.model.residual_error =
      ResidualError{.proportional_variance = 0.04, .additive_variance_mg2_per_L2 = 25e-6, .source = "made up"};
  const Cohort with = counted(asked);
  const Written noisy = written(asked);
  // Nobody has become another, and peaks are those of the curve.
  REQUIRE(with.subjects.size() == without.subjects.size());
  bool is_same = true;
  for (std::size_t i = 0; i < with.subjects.size(); ++i)
    is_same = is_same && with.subjects[i].parameters == without.subjects[i].parameters &&
              with.subjects[i].covariates == without.subjects[i].covariates &&
              with.subjects[i].summaries == without.subjects[i].summaries;
  CHECK(is_same);
  std::vector<std::vector<double>> eps(3);
  for (std::size_t i = 0; i < clean.rows.size(); ++i) {
    const double c = clean.rows[i];
    eps[i % 3].push_back((noisy.rows[i] - c) / std::sqrt(25 + 0.04 * c * c));
  }
  for (std::size_t k = 0; k < 3; ++k) {
    check_mean(moments_of(eps[k]), 0);
    check_variance(moments_of(eps[k]), 1);
    check_correlation(eps[k], eps[(k + 1) % 3], 0);
    check_correlation(eps[k], column(with, Of::log_parameter, 1), 0);
    check_correlation(eps[k], column(with, Of::covariate, 0), 0);
  }
  // What is counted is what is written.
  std::vector<double> at_40;
  for (std::size_t i = 1; i < noisy.rows.size(); i += 3) at_40.push_back(noisy.rows[i]);
  CHECK(with.percentile_ng_per_mL[1][1] == Approx(percentile_type7(at_40, 50)).epsilon(Tally::relative_error));
  CHECK(with.mean_ng_per_mL[1] == Approx(moments_of(at_40).mean).epsilon(1e-12));
}

TEST_CASE("replicates of the parameter uncertainty are the typical values that scalar code draws") {
  CohortRequest asked = cohort(protocol("kamp2020"), 20);
  asked.population = SamePatient{};
  asked.between_subjects = BetweenSubjects::none;
  asked.uncertainty = ParameterUncertainty{{{"CL", "V1"}, {0.01, 0.004, 0.004, 0.02}, "made up"}, 4};
  const Cohort found = counted(asked);
  REQUIRE(found.replicates.size() == 4);
  for (std::uint64_t r = 0; r < 4; ++r) {
    INFO("replicate " << r);
    const auto theta = correlated(asked.uncertainty->of.omega, drawn_by_hand(asked, Purpose::theta, r, 2));
    Request one = asked.each;
    one.model = detail::with_eta(detail::with_eta(one.model, "CL", theta[0]), "V1", theta[1]);
    const Result due = std::get<Result>(simulate(one, NoSecondSolver{}));
    const Replicate& replicate = found.replicates[r];
    CHECK(difference(replicate.summaries_median[0], due.summary.plasma.ng_per_mL) < 1e-12);
    CHECK(difference(replicate.summaries_median[2], due.summary.auc_inf_ng_h_per_mL) < 1e-12);
    for (std::size_t k = 1; k < found.time.size(); ++k)
      CHECK(difference(replicate.plasma[1][k], due.profile.plasma_ng_per_mL[k]) < 1e-12);
  }
  // The same people and etas in each: without uncertainty in a parameter that matters, nothing moves.
  CohortRequest still = cohort(protocol("kamp2020"), 300);
  still.uncertainty = ParameterUncertainty{{{"CL"}, {0.0}, "made up"}, 2};
  const Cohort unmoved = counted(still);
  for (const Replicate& r : unmoved.replicates) CHECK(r.plasma == unmoved.percentile_ng_per_mL);
  CHECK((bytes_of(counted(asked, {.threads = 3})) == bytes_of(found)));
}

// --- progress and stop ---------------------------------------------------------------------------------------

namespace {

struct Slow {
  std::string name;
  CohortRequest asked;
};
std::vector<Slow> slow_cohorts() {
  Request fast = protocol("kamp2020");
  fast.observe = each_minutes(1, 240);
  Request simons = protocol("simons2022");
  simons.order.analyte = Analyte::s_ketamine;
  simons.observe = each_minutes(60, 240);
  simons.patient.age = Age(25, unit::yr);
  CohortRequest one_by_one = cohort(std::move(simons), 2'000);
  one_by_one.population = SamePatient{};
  one_by_one.between_subjects = BetweenSubjects::of_the_model;
  return {{"in lanes", cohort(std::move(fast), 50'000'000)}, {"one by one", one_by_one}};
}
struct Enough {};

}  // namespace

// Sanitizers make everything some ten times slower, this too.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int slower = 10;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr int slower = 10;
#else
constexpr int slower = 1;
#endif
#else
constexpr int slower = 1;
#endif

TEST_CASE("a cohort stops within 200 ms of being told, on both roads, and leaves nothing that looks like a result") {
  using Clock = std::chrono::steady_clock;
  for (auto& [name, asked] : slow_cohorts())
    for (const unsigned threads : {1U, 2U}) {
      INFO(name << ", " << threads << " threads");
      // The fastest of three: others may have the machine for a while.
      Clock::duration to_the_end = Clock::duration::max(), to_the_call = Clock::duration::max();
      for (int attempt = 0; attempt < 3 && (to_the_end >= 200ms * slower || to_the_call >= 2s * slower); ++attempt) {
        const auto begun = Clock::now();
        Clock::time_point told;
        std::uint64_t last = 0;
        int calls = 0;
        const CohortRun run{.threads = threads, .on_progress = [&](std::uint64_t done, std::uint64_t of) {
                              CHECK(of == asked.subjects);
                              CHECK(done >= last);
                              last = done;
                              told = Clock::now();
                              return ++calls < 2;
                            }};
        const auto outcome = simulate_cohort(asked, run);
        to_the_end = std::min(to_the_end, Clock::now() - told);
        to_the_call = std::min(to_the_call, told - begun);
        REQUIRE(std::holds_alternative<Stopped>(outcome));
        CHECK(std::get<Stopped>(outcome).of == asked.subjects);
        CHECK(std::get<Stopped>(outcome).done < asked.subjects);
        CHECK(calls == 2);
      }
      CHECK(to_the_end < 200ms * slower);
      CHECK(to_the_call < 2s * slower);
    }
}

TEST_CASE("profiles that were stopped are no numbers, and what the caller throws reaches him") {
  CohortRequest asked = cohort(protocol("kamp2020"), 400'000);
  asked.each.observe = each_minutes(1, 60);
  std::vector<double> rows(asked.subjects * 61, 1.0);
  for (const unsigned threads : {1U, 3U}) {
    INFO(threads << " threads");
    std::fill(rows.begin(), rows.end(), 1.0);
    const auto stopped =
        write_profiles(asked, rows, {.threads = threads, .on_progress = [](auto, auto) { return false; }});
    REQUIRE(std::holds_alternative<Stopped>(stopped));
    CHECK(std::all_of(rows.begin(), rows.end(), [](double x) { return std::isnan(x); }));
    const CohortRun thrower{.threads = threads, .on_progress = [](auto, auto) -> bool { throw Enough{}; }};
    std::fill(rows.begin(), rows.end(), 1.0);
    CHECK_THROWS_AS(write_profiles(asked, rows, thrower), Enough);
    CHECK(std::all_of(rows.begin(), rows.end(), [](double x) { return std::isnan(x); }));
    CHECK_THROWS_AS(simulate_cohort(asked, thrower), Enough);
    CHECK_THROWS_AS(tally_cohort(asked, thrower), Enough);
  }
}

// --- room ----------------------------------------------------------------------------------------------------

TEST_CASE("a million subjects take no more room than ten thousand") {
  CohortRequest asked = cohort(protocol("kamp2020"), 10'000);
  asked.each.observe = {.every = {}, .at = {20min, 2h, 4h}, .until = {}};
  const auto room = [](const CohortTally& t) {
    std::size_t sum = 0;
    for (const Tally& each : t.plasma) sum += each.memory();
    for (const Tally& each : t.summaries) sum += each.memory();
    return sum;
  };
  const std::size_t of_few = room(tallied(asked));
  asked.subjects = 1'000'000;
  const CohortTally many = tallied(asked, {.threads = 2});
  CHECK(many.ok == asked.subjects);
  CHECK(room(many) <= of_few);
}

TEST_CASE("what cannot be asked is refused") {
  const CohortRequest good = cohort(protocol("kamp2020"), 10);
  CHECK(refusal(good) == "");
  CHECK(refusal(good, {.threads = 0}) == "E_RANGE threads");
  CohortRequest bad = good;
  bad.subjects = 0;
  CHECK(refusal(bad) == "E_RANGE cohort.subjects");
  std::vector<double> rows(11 * 25);
  CHECK(fixture::refusal([&] { (void)write_profiles(good, rows); }) == "E_SIZE rows");
  CohortRequest other = good;
  other.each.observe = each_minutes(20, 240);
  CHECK(fixture::refusal([&] { (void)merge(tallied(good), tallied(other)); }) == "E_ARG tally");
  if (!kernels_for(InstructionSet::avx512)) CHECK(refusal(good, {.set = InstructionSet::avx512}) == "E_ARG set");
}
