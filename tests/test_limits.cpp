// SPDX-License-Identifier: Apache-2.0
#include "ketpk/limits.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "sub_anaesthetic.hpp"

using namespace ketpk;
using fixture::bound;
using fixture::refusal;
using fixture::today;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// The refusal of the fixture set after `change`.
template <class Change>
std::string after(Change change) {
  Limits set = fixture::limits();
  change(set);
  return refusal([&] { validate(set, today); });
}

Limit& dose(Limits& set) { return set.limits[2]; }

StatedBound mg_per_kg(double x) { return bound(x, unit::mg_per_kg); }

}  // namespace

TEST_CASE("a complete set is in force") {
  CHECK(after([](Limits&) {}).empty());
}

TEST_CASE("a set without a name, a version or somebody who answers for it is refused") {
  CHECK(after([](Limits& s) { s.id = ""; }) == "E_FIELD_MISSING limits.id");
  CHECK(after([](Limits& s) { s.version = "  "; }) == "E_FIELD_MISSING limits.version");
  CHECK(after([](Limits& s) { s.approver = ""; }) == "E_LIMITS_UNAPPROVED limits.approver");
  CHECK(after([](Limits& s) { s.approver = " \t"; }) == "E_LIMITS_UNAPPROVED limits.approver");
  CHECK(after([](Limits& s) { s.limits.clear(); }) == "E_LIMITS_MISSING limits.limits");
}

TEST_CASE("a row without a name, a source or a bound is refused, and so are two rows of one name") {
  CHECK(after([](Limits& s) { dose(s).id = ""; }) == "E_FIELD_MISSING limits.limits[2].id");
  CHECK(after([](Limits& s) { dose(s).source = " "; }) == "E_FIELD_MISSING limits.limits[2].source");
  CHECK(after([](Limits& s) { s.limits[3].id = "dose"; }) == "E_FIELD_DUPLICATE limits.limits[3].id");
  CHECK(after([](Limits& s) { s.limits[1].soft_low = s.limits[1].soft_high = {}; }) ==
        "E_LIMITS_MISSING limits.limits[1]");
}

TEST_CASE("dose, rate and bolus limits must have a hard upper bound, others need not") {
  for (const auto q : {LimitQuantity::dose_per_weight, LimitQuantity::total_dose, LimitQuantity::rate_per_weight,
                       LimitQuantity::bolus_per_weight, LimitQuantity::cumulative_dose_per_weight}) {
    CHECK(after([&](Limits& s) {
            s.limits = {{.id = "x",
                         .quantity = q,
                         .soft_high = StatedBound(1, info(q).shown_in, ""),
                         .required = true,
                         .source = "s",
                         .window = Stated<dim::time>(7, unit::d)}};
          }) == "E_LIMITS_MISSING limits.limits[0].hard_high");
  }
  CHECK(after([](Limits& s) { s.limits[1].hard_high = {}; }).empty());
}

TEST_CASE("of the 24 orders of four distinct bounds only the rising one is accepted") {
  std::array<double, 4> values{0.1, 0.2, 0.5, 1.0};
  int accepted = 0, refused = 0;
  do {
    const std::string error = after([&](Limits& s) {
      dose(s).hard_low = mg_per_kg(values[0]);
      dose(s).soft_low = mg_per_kg(values[1]);
      dose(s).soft_high = mg_per_kg(values[2]);
      dose(s).hard_high = mg_per_kg(values[3]);
    });
    if (error.empty()) ++accepted;
    if (error.rfind("E_LIMITS_ORDER limits.limits[2].", 0) == 0) ++refused;
  } while (std::next_permutation(values.begin(), values.end()));
  CHECK(accepted == 1);
  CHECK(refused == 23);
}

TEST_CASE("a wrong order names the bound that lies under another one") {
  CHECK(after([](Limits& s) { dose(s).soft_high = mg_per_kg(0.05); }) == "E_LIMITS_ORDER limits.limits[2].soft_high");
  CHECK(after([](Limits& s) { dose(s).hard_high = mg_per_kg(0.4); }) == "E_LIMITS_ORDER limits.limits[2].hard_high");
  CHECK(after([](Limits& s) { dose(s).hard_low = mg_per_kg(0.2); }) == "E_LIMITS_ORDER limits.limits[2].soft_low");
  CHECK(after([](Limits& s) {
          dose(s).soft_low = dose(s).soft_high = {};
          dose(s).hard_low = mg_per_kg(2);
        }) == "E_LIMITS_ORDER limits.limits[2].hard_high");
}

TEST_CASE("equal bounds are in order, also when they are stated in different units") {
  CHECK(after([](Limits& s) {
          dose(s).soft_high = bound(500, unit::mcg_per_kg);
          dose(s).hard_high = mg_per_kg(0.5);
        }).empty());
  CHECK(after([](Limits& s) {
          s.limits[3].soft_high = bound(12.5, unit::mcg_per_kg_per_min);
          s.limits[3].hard_high = bound(0.75, unit::mg_per_kg_per_h);
        }).empty());
}

