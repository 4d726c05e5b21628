// SPDX-License-Identifier: Apache-2.0
// Percentiles are held against sorting, means against sums in long double, merged tallies against a tally of everything
// at once, intervals of shares against Boost.Math, against sums of binomial terms, and against published figures.
#include <algorithm>
#include <bit>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "ketpk/tally.hpp"

using namespace ketpk;

namespace {

using Numbers = std::vector<double>;
constexpr double infinity = std::numeric_limits<double>::infinity();
const double nan_value = std::numeric_limits<double>::quiet_NaN();

Numbers log_normal(std::size_t n, double centre, double sigma, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  Numbers out(n);
  for (double& x : out) x = centre * std::exp(sigma * normal(engine));
  return out;
}

Tally tally_of(const Numbers& values) {
  Tally t;
  t.add(values);
  return t;
}

/// Type 7 from the definition: the k-th smallest with floor(h) = k, and the line to the next.
double percentile_by_sorting(Numbers values, double p) {
  std::sort(values.begin(), values.end());
  const long double h = 1 + static_cast<long double>(values.size() - 1) * p / 100, k = std::floor(h);
  const long double low = values[static_cast<std::size_t>(k) - 1];
  const long double high = values[std::min(static_cast<std::size_t>(k), values.size() - 1)];
  return static_cast<double>(low + (h - k) * (high - low));
}

struct Named {
  std::string name;
  Numbers values;
};

/// More values than are kept, of every kind that could be awkward, all below 2^40.
std::vector<Named> many_kinds() {
  constexpr std::size_t n = 30'000;
  std::mt19937_64 engine(6);
  std::vector<Named> kinds{{"log-normal, CV 30 %", log_normal(n, 150, 0.294, 1)},
                           {"log-normal, peaks beyond 2048", log_normal(n, 3000, 0.5, 2)},
                           {"log-normal over twenty octaves", log_normal(n, 1, 3, 3)},
                           {"constant", Numbers(n, 40)},
                           {"zero", Numbers(n, 0.0)},
                           {"denormal", Numbers(n, 5e-324)}};
  const auto made = [&](std::string name, const std::function<double(std::size_t)>& of) {
    Numbers values(n);
    for (std::size_t i = 0; i < n; ++i) values[i] = of(i);
    std::shuffle(values.begin(), values.end(), engine);
    kinds.push_back({std::move(name), std::move(values)});
  };
  made("two points", [](std::size_t i) { return i % 3 == 0 ? 1.0 : 100.0; });
  made("two points side by side", [](std::size_t i) { return i % 2 == 0 ? 1.0 : std::nextafter(1.0, 2.0); });
  made("all bins' lower edges", [](std::size_t i) {
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(0x1p-40) + (std::uint64_t{i % 20480} << 44));
  });
  made("just below the edges", [](std::size_t i) {
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(0x1p-40) + (std::uint64_t{i % 20480 + 1} << 44) - 1);
  });
  made("one low value and the rest at the top of a bin",
       [](std::size_t i) { return i == 0 ? 1.0 : std::nextafter(1 + 1.0 / 256, 0); });
  made("zeros, denormals and numbers", [](std::size_t i) {
    return i % 3 == 0 ? 0 : i % 3 == 1 ? 1e-310 : 7.0 + 1e-3 * double(i);
  });
  made("below the bins and in them", [](std::size_t i) { return std::ldexp(1 + double(i) / n, -45 + int(i % 10)); });
  made("up to the end of the bins", [](std::size_t i) { return std::nextafter(0x1p40, 0) * double(i + 1) / n; });
  return kinds;
}

Code code_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const InvalidInput& e) {
    return e.code;
  }
  FAIL("nothing was thrown");
  return Code::usage;
}

const Numbers some_percentiles{0, 0.01, 2.5, 5, 10, 25, 33.3, 50, 66.6, 75, 90, 95, 97.5, 99.99, 100};

}  // namespace

