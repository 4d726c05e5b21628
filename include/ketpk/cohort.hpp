// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what a dose does to a population is a question with its own nouns: who is in it, what differs between them and
// within them, what is wanted back, and how many of them could not be answered. These are values; population.hpp holds
// the verb.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ketpk/error.hpp"
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

/// Somebody stopped it: there is nothing, not a part that could be taken for the whole.
struct Stopped {
  std::uint64_t done, of;
};

}  // namespace ketpk
