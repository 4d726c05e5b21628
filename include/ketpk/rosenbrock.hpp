// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: where one process is a thousand times faster than the one of interest, an explicit solver must follow the fast
// one long after it has died down. A Rosenbrock method solves a linear system a stage instead and steps as the slow
// one allows. Rodas5P (Steinebach, BIT Numer Math 2023;63:27, doi 10.1007/s10543-023-00967-x): eight stages, order 5
// with an embedded 4, stiffly accurate, L-stable, and an interpolant of order 4 that is damped like the stages; the
// third-order ones of order 4, Odeint's among them, take many times the steps at tolerances wanted here.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

namespace ketpk {

/// LU factors of a small matrix, with rows exchanged. Only the leading n by n part is used.
template <std::size_t N>
class SmallLu {
 public:
  /// Rows of the matrix; false where it is singular.
  [[nodiscard]] bool factor(const std::array<std::array<double, N>, N>& rows, std::size_t n) noexcept {
    lu_ = rows;
    for (std::size_t k = 0; k < n; ++k) {
      std::size_t pivot = k;
      for (std::size_t i = k + 1; i < n; ++i)
        if (std::abs(lu_[i][k]) > std::abs(lu_[pivot][k])) pivot = i;
      if (!(std::abs(lu_[pivot][k]) > 0)) return false;
      exchanged_[k] = pivot;
      if (pivot != k) std::swap(lu_[pivot], lu_[k]);
      for (std::size_t i = k + 1; i < n; ++i) {
        const double factor = lu_[i][k] /= lu_[k][k];
        if (factor == 0) continue;
        for (std::size_t j = k + 1; j < n; ++j) lu_[i][j] -= factor * lu_[k][j];
      }
    }
    return true;
  }

  void solve(std::array<double, N>& x, std::size_t n) const noexcept {
    for (std::size_t k = 0; k < n; ++k)
      if (exchanged_[k] != k) std::swap(x[k], x[exchanged_[k]]);
    for (std::size_t i = 1; i < n; ++i)
      for (std::size_t j = 0; j < i; ++j) x[i] -= lu_[i][j] * x[j];
    for (std::size_t i = n; i-- > 0;) {
      for (std::size_t j = i + 1; j < n; ++j) x[i] -= lu_[i][j] * x[j];
      x[i] /= lu_[i][i];
    }
  }

 private:
  std::array<std::array<double, N>, N> lu_{};
  std::array<std::size_t, N> exchanged_{};
};

/// One step of Rodas5P for a system that knows no clock, and what it leaves behind.
/// (1 / (gamma h) - J) k_i = f(x + sum a_ij k_j) + sum c_ij k_j / h; the new state is the last stage's plus k_8, and
/// k_8 is the error estimate.
template <std::size_t N>
class Rosenbrock {
 public:
  using State = std::array<double, N>;
  using Matrix = std::array<State, N>;

  /// From `x` with slopes `f0` and the Jacobian `j` at `x` over `h` minutes: `next` and `error()`. False where the
  /// linear system is singular.
  template <class System>
  [[nodiscard]] bool step(System system, const Matrix& j, const State& x, const State& f0, double h, State& next) {
    Matrix w{};
    for (std::size_t r = 0; r < n_; ++r) {
      for (std::size_t v = 0; v < n_; ++v) w[r][v] = -j[r][v];
      w[r][r] += 1 / (gamma * h);
    }
    if (!lu_.factor(w, n_)) return false;
    k_[0] = f0;
    lu_.solve(k_[0], n_);
    for (std::size_t s = 1; s < 8; ++s) {
      // The last three stages start from each other: a_7 = a_6 and k_6, a_8 = a_7 and k_7.
      if (s < 6) {
        next = x;
        for (std::size_t i = 0; i < s; ++i)
          for (std::size_t v = 0; v < n_; ++v) next[v] += a[s - 1][i] * k_[i][v];
      } else {
        for (std::size_t v = 0; v < n_; ++v) next[v] += k_[s - 1][v];
      }
      State slopes{};
      system(next, slopes);
      for (std::size_t v = 0; v < n_; ++v) {
        double sum = 0;
        for (std::size_t i = 0; i < s; ++i) sum += c[s - 1][i] * k_[i][v];
        k_[s][v] = slopes[v] + sum / h;
      }
      lu_.solve(k_[s], n_);
    }
    for (std::size_t v = 0; v < n_; ++v) next[v] += k_[7][v];
    return true;
  }

  /// The estimate of the last step's error.
  [[nodiscard]] const State& error() const noexcept { return k_[7]; }

  /// The bend `r` (0 to 2) of state `v` in the last step: with theta from 0 to 1 over it,
  /// x(theta) = (1 - theta) x0 + theta (x1 + (1 - theta) (bend0 + theta (bend1 + theta bend2))).
  [[nodiscard]] double bend(std::size_t r, std::size_t v) const noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < 8; ++i) sum += dense[r][i] * k_[i][v];
    return sum;
  }

  explicit Rosenbrock(std::size_t n) noexcept : n_(std::min(n, N)) {}

 private:
  static constexpr double gamma = 0.21193756319429014;
  static constexpr std::array<std::array<double, 5>, 5> a{
      {{3.0},
       {2.849394379747939, 0.45842242204463923},
       {-6.954028509809101, 2.489845061869568, -10.358996098473584},
       {2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641},
       {-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946}}};
  static constexpr std::array<std::array<double, 7>, 7> c{
      {{-14.155112264123755},
       {-17.97296035885952, -2.859693295451294},
       {147.12150275711716, -1.41221402718213, 71.68940251302358},
       {165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306},
       {24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471},
       {30.91273214028599, -3.1208243349937974, 77.79954646070892, 34.28646028294783, -19.097331116725623,
        -28.087943162872662},
       {37.80277123390563, -3.2571969029072276, 112.26918849496327, 66.9347231244047, -40.06618937091002,
        -54.66780262877968, -9.48861652309627}}};
  static constexpr std::array<std::array<double, 8>, 3> dense{
      {{25.948786856663858, -2.5579724845846235, 10.433815404888879, -2.3679251022685204, 0.524948541321073,
        1.1241088310450404, 0.4272876194431874, -0.17202221070155493},
       {-9.91568850695171, -0.9689944594115154, 3.0438037242978453, -24.495224566215796, 20.176138334709044,
        15.98066361424651, -6.789040303419874, -6.710236069923372},
       {11.419903575922262, 2.8879645146136994, 72.92137995996029, 80.12511834622643, -52.072871366152654,
        -59.78993625266729, -0.15582684282751913, 4.883087185713722}}};

  std::size_t n_;
  SmallLu<N> lu_;
  std::array<State, 8> k_{};
};

}  // namespace ketpk
