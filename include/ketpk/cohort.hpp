// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what a dose does to a population is a question with its own nouns: who is in it, what differs between them and
// within them, what is wanted back, and how many of them could not be answered. These are values; population.hpp holds
// the verb.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/result.hpp"
#include "ketpk/tally.hpp"
#include "ketpk/time.hpp"
#include "ketpk/verdict.hpp"

namespace ketpk {

// --- who is in it --------------------------------------------------------------------------------------------

/// A number that everybody has.
struct Constant {
  double value;
};
struct Uniform {
  double low, high;
};
/// Normal, cut off at `low` and `high` where they are stated: what lies beyond them is not drawn.
struct Normal {
  double mean, sd;
  std::optional<double> low = {}, high = {};
};
/// The logarithm is normal around that of the median, with standard deviation `log_sd` (a CV of c: sqrt(ln(1 + c^2))).
struct Lognormal {
  double median, log_sd;
  std::optional<double> low = {}, high = {};
};
using Distribution = std::variant<Constant, Uniform, Normal, Lognormal>;

/// weight [kg], height [cm], age [yr], or what the model looks at beside these, by the model's name for it.
struct DrawnCovariate {
  std::string name;
  Distribution distribution;
  std::string source = {};  ///< where the distribution comes from
};

/// People of one sex, or of any.
struct People {
  std::vector<DrawnCovariate> covariates;  ///< each name once, weight among them
  /// Of the normals behind the covariates, row after row, in their order; empty: they are independent. What is
  /// correlated is the rank: a normal score for each, taken to its distribution.
  std::vector<double> correlation = {};
};

/// Everybody is drawn.
struct DrawnPeople {
  People all;                               ///< those whose sex is not drawn; or the women
  std::optional<People> men = {};           ///< where the sexes differ: the same names in the same order
  std::optional<double> female_share = {};  ///< 0 to 1; without it nobody's sex is known
};

/// People who are there already: one column for each of `names` (as of `DrawnCovariate`, and `sex`: 1 female, 0 male).
struct PeopleTable {
  std::vector<std::string> names;
  std::vector<std::vector<double>> columns;  ///< of one length
  bool is_drawn = false;  ///< each subject is a row drawn with replacement; else subject i is row i, and no row twice
};

/// Everybody is the patient of the request; they differ in what the model says differs.
struct SamePatient {};

using Population = std::variant<SamePatient, DrawnPeople, PeopleTable>;

// --- what differs --------------------------------------------------------------------------------------------

enum class BetweenSubjects : std::uint8_t { of_the_model, none };
inline constexpr std::array<std::string_view, 2> between_subjects_names{"model", "none"};

/// How uncertain the typical values are: they are exp(theta) times those of the card, theta normal with variances
/// `of.omega`. Each replicate has one theta for everybody, and the same people and etas as the others.
struct ParameterUncertainty {
  Variability of;
  std::size_t replicates;
};

/// Everything that is asked of a cohort. A subject is (seed, index): subjects first to first + subjects - 1.
struct CohortRequest {
  Request each;  ///< the order, the model, limits, levels and instants; its patient is what the population leaves open
  Population population = SamePatient{};
  std::uint64_t seed;  ///< stated, never taken from a clock
  std::uint64_t subjects;
  std::uint64_t first = 0;
  /// The omega of the card, none, or another one.
  std::variant<BetweenSubjects, Variability> between_subjects = BetweenSubjects::of_the_model;
  std::optional<Variability> between_occasions = {};  ///< one kappa for each session of a course
  bool has_residual_error = false;                    ///< profiles are of observations, with the card's residual error
  std::optional<ParameterUncertainty> uncertainty = {};
  std::vector<double> percentiles = {5, 50, 95};
  bool keeps_subjects = false;    ///< the table of subjects
  bool despite_failures = false;  ///< statistics also where subjects failed, with their number beside them
};

/// Most subjects of one cohort, and most instants of its profiles.
inline constexpr std::uint64_t most_subjects = 1'000'000'000;
inline constexpr std::size_t most_cohort_instants = 10'000, most_replicates = 10'000;
/// Most percentiles, most subjects whose rows are kept, and most numbers of plasma that replicates keep.
inline constexpr std::size_t most_percentiles = 100, most_kept_subjects = 1'000'000,
                             most_replicate_values = 100'000'000;

namespace detail {

/// What a covariate can be at all.
struct CovariateRange {
  double low, high;
  std::string_view accepted;
};

[[nodiscard]] inline CovariateRange range_of_covariate(std::string_view name) noexcept {
  if (name == "weight") return {0.2, 700, "0.2 to 700 kg"};
  if (name == "height") return {20, 280, "20 to 280 cm"};
  if (name == "age") return {0, 130, "0 to 130 yr"};
  constexpr double most = std::numeric_limits<double>::max();
  return {-most, most, "a finite number"};
}

/// Where numbers of a distribution go wrong: not finite, or not what a person can have.
struct DistributionCheck {
  CovariateRange range;
  std::string field;

