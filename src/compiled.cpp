// SPDX-License-Identifier: Apache-2.0

// Why: the solvers and the whole way of a dose take long to compile. Who links ketpk::io gets this copy of them; it is
// the same headers, compiled once.

#include "ketpk/response.hpp"
#include "ketpk/simulate.hpp"
#include "ketpk/solve_network.hpp"
#include "ketpk/solve_ode.hpp"

namespace ketpk {

template <>
void detail::compiled_with_alignment<EIGEN_MAX_ALIGN_BYTES>() noexcept {}

template class OdeTrajectory<Mammillary>;
template Attempt<OdeTrajectory<Mammillary>> solve_ode(const Mammillary&, std::vector<Segment>, Micros, OdeOptions);
template class OdeTrajectory<NetworkStretch>;
template Attempt<OdeTrajectory<NetworkStretch>> solve_ode(const NetworkStretch&, std::vector<Segment>, Micros,
                                                          OdeOptions);
template Attempt<OdeTrajectory<RespondingNetwork>> solve_ode(const RespondingNetwork&, std::vector<Segment>, Micros,
                                                             OdeOptions);
template Outcome simulate(const Request&, SecondOpinion);
template Outcome simulate(const Request&, NoSecondSolver);

}  // namespace ketpk