TEST_CASE("a bound of another dimension, not finite or negative is refused") {
  CHECK(after([](Limits& s) { s.limits[3].soft_high = mg_per_kg(0.5); }) ==
        "E_UNIT_MISMATCH limits.limits[3].soft_high");
  CHECK(after([](Limits& s) { dose(s).hard_high = bound(1, unit::mg); }) ==
        "E_UNIT_MISMATCH limits.limits[2].hard_high");
  CHECK(after([](Limits& s) { dose(s).hard_high = mg_per_kg(not_a_number); }) ==
        "E_NONFINITE limits.limits[2].hard_high");
  CHECK(after([](Limits& s) { dose(s).hard_high = mg_per_kg(infinity); }) == "E_NONFINITE limits.limits[2].hard_high");
  CHECK(after([](Limits& s) { dose(s).soft_low = mg_per_kg(not_a_number); }) ==
        "E_NONFINITE limits.limits[2].soft_low");
  CHECK(after([](Limits& s) { dose(s).soft_low = mg_per_kg(-0.1); }) == "E_RANGE limits.limits[2].soft_low");
}

TEST_CASE("a peak in plasma needs its site, a time above needs its level too, a sum over sessions its window") {
  const Limit peak{.id = "peak",
                   .quantity = LimitQuantity::plasma_peak,
                   .soft_high = bound(200, unit::ng_per_mL),
                   .required = false,
                   .source = "s"};
  const auto with = [&](auto change) {
    return after([&](Limits& s) {
      s.limits = {peak};
      change(s.limits[0]);
    });
  };
  CHECK(with([](Limit&) {}) == "E_FIELD_MISSING limits.limits[0].site");
  CHECK(with([](Limit& l) { l.site = Site::not_stated; }) == "E_FIELD_MISSING limits.limits[0].site");
  CHECK(with([](Limit& l) { l.site = Site::venous; }).empty());
  CHECK(with([](Limit& l) { l.quantity = LimitQuantity::effect_site_peak; }).empty());

  const auto time_above = [&](std::optional<double> level) {
    return with([&](Limit& l) {
      l.quantity = LimitQuantity::time_above_level;
      l.site = Site::venous;
      l.soft_high = bound(60, unit::min);
      if (level) l.level = Stated<dim::concentration>(*level, unit::ng_per_mL);
    });
  };
  CHECK(time_above({}) == "E_FIELD_MISSING limits.limits[0].level");
  CHECK(time_above(0) == "E_RANGE limits.limits[0].level");
  CHECK(time_above(not_a_number) == "E_NONFINITE limits.limits[0].level");
  CHECK(time_above(100).empty());

  const auto cumulative = [&](bool has_window) {
    return with([&](Limit& l) {
      l.quantity = LimitQuantity::cumulative_dose_per_weight;
      l.soft_high = {};
      l.hard_high = mg_per_kg(3);
      if (has_window) l.window = Stated<dim::time>(7, unit::d);
    });
  };
  CHECK(cumulative(false) == "E_FIELD_MISSING limits.limits[0].window");
  CHECK(cumulative(true).empty());
}

TEST_CASE("a largest probability is zero or more and less than one") {
  const auto with = [](double most) { return after([&](Limits& set) { dose(set).most_probability = most; }); };
  for (const double most : {0.0, 1e-9, 0.05, 0.999}) CHECK(with(most).empty());
  for (const double most : {-1e-9, 1.0, 1.5, infinity, -infinity, not_a_number})
    CHECK(with(most) == "E_RANGE limits.limits[2].max_probability");
}

TEST_CASE("a set is in force from its first day to its last, both included") {
  using namespace std::chrono;
  const Limits set = fixture::limits();
  const auto on = [&](int y, unsigned m, unsigned d) {
    return refusal([&] { validate(set, year{y} / static_cast<int>(m) / static_cast<int>(d)); });
  };
  CHECK(on(2025, 12, 31) == "E_LIMITS_NOT_YET limits.effective");
  CHECK(on(2026, 1, 1).empty());
  CHECK(on(2030, 1, 1).empty());
  CHECK(on(2030, 1, 2) == "E_LIMITS_STALE limits.expires");
  CHECK(on(2026, 2, 29) == "E_RANGE as_of");
  CHECK(after([](Limits& s) { s.effective = year{2026} / 13 / 1; }) == "E_RANGE limits.effective");
  CHECK(after([](Limits& s) { s.expires = year{2026} / 2 / 30; }) == "E_RANGE limits.expires");
  CHECK(after([](Limits& s) { s.expires = year{2025} / 1 / 1; }) == "E_RANGE limits.expires");
}

TEST_CASE("a bound is inclusive to one part in a thousand million") {
  const Limit limit = [] {
    Limits s = fixture::limits();
    return dose(s);
  }();
  CHECK_FALSE(breach_of(limit, 0.5));
  CHECK_FALSE(breach_of(limit, 0.5 * (1 + 0.9e-9)));
  CHECK(breach_of(limit, 0.5 * (1 + 1.1e-9)));
  CHECK_FALSE(breach_of(limit, 0.1 * (1 - 0.9e-9)));
  CHECK(breach_of(limit, 0.1 * (1 - 1.1e-9)));
  CHECK_FALSE(breach_of(limit, 1.0)->beyond_hard);
  CHECK(breach_of(limit, 1.000001)->beyond_hard);
}

TEST_CASE("what is no number crosses a bound, whichever bounds there are") {
  Limit limit{.id = "x", .quantity = LimitQuantity::dose_per_weight, .required = true, .source = "s"};
  for (const auto member : {&Limit::hard_low, &Limit::soft_low, &Limit::soft_high, &Limit::hard_high}) {
    Limit one = limit;
    one.*member = mg_per_kg(0.5);
    CHECK(breach_of(one, not_a_number));
    one.*member = mg_per_kg(not_a_number);
    CHECK(breach_of(one, 0.5));
  }
}