  void value(double x, const char* key) const {
    const std::string at = field + '.' + key;
    require(std::isfinite(x), Code::nonfinite, at, "not finite; accepted: " + std::string(range.accepted));
    require(x >= range.low && x <= range.high, Code::range, at,
            "not possible; accepted: " + std::string(range.accepted));
  }
  void spread(double x, const char* key) const {
    const std::string at = field + '.' + key;
    require(std::isfinite(x), Code::nonfinite, at, "not finite; accepted: more than zero");
    require(x > 0, Code::range, at, "no spread; accepted: more than zero, or a constant");
  }
  void ends(const std::optional<double>& low, const std::optional<double>& high, double inside) const {
    if (low) value(*low, "low");
    if (high) value(*high, "high");
    require(!low || !high || *low < *high, Code::range, field + ".high", "not above low; accepted: more than low");
    require((!low || *low <= inside) && (!high || inside <= *high), Code::range, field,
            "its middle is cut off; accepted: a mean or median from low to high");
  }
  void operator()(const Constant& d) const { value(d.value, "constant"); }
  void operator()(const Uniform& d) const {
    value(d.low, "low");
    value(d.high, "high");
    require(d.low < d.high, Code::range, field + ".high", "not above low; accepted: more than low");
  }
  void operator()(const Normal& d) const {
    value(d.mean, "mean");
    spread(d.sd, "sd");
    ends(d.low, d.high, d.mean);
  }
  void operator()(const Lognormal& d) const {
    value(d.median, "median");
    require(d.median > 0, Code::range, field + ".median", "nothing a logarithm can be taken of; accepted: above zero");
    spread(d.log_sd, "log_sd");
    ends(d.low, d.high, d.median);
  }
};

/// Throws E_FIELD_DUPLICATE, E_FIELD_UNKNOWN, E_FIELD_MISSING(`field`.weight): each name once, weight among them, and
/// each one that somebody looks at.
inline void require_people_names(std::span<const std::string> names, const Request& each, const std::string& field) {
  const std::vector<std::string> looked_at = covariates_of(each.model);
  std::string accepted = "weight, height, age";
  for (const std::string& name : looked_at)
    if (!is_of_every_patient(name)) accepted += ", " + name;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string at = field + '.' + names[i];
    const auto here = names.begin() + static_cast<std::ptrdiff_t>(i);
    const bool is_size = names[i] == "weight" || names[i] == "height" || names[i] == "age" || names[i] == "sex";
    const bool is_of_model =
        !is_of_every_patient(names[i]) && std::find(looked_at.begin(), looked_at.end(), names[i]) != looked_at.end();
    require(is_size || is_of_model, Code::field_unknown, at,
            "not a covariate that the model looks at; accepted: " + accepted);
    require(std::find(names.begin(), here, names[i]) == here, Code::field_duplicate, at,
            "stands twice; accepted: each covariate once");
  }
  require(std::find(names.begin(), names.end(), "weight") != names.end(), Code::field_missing, field + ".weight",
          "not stated; accepted: a weight for everybody");
}

inline void validate_people(const People& people, const Request& each, const std::string& field) {
  std::vector<std::string> names;
  for (const DrawnCovariate& c : people.covariates) names.push_back(c.name);
  const auto sex = std::find(names.begin(), names.end(), "sex");
  require(sex == names.end(), Code::field_unknown, field + ".sex",
          "no distribution is drawn of it; accepted: female_share beside the covariates");
  require_people_names(names, each, field);
  for (const DrawnCovariate& c : people.covariates)
    std::visit(DistributionCheck{range_of_covariate(c.name), field + '.' + c.name}, c.distribution);
  const std::size_t n = names.size();
  const std::vector<double>& r = people.correlation;
  const std::string at = field + ".correlation";
  if (r.empty()) return;
  require(r.size() == n * n, Code::size, at,
          "not one row and one column for each covariate; accepted: a square matrix");
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      const std::string cell = at + '[' + std::to_string(i) + "][" + std::to_string(j) + ']';
      require(std::isfinite(r[i * n + j]), Code::nonfinite, cell, "not finite; accepted: -1 to 1");
      require(r[i * n + j] >= -1 && r[i * n + j] <= 1, Code::range, cell, "not a correlation; accepted: -1 to 1");
      require(i != j || r[i * n + j] == 1, Code::range, cell, "not the covariate with itself; accepted: 1");
      require(r[i * n + j] == r[j * n + i], Code::range, cell,
              "another correlation than across the diagonal; accepted: a symmetric matrix");
    }
  require(is_positive_semidefinite(r, n), Code::range, at,
          "no matrix of correlations, for some combination would vary less than not at all; accepted: a positive "
          "semidefinite matrix");
}

