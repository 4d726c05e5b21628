// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a population asks one question a million times. Code that is generic in its scalar answers it for one patient
// with `double`, and for N patients side by side with `Lanes<N, Isa>`. No lane sees another, so a lane's bits are those
// of `double`, and the same on every instruction set: each operation here is one that IEEE 754 rounds in one way.
//
// A type that carries its instruction set is what lets one program hold the same templates compiled for several: names
// differ, so the linker never puts the copy for one machine in the place of another's.

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace ketpk {

/// What a translation unit was compiled for, and how many doubles one of its registers holds.
namespace isa {
struct baseline {
  static constexpr std::size_t native = 2;
};
struct avx2 {
  static constexpr std::size_t native = 4;
};
struct avx512 {
  static constexpr std::size_t native = 8;
};
}  // namespace isa

namespace detail {

/// N numbers as the compiler's own vector type (GCC and Clang have it).
template <class T, std::size_t N>
struct VectorOf {
  // NOLINTNEXTLINE(modernize-use-using): GCC drops a size that depends on a template from an alias
  typedef T type __attribute__((vector_size(N * sizeof(T))));
};

}  // namespace detail

template <std::size_t N, class Isa>
struct LaneMask;

/// N doubles that are reckoned with side by side, in registers of `Isa`. N is a power of two.
template <std::size_t N, class Isa = isa::baseline>
struct Lanes {
  static_assert(N >= 2 && (N & (N - 1)) == 0, "a power of two");
  static constexpr std::size_t width = N, in_part = N < Isa::native ? N : Isa::native, parts = N / in_part;
  using Vector = typename detail::VectorOf<double, in_part>::type;
  using Bits = typename detail::VectorOf<std::int64_t, in_part>::type;
  using Mask = LaneMask<N, Isa>;
  using Part = Lanes<in_part, Isa>;

  std::array<Vector, parts> part;

  Lanes() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a number stands for itself in every lane, as in a formula
  Lanes(double x) noexcept { part.fill(x - Vector{}); }

  /// Made part by part.
  template <class Of>
  [[nodiscard]] static Lanes by_part(Of of) noexcept {
    Lanes out;
    for (std::size_t k = 0; k < parts; ++k) out.part[k] = of(k);
    return out;
  }
  [[nodiscard]] static Lanes from(const double* numbers) noexcept {
    Lanes out;
    __builtin_memcpy(&out.part, numbers, sizeof(out.part));
    return out;
  }
  void to(double* numbers) const noexcept { __builtin_memcpy(numbers, &part, sizeof(part)); }

  [[nodiscard]] static constexpr std::size_t size() noexcept { return N; }
  [[nodiscard]] double operator[](std::size_t i) const noexcept { return part[i / in_part][i % in_part]; }
  void set(std::size_t i, double x) noexcept { part[i / in_part][i % in_part] = x; }

  [[nodiscard]] friend Lanes operator+(const Lanes& a, const Lanes& b) noexcept {
    return by_part([&](std::size_t k) { return a.part[k] + b.part[k]; });
  }
  [[nodiscard]] friend Lanes operator-(const Lanes& a, const Lanes& b) noexcept {
    return by_part([&](std::size_t k) { return a.part[k] - b.part[k]; });
  }
  [[nodiscard]] friend Lanes operator*(const Lanes& a, const Lanes& b) noexcept {
    return by_part([&](std::size_t k) { return a.part[k] * b.part[k]; });
  }
  [[nodiscard]] friend Lanes operator/(const Lanes& a, const Lanes& b) noexcept {
    return by_part([&](std::size_t k) { return a.part[k] / b.part[k]; });
  }
  [[nodiscard]] friend Lanes operator-(const Lanes& a) noexcept {
    return by_part([&](std::size_t k) { return -a.part[k]; });
  }
  Lanes& operator+=(const Lanes& b) noexcept { return *this = *this + b; }
  Lanes& operator-=(const Lanes& b) noexcept { return *this = *this - b; }
  Lanes& operator*=(const Lanes& b) noexcept { return *this = *this * b; }
  Lanes& operator/=(const Lanes& b) noexcept { return *this = *this / b; }

  [[nodiscard]] friend Mask operator<(const Lanes& a, const Lanes& b) noexcept {
    return Mask::by_part([&](std::size_t k) { return a.part[k] < b.part[k]; });
  }
  [[nodiscard]] friend Mask operator<=(const Lanes& a, const Lanes& b) noexcept {
    return Mask::by_part([&](std::size_t k) { return a.part[k] <= b.part[k]; });
  }
  [[nodiscard]] friend Mask operator==(const Lanes& a, const Lanes& b) noexcept {
    return Mask::by_part([&](std::size_t k) { return a.part[k] == b.part[k]; });
  }
  [[nodiscard]] friend Mask operator>(const Lanes& a, const Lanes& b) noexcept { return b < a; }
  [[nodiscard]] friend Mask operator>=(const Lanes& a, const Lanes& b) noexcept { return b <= a; }
};

/// What a comparison of lanes says: all bits of a lane set, or none.
template <std::size_t N, class Isa>
struct LaneMask {
  using Of = Lanes<N, Isa>;
  std::array<typename Of::Bits, Of::parts> part;

  template <class Get>
  [[nodiscard]] static LaneMask by_part(Get get) noexcept {
    LaneMask out;
    for (std::size_t k = 0; k < Of::parts; ++k) out.part[k] = get(k);
    return out;
  }
  [[nodiscard]] bool operator[](std::size_t i) const noexcept { return part[i / Of::in_part][i % Of::in_part] != 0; }
  [[nodiscard]] friend LaneMask operator&&(const LaneMask& a, const LaneMask& b) noexcept {
    return by_part([&](std::size_t k) { return a.part[k] & b.part[k]; });
  }
  [[nodiscard]] friend LaneMask operator||(const LaneMask& a, const LaneMask& b) noexcept {
    return by_part([&](std::size_t k) { return a.part[k] | b.part[k]; });
  }
  [[nodiscard]] friend LaneMask operator!(const LaneMask& a) noexcept {
    return by_part([&](std::size_t k) { return ~a.part[k]; });
  }
};

template <class T>
inline constexpr bool is_lanes = false;
template <std::size_t N, class Isa>
inline constexpr bool is_lanes<Lanes<N, Isa>> = true;

// --- what code says that is generic in its scalar ------------------------------------------------------------

/// Whether it holds in every lane, or in any.
[[nodiscard]] constexpr bool all(bool holds) noexcept { return holds; }
[[nodiscard]] constexpr bool any(bool holds) noexcept { return holds; }
template <std::size_t N, class Isa>
[[nodiscard]] inline bool any(const LaneMask<N, Isa>& m) noexcept {
  auto some = m.part[0];
  for (std::size_t k = 1; k < m.part.size(); ++k) some |= m.part[k];
  std::int64_t bits = 0;
  for (std::size_t i = 0; i < Lanes<N, Isa>::in_part; ++i) bits |= some[i];
  return bits != 0;
}
template <std::size_t N, class Isa>
[[nodiscard]] inline bool all(const LaneMask<N, Isa>& m) noexcept {
  return !any(!m);
}

/// `a` where it holds, `b` where not. Both are reckoned.
template <class S>
[[nodiscard]] constexpr S select(bool holds, const S& a, const S& b) noexcept {
  return holds ? a : b;
}
template <std::size_t N, class Isa>
[[nodiscard]] inline Lanes<N, Isa> select(const LaneMask<N, Isa>& m, const std::type_identity_t<Lanes<N, Isa>>& a,
                                          const std::type_identity_t<Lanes<N, Isa>>& b) noexcept {
  return Lanes<N, Isa>::by_part([&](std::size_t k) { return m.part[k] ? a.part[k] : b.part[k]; });
}

template <std::size_t N, class Isa>
[[nodiscard]] inline Lanes<N, Isa> sqrt(const Lanes<N, Isa>& x) noexcept {
  Lanes<N, Isa> out;
  for (std::size_t k = 0; k < out.parts; ++k)
    for (std::size_t i = 0; i < out.in_part; ++i) out.part[k][i] = __builtin_sqrt(x.part[k][i]);
  return out;
}

namespace detail {

/// A lane's bits, as an integer each, put through `of(bits of a part)`.
template <std::size_t N, class Isa, class Of>
[[nodiscard]] inline Lanes<N, Isa> by_bits(const Lanes<N, Isa>& x, Of of) noexcept {
  using L = Lanes<N, Isa>;
  return L::by_part([&](std::size_t k) {
    return std::bit_cast<typename L::Vector>(of(std::bit_cast<typename L::Bits>(x.part[k]), k));
  });
}
inline constexpr std::int64_t all_but_sign = std::numeric_limits<std::int64_t>::max();

/// 2^n, where n stands in the low bits of `shifted` = n + 1.5 2^52.
[[nodiscard]] inline double power_of_two(double shifted) noexcept {
  return std::bit_cast<double>((std::bit_cast<std::uint64_t>(shifted) << 52) + 0x3ff0000000000000ULL);
}
template <std::size_t N, class Isa>
[[nodiscard]] inline Lanes<N, Isa> power_of_two(const Lanes<N, Isa>& shifted) noexcept {
  return by_bits(shifted, [](auto bits, std::size_t) { return (bits << 52) + 0x3ff0000000000000LL; });
}

}  // namespace detail

template <std::size_t N, class Isa>
[[nodiscard]] inline Lanes<N, Isa> abs(const Lanes<N, Isa>& x) noexcept {
  return detail::by_bits(x, [](auto bits, std::size_t) { return bits & detail::all_but_sign; });
}
/// The size of `x` with the sign of `sign`.
template <std::size_t N, class Isa>
[[nodiscard]] inline Lanes<N, Isa> copysign(const Lanes<N, Isa>& x, const Lanes<N, Isa>& sign) noexcept {
  return detail::by_bits(x, [&](auto bits, std::size_t k) {
    return (bits & detail::all_but_sign) | (std::bit_cast<decltype(bits)>(sign.part[k]) & ~detail::all_but_sign);
  });
}
/// Whether each lane is a finite number.
template <std::size_t N, class Isa>
[[nodiscard]] inline LaneMask<N, Isa> isfinite(const Lanes<N, Isa>& x) noexcept {
  return abs(x) <= Lanes<N, Isa>(std::numeric_limits<double>::max());
}

// --- bits ----------------------------------------------------------------------------------------------------

/// A whole number of 64 bits in each lane. As with doubles, no lane sees another, and overflow wraps.
template <std::size_t N, class Isa = isa::baseline>
struct LaneWords {
  using Of = Lanes<N, Isa>;
  using Vector = typename detail::VectorOf<std::uint64_t, Of::in_part>::type;

  std::array<Vector, Of::parts> part;

  LaneWords() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): as a number stands for itself in every lane
  LaneWords(std::uint64_t word) noexcept {
    for (std::size_t k = 0; k < Of::parts; ++k) part[k] = word - Vector{};
  }
  template <class Get>
  [[nodiscard]] static LaneWords by_part(Get get) noexcept {
    LaneWords out;
    for (std::size_t k = 0; k < Of::parts; ++k) out.part[k] = get(k);
    return out;
  }
  [[nodiscard]] static LaneWords from(const std::uint64_t* words) noexcept {
    LaneWords out;
    __builtin_memcpy(&out.part, words, sizeof(out.part));
    return out;
  }
  [[nodiscard]] static constexpr std::size_t size() noexcept { return N; }
  [[nodiscard]] std::uint64_t operator[](std::size_t i) const noexcept {
    return part[i / Of::in_part][i % Of::in_part];
  }
  void set(std::size_t i, std::uint64_t word) noexcept { part[i / Of::in_part][i % Of::in_part] = word; }

  [[nodiscard]] friend LaneWords operator+(const LaneWords& a, const LaneWords& b) noexcept {
    return by_part([&](std::size_t k) { return a.part[k] + b.part[k]; });
  }
  [[nodiscard]] friend LaneWords operator-(const LaneWords& a, const LaneWords& b) noexcept {
    return by_part([&](std::size_t k) { return a.part[k] - b.part[k]; });
  }
  [[nodiscard]] friend LaneWords operator&(const LaneWords& a, const LaneWords& b) noexcept {
    return by_part([&](std::size_t k) { return a.part[k] & b.part[k]; });
  }
  [[nodiscard]] friend LaneWords operator|(const LaneWords& a, const LaneWords& b) noexcept {
    return by_part([&](std::size_t k) { return a.part[k] | b.part[k]; });
  }
  [[nodiscard]] friend LaneWords operator^(const LaneWords& a, const LaneWords& b) noexcept {
    return by_part([&](std::size_t k) { return a.part[k] ^ b.part[k]; });
  }
  [[nodiscard]] friend LaneWords operator<<(const LaneWords& a, int by) noexcept {
    return by_part([&](std::size_t k) { return a.part[k] << by; });
  }
  [[nodiscard]] friend LaneWords operator>>(const LaneWords& a, int by) noexcept {
    return by_part([&](std::size_t k) { return a.part[k] >> by; });
  }

  /// Of one part, 64 bits each. GCC needs to be told that there is an instruction for it.
  [[nodiscard]] static Vector product_of_low_halves(Vector a, Vector b) noexcept {
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
    using Halves = typename detail::VectorOf<std::int32_t, 2 * Of::in_part>::type;
#ifdef __AVX512F__
    if constexpr (Of::in_part == 8)
      return std::bit_cast<Vector>(
          __builtin_ia32_pmuludq512_mask(std::bit_cast<Halves>(a), std::bit_cast<Halves>(b),
                                         typename detail::VectorOf<long long, Of::in_part>::type{}, 0xff));
#endif
#ifdef __AVX2__
    if constexpr (Of::in_part == 4)
      return std::bit_cast<Vector>(__builtin_ia32_pmuludq256(std::bit_cast<Halves>(a), std::bit_cast<Halves>(b)));
#endif
    if constexpr (Of::in_part == 2)
      return std::bit_cast<Vector>(__builtin_ia32_pmuludq128(std::bit_cast<Halves>(a), std::bit_cast<Halves>(b)));
#endif
    return (a & 0xffffffffULL) * (b & 0xffffffffULL);
  }
};

