// SPDX-License-Identifier: Apache-2.0
#include "ketpk/assess_cohort.hpp"

#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "sub_anaesthetic.hpp"

using namespace ketpk;

namespace {

Limit row(const std::string& id, std::optional<double> most, bool required) {
  return {.id = id,
          .quantity = LimitQuantity::plasma_peak,
          .soft_high = fixture::bound(200, unit::ng_per_mL),
          .hard_high = fixture::bound(300, unit::ng_per_mL),
          .required = required,
          .source = "s",
          .site = Site::venous,
          .most_probability = most};
}

Limits set_of(std::vector<Limit> rows) {
  Limits set = fixture::limits();
  set.limits = std::move(rows);
  return set;
}

/// Of 1,000 subjects; the intervals are those of Clopper and Pearson, by bisection of the binomial distribution.
constexpr Proportion none{0, 1000, 0, 0, 0.003682084};
constexpr Proportion ten{10, 1000, 0.01, 0.004805511, 0.018313243};
constexpr Proportion fifty{50, 1000, 0.05, 0.037335398, 0.065390488};
constexpr Proportion hundred{100, 1000, 0.1, 0.082105334, 0.120287937};

Assessment of(std::optional<double> most, const Proportion& any, const Proportion& hard, bool required = true) {
  return assess_cohort(set_of({row("peak", most, required)}),
                       {{.id = "peak", .quantity = "plasma_peak", .beyond_soft = any, .beyond_hard = hard}});
}

}  // namespace

TEST_CASE("a share is flagged, passed or left open as its interval lies above, below or around what is accepted") {
  CHECK(of(0.05, hundred, none).verdict.kind == VerdictKind::soft);
  CHECK(of(0.05, hundred, hundred).verdict.kind == VerdictKind::hard);
  CHECK(of(0.05, hundred, fifty).verdict.kind == VerdictKind::soft);
  CHECK(of(0.05, ten, none).verdict.kind == VerdictKind::within_limits);
  CHECK(of(0.05, fifty, none).verdict.kind == VerdictKind::unevaluated);
  CHECK(of(0.05, fifty, none).checks[0].why == "the interval holds the limit; more subjects would decide");
  CHECK(of(0.05, fifty, none).flags.empty());
  CHECK(of(0.082105334, hundred, none).flags.empty());  // the end of the interval is in it
  CHECK(of(0.018313243, ten, none).verdict.kind == VerdictKind::within_limits);
}

TEST_CASE("a limit of zero can be broken and never shown to hold") {
  const Assessment open = of(0, none, none);
  CHECK(open.verdict.kind == VerdictKind::unevaluated);
  CHECK_THAT(open.checks[0].why, Catch::Contains("no number of subjects"));
  CHECK(of(0, ten, none).verdict.kind == VerdictKind::soft);
  CHECK_FALSE(of(0, ten, none).flags[0].margin_rel);
}

TEST_CASE("a limit that states no largest probability is told as a share and never passed") {
  const Assessment a = of(std::nullopt, none, none);
  CHECK(a.verdict.kind == VerdictKind::unevaluated);
  REQUIRE(a.checks.size() == 1);
  CHECK(a.checks[0].outcome == CheckOutcome::unevaluated);
  CHECK_FALSE(a.checks[0].required);
  CHECK(of(std::nullopt, hundred, hundred).flags.empty());
  CHECK(assess_cohort(std::nullopt, {}).verdict.kind == VerdictKind::unevaluated);
  // Beside one that is passed it keeps nothing open.
  const Assessment both =
      assess_cohort(set_of({row("told", std::nullopt, true), row("judged", 0.05, true)}),
                    {{.id = "told", .quantity = "plasma_peak", .beyond_soft = hundred, .beyond_hard = none},
                     {.id = "judged", .quantity = "plasma_peak", .beyond_soft = ten, .beyond_hard = none}});
  CHECK(both.verdict.kind == VerdictKind::within_limits);
}

TEST_CASE("where nobody could be evaluated a required limit stays open, and none is passed by others' silence") {
  const Limits set = set_of({row("peak", 0.05, true)});
  const std::vector<LimitInCohort> counted{
      {.id = "peak", .quantity = "plasma_peak", .beyond_soft = {}, .beyond_hard = {}, .why = "SITE_MISMATCH"}};
  CHECK(assess_cohort(set, counted).verdict.kind == VerdictKind::unevaluated);
  CHECK(assess_cohort(set, counted).checks[0].why == "SITE_MISMATCH");
  CHECK(assess_cohort(set, {}).checks[0].why == "nobody was counted");
  CHECK(of(0.05, fifty, none, false).verdict.kind == VerdictKind::unevaluated);
}

TEST_CASE("the flag of a share explains itself") {
  const Flag flag = of(0.05, hundred, none).flags.at(0);
  CHECK(flag.code == "PLASMA_PEAK_HIGH_PROBABILITY");
  CHECK(flag.value == "10 % (8 to 12)");
  CHECK(flag.limit == "5 %");
  CHECK(flag.limit_id == "peak");
  CHECK(flag.source == "s");
  CHECK(*flag.margin_rel == Approx(1));
  CHECK_THAT(flag.driver, Catch::Contains("100 of 1000 subjects"));
  Limit both = row("peak", 0.05, true);
  both.soft_low = fixture::bound(50, unit::ng_per_mL);
  CHECK(detail::probability_code(both) == "PLASMA_PEAK_PROBABILITY");
  both.soft_high = both.hard_high = {};
  CHECK(detail::probability_code(both) == "PLASMA_PEAK_LOW_PROBABILITY");
}

TEST_CASE("a share is told with as many digits as its interval has") {
  CHECK(share_text({7130, 100'000, 0.0713, 0.069713, 0.072911}) == "7.1 % (7 to 7.3)");
  CHECK(share_text({713, 10'000, 0.0713, 0.066334, 0.076519}) == "7.1 % (6.6 to 7.7)");
  CHECK(share_text({0, 100'000, 0, 0, 3.688811e-05}) == "0 % (0 to 0.004)");
  CHECK(share_text({1, 1, 1, 0.025, 1}) == "100 % (2 to 100)");
  CHECK(share_text({5, 10, 0.5, 0.187086, 0.812914}) == "50 % (19 to 81)");
}

TEST_CASE("one patient is judged by the bounds, however often a cohort may cross them") {
  fixture::Question question{.patient = fixture::patient(70),
                             .order = fixture::order({Infuse{{0.8, unit::mg_per_kg}, 40 * fixture::minute}})};
  const Assessment without = fixture::judged(question);
  Limits set = fixture::limits();
  for (Limit& limit : set.limits) limit.most_probability = 0.5;
  question.limits = set;
  const Assessment with = fixture::judged(question);
  REQUIRE(with.flags.size() == without.flags.size());
  CHECK(with.verdict == without.verdict);
  for (std::size_t i = 0; i < with.flags.size(); ++i) CHECK(with.flags[i].code == without.flags[i].code);
}