inline void validate_population(const DrawnPeople& drawn, const CohortRequest& asked) {
  const std::string field = "cohort.people";
  validate_people(drawn.all, asked.each, field);
  if (drawn.female_share) {
    require(std::isfinite(*drawn.female_share), Code::nonfinite, field + ".female_share",
            "not finite; accepted: 0 to 1");
    require(*drawn.female_share >= 0 && *drawn.female_share <= 1, Code::range, field + ".female_share",
            "not a share; accepted: 0 to 1");
  }
  if (!drawn.men) return;
  require(drawn.female_share.has_value(), Code::field_missing, field + ".female_share",
          "not stated, and the sexes differ; accepted: the share of women, 0 to 1");
  validate_people(*drawn.men, asked.each, field + ".men");
  require(std::equal(drawn.all.covariates.begin(), drawn.all.covariates.end(), drawn.men->covariates.begin(),
                     drawn.men->covariates.end(), [](const auto& a, const auto& b) { return a.name == b.name; }),
          Code::field_missing, field + ".men",
          "not the covariates of the women; accepted: the same names in the same order");
}

/// What one row holds may be wrong with that subject only, who then fails; a table has a shape, and words for the
/// sexes.
inline void validate_population(const PeopleTable& table, const CohortRequest& asked) {
  const std::string field = "cohort.people";
  require_people_names(table.names, asked.each, field);
  require(table.columns.size() == table.names.size(), Code::size, field,
          "not one column for each name; accepted: as many columns as names");
  const std::size_t rows = table.columns.front().size();
  require(rows > 0, Code::field_missing, field, "no row; accepted: at least one person");
  for (std::size_t k = 0; k < table.names.size(); ++k) {
    require(table.columns[k].size() == rows, Code::size, field + '.' + table.names[k],
            "not as long as the other columns; accepted: one number for each person");
    if (table.names[k] == "sex")
      require(std::all_of(table.columns[k].begin(), table.columns[k].end(), [](double x) { return x == 0 || x == 1; }),
              Code::range, field + ".sex", "not a sex; accepted: 1 (female) and 0 (male)");
  }
  require(table.is_drawn || (asked.first <= rows && asked.subjects <= rows - asked.first), Code::size,
          "cohort.subjects",
          "more than there are people in the table; accepted: up to its rows, or rows that are drawn");
}

inline void validate_population(const SamePatient&, const CohortRequest&) {}

/// How many instants are observed; `observed_instants` says whether they are in order.
[[nodiscard]] inline std::size_t count_of_instants(const Observe& observe) noexcept {
  if (!observe.every || !observe.until || observe.every->count() <= 0 || observe.until->count() < 0)
    return observe.at.size();
  return static_cast<std::size_t>(*observe.until / *observe.every) + 1;
}

/// What a session may ask and a cohort does not answer.
inline void require_answerable(const Request& each) {
  require(!each.sensitivity, Code::field_unknown, "questions.sensitivity",
          "a cohort keeps no slopes; accepted: one patient");
  require(each.effects.empty(), Code::field_unknown, "effects",
          "a cohort tells plasma only; accepted: no effects, or one patient");
  require(each.overrides.empty(), Code::field_unknown, "overrides",
          "no flag of one patient is raised here; accepted: none");
  require(!each.order.saved && each.order.initial_state == InitialState::drug_free, Code::state, "initial_state",
          "not drug-free, and a saved state is one patient's; accepted: drug-free");
}

}  // namespace detail