TEST_CASE("up to ten thousand values, percentiles are those of the sorted values") {
  for (const std::size_t n : {1U, 2U, 3U, 7U, 100U, 9'999U, 10'000U}) {
    const Numbers values = log_normal(n, 150, 0.3, n);
    const Tally t = tally_of(values);
    CHECK(t.is_exact());
    CHECK(t.n() == n);
    for (const double p : some_percentiles) {
      INFO(n << " values, " << p << " %");
      CHECK(percentile(t, p) == Approx(percentile_by_sorting(values, p)).epsilon(1e-12));  // h is rounded
    }
  }
  // By hand.
  const Tally ten = tally_of({10, 3, 1, 2, 5, 4, 9, 8, 7, 6});
  CHECK(percentile(ten, 25) == 3.25);
  CHECK(percentile(ten, 50) == 5.5);
  CHECK(percentile(ten, 75) == 7.75);
  CHECK(percentile(tally_of({9, 8, 7, 6, 5, 4, 3, 2, 1}), 25) == 3);
}

TEST_CASE("beyond ten thousand values, no percentile is off by more than is stated, of any kind of values") {
  for (const Named& kind : many_kinds()) {
    const Tally t = tally_of(kind.values);
    CHECK(!t.is_exact());
    for (const double p : some_percentiles) {
      const double exact = percentile_by_sorting(kind.values, p), found = percentile(t, p);
      INFO(kind.name << ", " << p << " %: " << exact << " and " << found);
      if (exact < 0x1p-40)
        CHECK(std::abs(found - exact) <= 0x1p-40);
      else
        CHECK(std::abs(found - exact) <= (Tally::relative_error + 1e-15) * exact);
    }
    CHECK(percentile(t, 0) == t.lowest());
    CHECK(t.lowest() == *std::min_element(kind.values.begin(), kind.values.end()));
    CHECK(percentile(t, 100) == t.highest());
    CHECK(t.highest() == *std::max_element(kind.values.begin(), kind.values.end()));
  }
  static_assert(Tally::relative_error <= 0.005);
}