namespace detail {

template <class S>
struct WordsBeside {
  using type = std::uint64_t;
};
template <std::size_t N, class Isa>
struct WordsBeside<Lanes<N, Isa>> {
  using type = LaneWords<N, Isa>;
};

}  // namespace detail

/// 64 bits beside each double: std::uint64_t for double, LaneWords for Lanes.
template <class S>
using WordsOf = typename detail::WordsBeside<S>::type;

/// The bits of a number, and the number of some bits.
[[nodiscard]] constexpr std::uint64_t bits_of(double x) noexcept { return std::bit_cast<std::uint64_t>(x); }
[[nodiscard]] constexpr double number_of(std::uint64_t bits) noexcept { return std::bit_cast<double>(bits); }
template <std::size_t N, class Isa>
[[nodiscard]] inline LaneWords<N, Isa> bits_of(const Lanes<N, Isa>& x) noexcept {
  using W = LaneWords<N, Isa>;
  return W::by_part([&](std::size_t k) { return std::bit_cast<typename W::Vector>(x.part[k]); });
}
template <std::size_t N, class Isa>
[[nodiscard]] inline Lanes<N, Isa> number_of(const LaneWords<N, Isa>& bits) noexcept {
  using L = Lanes<N, Isa>;
  return L::by_part([&](std::size_t k) { return std::bit_cast<typename L::Vector>(bits.part[k]); });
}

/// The product of the low 32 bits of each, which are all that is looked at.
[[nodiscard]] constexpr std::uint64_t product_of_low_halves(std::uint64_t a, std::uint64_t b) noexcept {
  return (a & 0xffffffffULL) * (b & 0xffffffffULL);
}
template <std::size_t N, class Isa>
[[nodiscard]] inline LaneWords<N, Isa> product_of_low_halves(
    const LaneWords<N, Isa>& a, const std::type_identity_t<LaneWords<N, Isa>>& b) noexcept {
  return LaneWords<N, Isa>::by_part(
      [&](std::size_t k) { return LaneWords<N, Isa>::product_of_low_halves(a.part[k], b.part[k]); });
}

}  // namespace ketpk
