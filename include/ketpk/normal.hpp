// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a cohort is made of normal numbers, and they must be the same on every machine, in every lane and in any order.
// So each is one number of 64 random bits put through the inverse of the normal distribution: no rejection, no pairs,
// no library of the machine. The tails reach to 9.1 standard deviations, each draw there as accurate as in the middle.
// Accuracy (relative, measured by tests/test_normal.cpp against 50 digits):
//
//   normals, normal_quantile   1e-15 (absolute where |z| < 1)
//   normal_cdf                 2e-15 from -37.5 up

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>

#include "ketpk/elementary.hpp"
#include "ketpk/lanes.hpp"
#include "ketpk/philox.hpp"

namespace ketpk {

namespace detail {

/// |z| for a tail of p <= exp(-7.6), p at least the smallest double. Wichura 1988, algorithm AS 241 (PPND16), Applied
/// Statistics 37:477, doi 10.2307/2347330.
template <class S>
[[nodiscard]] inline S normal_far_out(const S& p) noexcept {
  using std::sqrt;
  const S root = sqrt(S(-log_of(p)));
  S r = root - S(1.6);
  S above(7.74545014278341407640e-4);
  above = above * r + S(2.27238449892691845833e-2);
  above = above * r + S(2.41780725177450611770e-1);
  above = above * r + S(1.27045825245236838258e0);
  above = above * r + S(3.64784832476320460504e0);
  above = above * r + S(5.76949722146069140550e0);
  above = above * r + S(4.63033784615654529590e0);
  above = above * r + S(1.42343711074968357734e0);
  S below(1.05075007164441684324e-9);
  below = below * r + S(5.47593808499534494600e-4);
  below = below * r + S(1.51986665636164571966e-2);
  below = below * r + S(1.48103976427480074590e-1);
  below = below * r + S(6.89767334985100004550e-1);
  below = below * r + S(1.67638483018380384940e0);
  below = below * r + S(2.05319162663775882187e0);
  below = below * r + S(1);
  const S near = above / below;
  const auto far = root > S(5);
  if (!any(far)) return near;
  r = root - S(5);
  S far_above(2.01033439929228813265e-7);
  far_above = far_above * r + S(2.71155556874348757815e-5);
  far_above = far_above * r + S(1.24266094738807843860e-3);
  far_above = far_above * r + S(2.65321895265761230930e-2);
  far_above = far_above * r + S(2.96560571828504891230e-1);
  far_above = far_above * r + S(1.78482653991729133580e0);
  far_above = far_above * r + S(5.46378491116411436990e0);
  far_above = far_above * r + S(6.65790464350110377720e0);
  S far_below(2.04426310338993978564e-15);
  far_below = far_below * r + S(1.42151175831644588870e-7);
  far_below = far_below * r + S(1.84631831751005468180e-5);
  far_below = far_below * r + S(7.86869131145613259100e-4);
  far_below = far_below * r + S(1.48753612908506148525e-2);
  far_below = far_below * r + S(1.36929880922735805310e-1);
  far_below = far_below * r + S(5.99832206555887937690e-1);
  far_below = far_below * r + S(1);
  return select(far, S(far_above / far_below), near);
}

/// `middle` where p is above 2^-11, and what is far out elsewhere. It is rare, so only the parts that need it are
/// reckoned.
template <class S>
[[nodiscard, gnu::noinline]] S with_far_out(const S& p, const S& middle) noexcept {
  if constexpr (is_lanes<S>) {
    return S::by_part([&](std::size_t k) {
      typename S::Part tail, size;
      tail.part[0] = p.part[k];
      size.part[0] = middle.part[k];
      const auto out = tail < typename S::Part(0x1p-11);
      return any(out) ? select(out, normal_far_out(tail), size).part[0] : middle.part[k];
    });
  } else {
    return normal_far_out(p);
  }
}

/// z >= 0 with the tail p beyond it, 0 < p <= 1/2. In the middle z = (1 - 2p) g(w), w = -log(4 p (1 - p)): the form of
/// Giles 2012 (GPU Computing Gems, chapter 10), g our own minimax fit from 0 to 6.25, 1.3e-16 of it. Of all draws 99.9
/// % are in the middle.
template <class S>
[[nodiscard, gnu::always_inline]] inline S normal_with_tail(const S& p) noexcept {
  // w - 3.125 to the accuracy of 3.125, which is all that g asks for: 2 atanh(s) in place of the longer way of log.
  const ReducedForLog<S> reduced = reduced_for_log(S(p * (S(1) - p)));
  const S s = reduced.f / (S(2) + reduced.f);
  const S u =
      (S(-3.125 - 2 * std::numbers::ln2) - reduced.exponent * S(std::numbers::ln2)) - (S(2) * s + s * log_rest(s));
  const S u2 = u * u;
  S even(-0x1.ce3327fb96e3cp-68), odd(-0x1.1a9a67784c38p-62);
  even = even * u2 + S(0x1.13fa3d930757ap-59);
  odd = odd * u2 + S(0x1.241b16a94a9ap-56);
  even = even * u2 + S(-0x1.b57eb1bd89b52p-53);
  odd = odd * u2 + S(0x1.06350b9174d9cp-55);
  even = even * u2 + S(0x1.52c3f8e6c05adp-47);
  odd = odd * u2 + S(-0x1.022b230e00687p-44);
  even = even * u2 + S(-0x1.03e28482ea561p-43);
  odd = odd * u2 + S(0x1.0611ba183e7c7p-38);
  even = even * u2 + S(-0x1.42cc56db0a54ep-36);
  odd = odd * u2 + S(-0x1.50d2f7533c3b4p-34);
  even = even * u2 + S(0x1.98a4bdc8607e6p-30);
  odd = odd * u2 + S(-0x1.8faeb1f52f21p-28);
  even = even * u2 + S(-0x1.612599803fc8p-25);
  odd = odd * u2 + S(0x1.4186bcb5d5da4p-21);
  even = even * u2 + S(-0x1.032ee3f694a93p-19);
  odd = odd * u2 + S(-0x1.496275f707135p-16);
  even = even * u2 + S(0x1.14e8fc42ec3d5p-12);
  odd = odd * u2 + S(-0x1.12994fbb955adp-10);
  even = even * u2 + S(-0x1.179b2574069edp-7);
  odd = odd * u2 + S(0x1.5bc94440cc809p-2);
  even = even * u2 + S(0x1.2b57ec65a800ap+1);
  const S g = even + odd * u;
  const S middle = (S(1) - S(2) * p) * g;
  const auto out = p < S(0x1p-11);
  if (any(out)) return with_far_out(p, middle);
  return middle;
}

/// The normal number of 64 random bits, that is of the low halves of two words: the top bit is the sign, and the other
/// 63, k, are the tail (k + 1/2) 2^-64.
template <class S>
[[nodiscard, gnu::always_inline]] inline S normal_of(const WordsOf<S>& low, const WordsOf<S>& high) noexcept {
  using W = WordsOf<S>;
  const S upper =
      number_of(W((high & W(0x7fffffff)) | W(bits_of(0x1p84)))) - S(0x1p84);  // 2^32 times the upper 31 bits
  const S lower = number_of(W((low & W(0xffffffff)) | W(bits_of(0x1p52)))) - S(0x1p52 - 0.5);
  const S size = normal_with_tail(S((upper + lower) * S(0x1p-64)));
  return number_of(W(bits_of(size) | ((high & W(0x80000000)) << 32)));
}

/// (k + 1/2) 2^-52 of the upper 52 of 64 random bits.
template <class S>
[[nodiscard]] inline S uniform_of(const WordsOf<S>& low, const WordsOf<S>& high) noexcept {
  using W = WordsOf<S>;
  const W bits = ((high & W(0xffffffff)) << 20) | ((low & W(0xffffffff)) >> 12);
  return number_of(W(bits | W(bits_of(1.0)))) - S(1 - 0x1p-53);
}

/// out[j] = of(number first_index + j of the stream).
template <class S, class Of>
inline void draw(const Stream& stream, const WordsOf<S>& subjects, std::size_t first_index, std::span<S> out,
                 Of of) noexcept {
  for (std::size_t j = 0; j < out.size();) {
    const std::size_t number = first_index + j;
    const FourWords<WordsOf<S>> four = random_words<S>(stream, subjects, number / 2);
    if (number % 2 == 0) out[j++] = of(four.word0, four.word1);
    if (j < out.size()) out[j++] = of(four.word2, four.word3);
  }
}

/// The distribution at -a, a >= 0: exp(-a^2/2) erfcx(a / sqrt 2) / 2, where 1 + a times what is beside the exponential
/// is a polynomial in (a - 5) / (a + 5): the form of Schonfelder 1978, doi 10.1090/S0025-5718-1978-0494846-8, our own
/// minimax fit from 0 to 39, 1e-17 of it.
template <class S>
[[nodiscard]] inline S normal_tail_beyond(const S& a) noexcept {
  const S u = (a - S(5)) / (a + S(5));
  const S u2 = u * u;
  S even(0x1.7f99572395bb3p-31), odd(0x1.0924f80ead925p-28);
  even = even * u2 + S(0x1.00d1d2860e20dp-31);
  odd = odd * u2 + S(-0x1.0eddcb06e1da2p-25);
  even = even * u2 + S(-0x1.784eed7506229p-26);
  odd = odd * u2 + S(0x1.a9b2c7625a60dp-23);
  even = even * u2 + S(0x1.0b48e791c5637p-23);
  odd = odd * u2 + S(-0x1.5f81d5fef9d1ep-20);
  even = even * u2 + S(-0x1.2719ab3f19e51p-24);
  odd = odd * u2 + S(0x1.300907e5ed1dfp-17);
  even = even * u2 + S(-0x1.4c131e26f206cp-17);
  odd = odd * u2 + S(-0x1.c1b23abdb8ddcp-15);
  even = even * u2 + S(0x1.7e61f341c6a6p-13);
  odd = odd * u2 + S(0x1.0572006d903efp-17);
  even = even * u2 + S(-0x1.b75f4fd05baa8p-10);
  odd = odd * u2 + S(0x1.ab6d03879c2f5p-8);
  even = even * u2 + S(-0x1.f11aab023b8efp-7);
  odd = odd * u2 + S(0x1.92037bab5effdp-6);
  even = even * u2 + S(-0x1.b08e0007b930fp-6);
  odd = odd * u2 + S(0x1.47c1d03053222p-7);
  even = even * u2 + S(0x1.fc66cc64a1511p-6);
  odd = odd * u2 + S(-0x1.76ff86859eb0ep-4);
  even = even * u2 + S(0x1.d8979b0f2b39dp-2);
  const S m = even + odd * u;
  const S high = upper_half(a), low = a - high;  // a^2 exactly in two parts
  const S decay = exp_of(InTwoParts<S>{S(-0.5) * high * high, S(-0.5) * low * (a + high)});
  return decay * (m / (S(1) + a));
}

template <class S>
[[nodiscard]] inline S normal_cdf_of(const S& x) noexcept {
  const S size = select(x < S(0), S(-x), x), a = select(size > S(39), S(39), size);
  const S tail = normal_tail_beyond(a);
  return select(x < S(0), tail, S(S(1) - tail));
}

template <class S>
[[nodiscard]] inline S normal_quantile_of(const S& p) noexcept {
  constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const S other = S(1) - p, tail = select(p < S(0.5), p, other);
  const auto inside = S(0) < tail;
  const S size =
      select(inside, normal_with_tail(S(select(inside, tail, S(0.5)))), select(tail == S(0), S(inf), S(nan)));
  return select(p < S(0.5), S(-size), size);
}

}  // namespace detail

/// out[j] = normal number `first_index` + j of the stream, for each subject. Which others are asked for, and in which
/// pieces, changes no bit. Normal and uniform numbers of one index come from the same random bits: ask for one of them.
template <class S>
inline void normals(const Stream& stream, const WordsOf<S>& subjects, std::size_t first_index,
                    std::span<S> out) noexcept {
  using W = WordsOf<S>;
  detail::draw<S>(stream, subjects, first_index, out,
                  [](const W& low, const W& high) { return detail::normal_of<S>(low, high); });
}

/// out[j] = uniform number `first_index` + j of the stream, for each subject: an odd multiple of 2^-53, never 0 or 1.
template <class S>
inline void uniforms(const Stream& stream, const WordsOf<S>& subjects, std::size_t first_index,
                     std::span<S> out) noexcept {
  using W = WordsOf<S>;
  detail::draw<S>(stream, subjects, first_index, out,
                  [](const W& low, const W& high) { return detail::uniform_of<S>(low, high); });
}

/// The normal distribution: the chance of less than x.
template <std::size_t N, class Isa>
[[nodiscard]] inline Lanes<N, Isa> normal_cdf(const Lanes<N, Isa>& x) noexcept {
  return detail::normal_cdf_of(x);
}
[[nodiscard]] inline double normal_cdf(double x) noexcept { return detail::normal_cdf_of(x); }

/// Its inverse: -inf at 0, inf at 1, NaN outside.
template <std::size_t N, class Isa>
[[nodiscard]] inline Lanes<N, Isa> normal_quantile(const Lanes<N, Isa>& p) noexcept {
  return detail::normal_quantile_of(p);
}
[[nodiscard]] inline double normal_quantile(double p) noexcept { return detail::normal_quantile_of(p); }

}  // namespace ketpk