TEST_CASE(
    "the stated error is reached, nearly, where a bin's values all stand at its far end, and is small elsewhere") {
  Numbers values(20'000, std::nextafter(1 + 1.0 / 256, 0));
  values[0] = 0.5;
  values[1] = 2;
  const double off = 1 - percentile(tally_of(values), 0.02) / values[2];
  CHECK(off > 0.9 * Tally::relative_error);
  CHECK(off <= Tally::relative_error);

  const Numbers smooth = log_normal(100'000, 150, 0.294, 8);
  const Tally t = tally_of(smooth);
  for (const double p : {5, 25, 50, 75, 95})
    CHECK(percentile(t, p) == Approx(percentile_by_sorting(smooth, p)).epsilon(3e-4));
}

TEST_CASE("percentiles never fall as p rises, and stay between the ends") {
  for (const Named& kind : many_kinds()) {
    INFO(kind.name);
    const Tally t = tally_of(kind.values);
    Numbers ps;
    for (int i = 0; i <= 2000; ++i) ps.push_back(i / 20.0);
    const Numbers found = percentiles(t, ps);
    CHECK(std::is_sorted(found.begin(), found.end()));
    CHECK(found.front() == t.lowest());
    CHECK(found.back() == t.highest());
  }
}

TEST_CASE("a mean is off by half a quantum and a rounding at most") {
  for (const Named& kind : many_kinds()) {
    for (const std::size_t n : {kind.values.size(), std::size_t{777}}) {
      const Numbers values(kind.values.begin(), kind.values.begin() + static_cast<std::ptrdiff_t>(n));
      // Each value in two parts, which long double sums without an error worth the name.
      long double whole = 0, rest = 0;
      for (const double x : values) {
        const long double head = std::floor(static_cast<long double>(x));
        whole += head;
        rest += static_cast<long double>(x) - head;
      }
      const long double exact = whole / static_cast<long double>(n) + rest / static_cast<long double>(n);
      const double found = mean(tally_of(values));
      INFO(kind.name << ", " << n << ": " << static_cast<double>(exact) << " and " << found);
      CHECK(std::abs(found - exact) <= Tally::quantum / 2 + 3e-16L * exact + 1e-18L);
    }
  }
  // Quanta that are counted by hand: ties go to even, so 1.5, 2.5 and 3.5 quanta are 2, 2 and 4.
  const double q = Tally::quantum;
  CHECK(mean(tally_of({1.5 * q, 2.5 * q, 3.5 * q})) == Approx(8 * q / 3).epsilon(1e-15));
  // The same in blocks: alone, and beside a value beyond 2^11, which takes the block the longer way.
  for (const double base : {0.0, 1.0, 1024.0}) {
    Numbers block(20'000, base + 1.5 * q);
    CHECK(mean(tally_of(block)) == base + 2 * q);
    for (std::size_t i = 0; i < block.size(); i += 2) block[i] = 4096 - base;
    CHECK(mean(tally_of(block)) == 2048 + q);
  }
}

TEST_CASE("values one at a time and in blocks of any size come to the same bytes") {
  for (const Named& kind : many_kinds()) {
    INFO(kind.name);
    Tally singly, blocks, at_once = tally_of(kind.values);
    for (const double x : kind.values) singly.add(x);
    std::mt19937_64 engine(9);
    for (std::size_t i = 0; i < kind.values.size();) {
      const std::size_t n = std::min<std::size_t>(engine() % 700, kind.values.size() - i);
      blocks.add(std::span<const double>(kind.values).subspan(i, n));
      i += n;
    }
    CHECK(to_bytes(singly) == to_bytes(at_once));
    CHECK(to_bytes(blocks) == to_bytes(at_once));
  }
}

TEST_CASE("merged in any order and any tree, on either side of ten thousand values, tallies are the same bytes") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    for (const std::size_t n : {50U, 9'990U, 9'999U, 10'000U, 10'001U, 10'010U, 40'000U}) {
      INFO("seed " << seed << ", " << n << " values");
      std::mt19937_64 engine(seed * 1000 + n);
      Numbers values = log_normal(n, 200, 1.5, engine());
      for (std::size_t i = 0; i < n; i += 97) values[i] = i % 2 == 0 ? 0.0 : -0.0;
      values[1] = nan_value;
      values[3] = -1;
      values[5] = infinity;
      values[7] = 0x1p41;
      const std::vector<std::byte> expected = to_bytes(tally_of(values));

      std::shuffle(values.begin(), values.end(), engine);
      std::vector<Tally> parts;
      for (std::size_t i = 0; i < n;) {
        const std::size_t size = std::min<std::size_t>(1 + engine() % (n / 4), n - i);
        parts.push_back(n > Tally::exact_up_to && engine() % 3 == 0 ? Tally::of_many() : Tally());
        parts.back().add(std::span<const double>(values).subspan(i, size));
        i += size;
      }
      parts.emplace_back();
      while (parts.size() > 1) {
        std::shuffle(parts.begin(), parts.end(), engine);
        const Tally last = parts.back();
        parts.pop_back();
        if (engine() % 2 == 0)
          parts.back() = merge(parts.back(), last);
        else
          parts.back() = merge(last, parts.back());
      }
      CHECK(to_bytes(parts.front()) == expected);
      CHECK(parts.front().refused() == Refused{1, 1, 1});
      CHECK(parts.front().presented() == n);
    }
  }
  Tally twice = tally_of({1, 2, 3});
  twice.add(twice);
  CHECK(to_bytes(twice) == to_bytes(tally_of({1, 1, 2, 2, 3, 3})));
}

TEST_CASE("room does not grow with the number of values") {
  constexpr std::size_t octave = 256 * sizeof(std::uint64_t);
  Tally t;
  Numbers values = log_normal(1'000'000, 150, 0.294, 12);
  t.add(std::span<const double>(values).first(Tally::exact_up_to));
  CHECK(t.memory() <= 16384 * sizeof(double));
  t.add(values);
  CHECK(t.memory() <= 10 * octave);
  for (double& x : values) x = std::ldexp(x, static_cast<int>(x * 1e6) % 33);
  t.add(values);
  t.add(Numbers{0x1p-40, 0x1.fp39});
  CHECK(t.memory() == 80 * octave);
}

TEST_CASE("blocks in registers of three widths come to the same bytes") {
  for (const Named& kind : many_kinds()) {
    INFO(kind.name);
    Tally a = Tally::of_many(), b = Tally::of_many(), c = Tally::of_many();
    a.add(kind.values, detail::facts_of<isa::baseline>);
    b.add(kind.values, detail::facts_of<isa::avx2>);
    c.add(kind.values, detail::facts_of<isa::avx512>);
    CHECK(to_bytes(a) == to_bytes(b));
    CHECK(to_bytes(a) == to_bytes(c));
  }
}

TEST_CASE("NaN, negative and infinite values are counted, and stop every statistic that does not leave them out") {
  for (const std::size_t n : {16U, 20'000U}) {
    Numbers values = log_normal(n, 150, 0.3, 3);
    const Numbers sound(values.begin() + 4, values.end());
    values[0] = nan_value;
    values[1] = -nan_value;
    values[2] = -1e-300;
    values[3] = infinity;
    const Tally t = tally_of(values);
    CHECK(t.refused() == Refused{2, 1, 1});
    CHECK(t.n() == n - 4);
    CHECK(code_of([&] { (void)percentile(t, 50); }) == Code::nonfinite);
    CHECK(code_of([&] { (void)mean(t); }) == Code::nonfinite);
    CHECK(percentile(t, 50, IfRefused::leave_out) == percentile(tally_of(sound), 50));
    CHECK(mean(t, IfRefused::leave_out) == mean(tally_of(sound)));
  }
  CHECK(tally_of({-infinity}).refused() == Refused{0, 1, 0});
}

TEST_CASE("what cannot be answered is refused") {
  CHECK(code_of([] { (void)percentile(Tally(), 50); }) == Code::arg);
  CHECK(code_of([] { (void)mean(Tally()); }) == Code::arg);
  CHECK(code_of([] { (void)Tally().lowest(); }) == Code::arg);
  CHECK(code_of([] { (void)percentile(tally_of({nan_value}), 50, IfRefused::leave_out); }) == Code::arg);
  for (const double p : {-1e-9, 100.0000001, nan_value, infinity})
    CHECK(code_of([&] { (void)percentile(tally_of({1, 2}), p); }) == Code::range);

  Tally promised = Tally::of_many();
  promised.add(log_normal(10'000, 1, 1, 1));
  CHECK(code_of([&] { (void)percentile(promised, 50); }) == Code::size);
  CHECK(code_of([&] { (void)mean(promised); }) == Code::size);
  CHECK(code_of([&] { (void)to_bytes(promised); }) == Code::size);
  promised.add(1);
  CHECK(percentile(promised, 50) > 0);

  // Beyond the bins: exact while values are kept, refused afterwards, never another number.
  Numbers values = log_normal(30'000, 1, 1, 2);
  for (std::size_t i = 0; i < 3000; ++i) values[i] = 0x1p40 * double(i + 1);
  const Tally t = tally_of(values);
  CHECK(t.over() == 3000);
  CHECK(percentile(t, 85) == Approx(percentile_by_sorting(values, 85)).epsilon(Tally::relative_error));
  CHECK(code_of([&] { (void)percentile(t, 95); }) == Code::range);
  CHECK(percentile(t, 100) == 0x1p40 * 3000);
  CHECK(code_of([&] { (void)mean(t); }) == Code::range);
  CHECK(percentile(tally_of({1, 0x1p50, 0x1p60}), 50) == 0x1p50);
  CHECK(code_of([&] { (void)mean(tally_of({1, 0x1p50})); }) == Code::range);
}

TEST_CASE("bytes come back as the tally they were, and go on counting") {
  for (const Named& kind : many_kinds())
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{500}, kind.values.size()}) {
      INFO(kind.name << ", " << n);
      const Numbers part(kind.values.begin(), kind.values.begin() + static_cast<std::ptrdiff_t>(n));
      const Tally t = tally_of(part);
      const auto bytes = to_bytes(t);
      Tally back = tally_from_bytes(bytes);
      CHECK(to_bytes(back) == bytes);
      Tally more = t;
      more.add(kind.values);
      back.add(kind.values);
      CHECK(to_bytes(back) == to_bytes(more));
      if (n > 0) CHECK(percentiles(back, some_percentiles) == percentiles(more, some_percentiles));
      if (n > 0) CHECK(mean(back) == mean(more));
    }
  Tally only_refused;
  only_refused.add(Numbers(10'001, nan_value));
  CHECK(to_bytes(tally_from_bytes(to_bytes(only_refused))) == to_bytes(only_refused));
  // One tally by hand: the values 1 and 3, in 11 words.
  const auto bytes = to_bytes(tally_of({3, 1}));
  REQUIRE(bytes.size() == 88);
  CHECK(std::memcmp(bytes.data(), "ketpktal\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 25) == 0);
  CHECK(std::memcmp(bytes.data() + 64, "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\x08\x40", 16) == 0);
}

TEST_CASE("bytes that were changed are refused, or say a tally that is whole") {
  const auto with_sum = [](std::vector<std::byte> bytes) {  // somebody who also mends the checksum
    std::uint64_t sum = detail::checksum_of(std::span<const std::byte>(bytes).first(bytes.size() - 8));
    for (std::size_t i = 0; i < 8; ++i) bytes[bytes.size() - 8 + i] = static_cast<std::byte>(sum >> (8 * i));
    return bytes;
  };
  std::mt19937_64 engine(11);
  int refused = 0, taken = 0;
  for (const std::size_t n : {3U, 20'000U}) {
    const auto sound = to_bytes(tally_of(log_normal(n, 150, 0.3, 4)));
    for (int i = 0; i < 400; ++i) {
      auto bytes = sound;
      const bool mends = i % 2 == 0;
      switch (engine() % 4) {
        case 0: bytes.resize(engine() % bytes.size()); break;
        case 1: bytes.insert(bytes.end(), 1 + engine() % 64, std::byte{1}); break;
        case 2:
          bytes[engine() % std::min<std::size_t>(bytes.size(), 160)] ^= static_cast<std::byte>(1 + engine() % 255);
          break;
        default:
          for (int k = 0; k < 3; ++k) bytes[engine() % bytes.size()] ^= static_cast<std::byte>(1U << (engine() % 8));
      }
      if (bytes == sound) continue;
      if (mends && bytes.size() >= 8) bytes = with_sum(bytes);
      INFO("step " << i << " of " << n << " values");
      try {
        const Tally t = tally_from_bytes(bytes, "chunk[3]");
        CHECK(mends);  // the checksum catches the others
        CHECK(to_bytes(t) == bytes);
        ++taken;
      } catch (const InvalidInput& e) {
        CHECK((e.code == Code::parse || e.code == Code::size));
        CHECK(e.field.rfind("chunk[3].", 0) == 0);
        ++refused;
      }
    }
  }
  CHECK(refused > 600);
  INFO(taken << " taken, of values that changed and stayed in order");
  CHECK(taken < 100);

  // A length of 2^64 - 1 words, a count that overflows, a sum that is none: each is named.
  const auto sound = to_bytes(tally_of(log_normal(20'000, 150, 0.3, 4)));
  const auto field_with = [&](std::size_t word, std::uint64_t value) {
    auto bytes = sound;
    for (std::size_t i = 0; i < 8; ++i) bytes[8 * word + i] = static_cast<std::byte>(value >> (8 * i));
    try {
      (void)tally_from_bytes(with_sum(bytes));
    } catch (const InvalidInput& e) {
      return e.field;
    }
    return std::string("taken");
  };
  CHECK(field_with(0, 1) == "tally.magic");
  CHECK(field_with(1, 2) == "tally.version");
  CHECK(field_with(2, 2) == "tally.kind");
  CHECK(field_with(2, 0) == "tally.kind");
  CHECK(field_with(3, 20'001) == "tally.n");
  CHECK(field_with(3, ~std::uint64_t{0}) == "tally.n");
  CHECK(field_with(4, ~std::uint64_t{0}) == "tally.n");
  CHECK(field_with(7, ~std::uint64_t{0}) == "tally.length");
  CHECK(field_with(8, ~std::uint64_t{0}) == "tally.zeros");
  CHECK(field_with(11, std::bit_cast<std::uint64_t>(1.0)) == "tally.lowest");
  CHECK(field_with(12, std::bit_cast<std::uint64_t>(infinity)) == "tally.ends");
  CHECK(field_with(12, std::bit_cast<std::uint64_t>(1e6)) == "tally.highest");
  CHECK(field_with(14, 1) == "tally.sum");
  CHECK(field_with(15, 1) == "tally.first_bin");
  CHECK(field_with(16, ~std::uint64_t{0}) == "tally.counts");
}

TEST_CASE("a share's interval is where the binomial tails are what the confidence leaves") {
  for (const std::uint64_t n : {1U, 2U, 5U, 20U, 137U, 1000U})
    for (std::uint64_t k = 0; k <= n; k += 1 + n / 9)
      for (const double confidence : {0.5, 0.9, 0.95, 0.999}) {
        INFO(k << " of " << n << " at " << confidence);
        const Proportion found = proportion(k, n, confidence);
        CHECK(found.share == static_cast<double>(k) / static_cast<double>(n));
        const auto tail = [&](double p, std::uint64_t from, std::uint64_t to) {
          long double sum = 0;
          for (std::uint64_t j = from; j <= to; ++j) {
            long double log_term = 0;
            for (std::uint64_t i = 1; i <= j; ++i)
              log_term += std::log(static_cast<long double>(n - j + i) / static_cast<long double>(i));
            sum += std::exp(log_term + static_cast<long double>(j) * std::log(static_cast<long double>(p)) +
                            static_cast<long double>(n - j) * std::log1p(-static_cast<long double>(p)));
          }
          return static_cast<double>(sum);
        };
        if (k == 0)
          CHECK(found.low == 0);
        else
          CHECK(tail(found.low, k, n) == Approx((1 - confidence) / 2).epsilon(1e-10));
        if (k == n)
          CHECK(found.high == 1);
        else
          CHECK(tail(found.high, 0, k) == Approx((1 - confidence) / 2).epsilon(1e-10));
      }
}

TEST_CASE("a share's interval is Boost.Math's, up to ten million") {
  double worst = 0;
  for (const std::uint64_t n : {1ULL, 3ULL, 17ULL, 100ULL, 9'999ULL, 100'000ULL, 10'000'000ULL})
    for (const double f : {0.0, 1e-7, 1e-5, 1e-3, 1.1e-3, 0.01, 0.1, 0.3, 0.5, 0.71, 0.999, 0.9999999, 1.0})
      for (const double confidence : {0.5, 0.95, 0.999999}) {
        const auto k = static_cast<std::uint64_t>(f * static_cast<double>(n));
        const Proportion found = proportion(k, n, confidence);
        const double a = static_cast<double>(k), b = static_cast<double>(n - k), tail = (1 - confidence) / 2;
        if (k > 0) worst = std::max(worst, std::abs(found.low / boost::math::ibeta_inv(a, b + 1, tail) - 1));
        if (k < n) worst = std::max(worst, std::abs(found.high / boost::math::ibetac_inv(a + 1, b, tail) - 1));
      }
  CHECK(worst < 1e-12);
}

TEST_CASE("a share's interval is the published one") {
  // R's documentation of binom.test (Conover 1971, p. 97): 682 of 925, 95 %: 0.7076683 to 0.7654066.
  const Proportion peas = proportion(682, 925);
  CHECK(peas.low == Approx(0.7076683).margin(5e-8));
  CHECK(peas.high == Approx(0.7654066).margin(5e-8));
  // None of n: the "rule of three" exactly, 1 - 0.025^(1/n); 0 of 10: 0.3084971.
  CHECK(proportion(0, 10).low == 0);
  CHECK(proportion(0, 10).high == Approx(0.3084971).margin(5e-8));
  CHECK(proportion(10, 10).low == Approx(1 - 0.3084971).margin(5e-8));
  CHECK(proportion(10, 10).high == 1);

  CHECK(code_of([] { (void)proportion(0, 0); }) == Code::arg);
  CHECK(code_of([] { (void)proportion(2, 1); }) == Code::range);
  CHECK(code_of([] { (void)proportion(1, std::uint64_t{1} << 48); }) == Code::range);
  for (const double confidence : {0.0, 1.0, -1.0, nan_value})
    CHECK(code_of([&] { (void)proportion(1, 2, confidence); }) == Code::range);
}
