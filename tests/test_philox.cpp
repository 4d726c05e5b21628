// SPDX-License-Identifier: Apache-2.0
#include "ketpk/philox.hpp"

#include <Random123/philox.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "catch.hpp"
#include "random_cases.hpp"

namespace {

using ketpk::Lanes;
using ketpk::Purpose;
using ketpk::Stream;
using Four = std::array<std::uint32_t, 4>;

template <std::size_t N>
void lanes_agree(std::uint64_t seed) {
  ketpk::testing::Random r(seed);
  for (int n = 0; n < 500; ++n) {
    const Stream stream{static_cast<std::uint64_t>(r.below(1'000'000)) * 0x9E3779B97F4A7C15,
                        static_cast<Purpose>(r.below(5)), static_cast<std::uint32_t>(r.below(1 << 24))};
    const auto block = static_cast<std::uint64_t>(r.below(1 << 30));
    ketpk::WordsOf<Lanes<N>> subjects;
    for (std::size_t i = 0; i < N; ++i) subjects.set(i, static_cast<std::uint64_t>(r.uniform() * 0x1p64));
    const auto found = ketpk::random_bits<Lanes<N>>(stream, subjects, block);
    for (std::size_t i = 0; i < N; ++i) {
      // Random123's own, fed by the counter as the header describes it.
      const r123::Philox4x32::ctr_type counter{
          {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(stream.purpose) + (stream.occasion << 8),
           static_cast<std::uint32_t>(subjects[i]), static_cast<std::uint32_t>(subjects[i] >> 32)}};
      const r123::Philox4x32::key_type key{
          {static_cast<std::uint32_t>(stream.seed), static_cast<std::uint32_t>(stream.seed >> 32)}};
      const auto due = r123::Philox4x32()(counter, key);
      INFO("seed " << seed << ", lane " << i << " of " << N);
      REQUIRE(found.first[i] == (std::uint64_t{due[1]} << 32 | due[0]));
      REQUIRE(found.second[i] == (std::uint64_t{due[3]} << 32 | due[2]));
      const auto alone = ketpk::random_bits<double>(stream, subjects[i], block);
      REQUIRE(alone.first == found.first[i]);
      REQUIRE(alone.second == found.second[i]);
    }
  }
}

}  // namespace

TEST_CASE("Philox4x32-10 gives the published answers") {  // Random123 1.14, kat_vectors
  CHECK(ketpk::philox({0, 0, 0, 0}, {0, 0}) == Four{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(ketpk::philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Four{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(ketpk::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Four{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("Philox agrees with Random123 for any counter and key") {
  ketpk::testing::Random r(20261122);
  const auto word = [&] { return static_cast<std::uint32_t>(r.uniform() * 0x1p32); };
  for (int n = 0; n < 20'000; ++n) {
    const Four c{word(), word(), word(), word()};
    const ketpk::PhiloxKey k{word(), word()};
    const auto due = r123::Philox4x32()({{c[0], c[1], c[2], c[3]}}, {{k.low, k.high}});
    REQUIRE(ketpk::philox(c, k) == Four{due[0], due[1], due[2], due[3]});
  }
}

TEST_CASE("each lane has the bits that Random123 gives for its subject, purpose, occasion, block and seed") {
  lanes_agree<2>(20261123);
  lanes_agree<8>(20261124);
  lanes_agree<32>(20261125);
}

TEST_CASE("a million streams have no first draw in common") {
  using L = Lanes<8>;
  std::vector<std::uint64_t> firsts;
  firsts.reserve(1'000'000);
  for (const Purpose purpose : {Purpose::design, Purpose::eta, Purpose::kappa, Purpose::eps, Purpose::theta})
    for (const std::uint32_t occasion : {0U, 1U})
      for (const std::uint64_t seed : {0ULL, 1ULL})
        for (std::uint64_t i = 0; i < 50'000; i += L::size()) {
          const auto bits = ketpk::random_bits<L>({seed, purpose, occasion}, ketpk::consecutive<L>(i), 0);
          for (std::size_t lane = 0; lane < L::size(); ++lane) firsts.push_back(bits.first[lane]);
        }
  REQUIRE(firsts.size() == 1'000'000);
  std::sort(firsts.begin(), firsts.end());
  CHECK(std::adjacent_find(firsts.begin(), firsts.end()) == firsts.end());
}