/// Throws unless the cohort can be asked, with a field `cohort…`, or that of the session: E_RANGE, E_NONFINITE,
/// E_SIZE (too many subjects, instants, percentiles, replicates, kept rows; a matrix of another size), E_FIELD_MISSING,
/// E_FIELD_UNKNOWN, E_FIELD_DUPLICATE, E_STATE, E_MODEL_PARAM (variances of what the model has not; a model without
/// variability or residual error where that is asked). What is wrong with one subject is not looked at: he fails.
inline void validate(const CohortRequest& asked) {
  detail::require_answerable(asked.each);
  validate(asked.each.patient);
  require(asked.subjects >= 1, Code::range, "cohort.subjects", "nobody; accepted: 1 to 1000000000");
  require(asked.subjects <= most_subjects, Code::size, "cohort.subjects", "too many; accepted: 1 to 1000000000");
  require(asked.first <= std::numeric_limits<std::uint64_t>::max() - asked.subjects, Code::range, "cohort.first",
          "past the last subject there can be; accepted: less than 2^64 minus the subjects");
  std::visit([&](const auto& population) { detail::validate_population(population, asked); }, asked.population);
  const ModelCard& card = asked.each.model;
  if (const auto* own = std::get_if<Variability>(&asked.between_subjects))
    validate(*own, card, "cohort.between_subjects");
  else
    require(std::get<BetweenSubjects>(asked.between_subjects) == BetweenSubjects::none || card.variability.has_value(),
            Code::model_param, "cohort.between_subjects",
            "the model states no variability between subjects; accepted: none, or parameters and omega with a source");
  if (asked.between_occasions) validate(*asked.between_occasions, card, "cohort.between_occasions");
  require(!asked.has_residual_error || card.residual_error.has_value(), Code::model_param, "cohort.residual_error",
          "the model states no residual error; accepted: false");
  require(!asked.percentiles.empty(), Code::field_missing, "cohort.percentiles", "none; accepted: such as 5, 50, 95");
  require(asked.percentiles.size() <= most_percentiles, Code::size, "cohort.percentiles",
          "too many; accepted: up to 100");
  for (std::size_t i = 0; i < asked.percentiles.size(); ++i) {
    const std::string at = "cohort.percentiles[" + std::to_string(i) + ']';
    require(asked.percentiles[i] >= 0 && asked.percentiles[i] <= 100, Code::range, at,
            "not a percentile; accepted: 0 to 100");
    require(i == 0 || asked.percentiles[i - 1] < asked.percentiles[i], Code::range, at,
            "not above the one ahead of it; accepted: rising percentiles");
  }
  const std::size_t instants = detail::count_of_instants(asked.each.observe);
  require(instants <= most_cohort_instants, Code::size, "observe", "too many instants; accepted: up to 10000");
  require(!asked.keeps_subjects || asked.subjects <= most_kept_subjects, Code::size, "cohort.keep_subjects",
          "a table of too many rows; accepted: up to 1000000 subjects, or none kept");
  if (!asked.uncertainty) return;
  validate(asked.uncertainty->of, card, "cohort.uncertainty");
  const std::size_t replicates = asked.uncertainty->replicates;
  const std::string at = "cohort.uncertainty.replicates";
  require(replicates >= 1, Code::range, at, "none; accepted: 1 to 10000");
  require(replicates <= most_replicates, Code::size, at, "too many; accepted: 1 to 10000");
  require(instants * asked.percentiles.size() * replicates <= most_replicate_values, Code::size, at,
          "more curves than fit; accepted: up to 100000000 instants times percentiles times replicates");
}

// --- what comes back -----------------------------------------------------------------------------------------

struct FailedSubject {
  std::uint64_t subject;
  Code code;
  std::string field, message;  ///< as `InvalidInput` or `Trouble` have them
};

/// What is counted of one subject, in this order; then minutes above each level asked.
enum class Summary : std::uint8_t { cmax, tmax, auc_inf };

/// One subject of the table.
struct SubjectRow {
  std::uint64_t subject;
  std::vector<double> covariates;  ///< in the order of `Cohort::covariates`; NaN where there is none
  std::vector<double> parameters;  ///< in the order of `Cohort::parameters`, base units
  std::vector<double> summaries;   ///< in the order of `Cohort::summaries`
};

