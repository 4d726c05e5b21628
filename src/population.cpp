// SPDX-License-Identifier: Apache-2.0

// Why: the engine of cohorts takes long to compile. Who links ketpk::io has this copy of it.

#include "ketpk/cohort_engine.hpp"