/// How often one limit is crossed.
struct BreachTally {
  std::uint64_t evaluated = 0, beyond_soft = 0, beyond_hard = 0;  ///< beyond_soft counts those beyond hard too
  friend bool operator==(const BreachTally&, const BreachTally&) = default;
};

/// Everything counted so far, of any part of a cohort: parts counted anywhere, in any order, come to the same.
struct CohortTally {
  std::uint64_t in = 0, ok = 0;
  std::vector<FailedSubject> failed;  ///< by subject
  std::vector<Tally> plasma;          ///< at each instant [ng/mL]
  std::vector<Tally> summaries;       ///< cmax [ng/mL], tmax [min], AUC to infinity [ng h/mL], minutes above each level
  std::vector<BreachTally> limits;    ///< of each limit
};

/// A quantity over the subjects that could be answered.
struct Spreading {
  std::string name, unit;
  double mean, lowest, highest;
  std::vector<double> at_percentiles;  ///< type 7
  double error_rel;                    ///< of those; 0 where they are exact
};

/// How often a limit is crossed, and what that means where the limit says how often it may be.
struct LimitInCohort {
  std::string id, quantity;
  std::optional<Proportion> beyond_soft, beyond_hard;  ///< absent where nothing could be evaluated
  std::string why = {};                                ///< then why not
  std::optional<double> most_probability = {};
};

/// What one replicate of the parameter uncertainty came to.
struct Replicate {
  std::vector<double> summaries_median;                      ///< of each summary
  std::vector<double> share_beyond_soft, share_beyond_hard;  ///< of each limit
  std::vector<std::vector<double>> plasma;                   ///< of each percentile, at the instants [ng/mL]
};

struct Cohort {
  CohortRequest inputs;
  std::uint64_t in, ok;
  std::vector<FailedSubject> failed;
  bool has_statistics;  ///< false where subjects failed and `despite_failures` was not asked: then there are none below
  std::vector<Micros> time;
  std::vector<double> mean_ng_per_mL;                     ///< of plasma at these instants
  std::vector<std::vector<double>> percentile_ng_per_mL;  ///< of each percentile
  double percentile_error_rel = 0;                        ///< 0 where they are exact
  std::vector<Spreading> summaries;
  std::vector<LimitInCohort> limits;
  Assessment assessment;  ///< of the limits that say how often they may be crossed
  std::vector<Replicate> replicates = {};
  std::vector<std::string> covariates = {}, parameters = {};  ///< columns of the table, with their units
  std::vector<SubjectRow> subjects = {};                      ///< where they were to be kept
  std::string road;                                           ///< exact, odeint (in lanes), or network (one by one)

  [[nodiscard]] std::uint64_t failures() const noexcept { return in - ok; }
};

/// What the summaries are called in tables: cmax_ng_per_mL, tmax_min, auc_inf_ng_h_per_mL, then
/// minutes_above_100_ng_per_mL and its kin, one for each level asked.
[[nodiscard]] inline std::vector<std::string> summary_headers(const Request& each) {
  std::vector<std::string> names{"cmax_ng_per_mL", "tmax_min", "auc_inf_ng_h_per_mL"};
  for (const auto& level : each.time_above)
    names.push_back("minutes_above_" + to_text(level.in(unit::ng_per_mL)) + "_ng_per_mL");
  return names;
}

/// The middle 95 % of what replicates came to; absent where one of them came to no number.
struct Interval95 {
  double low, high;
};

/// Of numbers that are zero or more; up to `most_replicates` of them, so it is exact.
[[nodiscard]] inline std::optional<Interval95> interval95(const std::vector<double>& x) {
  if (x.empty() || !std::all_of(x.begin(), x.end(), [](double each) { return std::isfinite(each); }))
    return std::nullopt;
  Tally tally;
  for (const double each : x) tally.add(each);
  return Interval95{percentile(tally, 2.5), percentile(tally, 97.5)};
}

/// The interval over all replicates of one number in each; none where there are no replicates.
template <class Number>
[[nodiscard]] std::optional<Interval95> over_replicates(const Cohort& cohort, Number number_of) {
  std::vector<double> x;
  x.reserve(cohort.replicates.size());
  for (const Replicate& r : cohort.replicates) x.push_back(number_of(r));
  return interval95(x);
}

/// Somebody stopped it: there is nothing, not a part that could be taken for the whole.
struct Stopped {
  std::uint64_t done, of;
};

}  // namespace ketpk
