# SPDX-License-Identifier: Apache-2.0
"""Low-dose intravenous ketamine: concentrations from published compartment models, and flags for orders outside
configured limits. A research and engineering library, not a medical device.

>>> import ketpk
>>> result = ketpk.simulate(
...     ketpk.Patient(weight_kg=70, age_yr=42),
...     ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40),
...     model="kamp2020", analyte="racemic-ketamine", form="base", drug_free=True,
... )
>>> round(result.summary.cmax_ng_per_mL)
253
"""

import atexit as _atexit
import os as _os

from ._interpreter import require_main_interpreter

require_main_interpreter()
try:
    from . import _core
except ImportError as error:
    raise ImportError(
        "the compiled half of ketpk, ketpk._core, cannot be loaded: "
        f"{error}. In a clone of the project, `pip install .` builds and installs it; "
        "start Python outside the folder python/src, or the source is found instead of what was installed."
    ) from error

from . import limits, models
from ._cohort import (
    Cohort,
    CohortProfiles,
    FailedSubject,
    Interval95,
    LimitInCohort,
    Proportion,
    Replicates,
    Spreading,
    cohort,
    cohort_file,
    cohort_profiles,
)
from ._errors import InvalidInput, NumericalTrouble, WrongType
from ._evidence import Evidence, validate
from ._frame import simulate_frame
from ._nouns import (
    Course,
    Effect,
    Emax,
    Event,
    LinearEffect,
    Order,
    Patient,
    Pump,
    Turnover,
    Vial,
    bolus,
    change_rate,
    infusion,
    minutes_between,
    pause,
    restart_remainder,
    resume,
    stop,
)
from ._plot import plot
from ._predict import Prediction, predict
from ._result import (
    Assessment,
    Check,
    DeliveredEvent,
    DeliveredInput,
    Delivery,
    EffectAnswer,
    Extreme,
    Flag,
    Interruption,
    LimitsUsed,
    MetaboliteSummary,
    Override,
    Peak,
    Piece,
    Priming,
    Profile,
    Provenance,
    RateRun,
    Result,
    SessionOfCourse,
    Solvers,
    State,
    Summary,
    TimeAbove,
    Verdict,
)
from ._session import simulate, simulate_session
from ._spread import FlagCount, MinutesAbove, OpenCheck, Range, RefusedModel, SiteSpread, Spread, compare
from ._sweep import RefusedPoint, Sweep, SweepAxis, evenly, sweep
from ._table import Table
from .limits import Limits
from .models import Model

_atexit.register(_core.no_more)
_os.register_at_fork(after_in_child=_core.forked)

__version__: str = _core.version

__all__ = [
    "Assessment",
    "Check",
    "Cohort",
    "CohortProfiles",
    "Course",
    "DeliveredEvent",
    "DeliveredInput",
    "Delivery",
    "Effect",
    "EffectAnswer",
    "Emax",
    "Event",
    "Evidence",
    "Extreme",
    "FailedSubject",
    "Flag",
    "FlagCount",
    "Interruption",
    "Interval95",
    "InvalidInput",
    "LimitInCohort",
    "Limits",
    "LimitsUsed",
    "LinearEffect",
    "MetaboliteSummary",
    "MinutesAbove",
    "Model",
    "NumericalTrouble",
    "OpenCheck",
    "Order",
    "Override",
    "Patient",
    "Peak",
    "Piece",
    "Prediction",
    "Priming",
    "Proportion",
    "Profile",
    "Provenance",
    "Pump",
    "Range",
    "RateRun",
    "RefusedModel",
    "RefusedPoint",
    "Replicates",
    "Result",
    "SessionOfCourse",
    "SiteSpread",
    "Solvers",
    "Spread",
    "Spreading",
    "State",
    "Summary",
    "Sweep",
    "SweepAxis",
    "Table",
    "TimeAbove",
    "Turnover",
    "Verdict",
    "Vial",
    "WrongType",
    "__version__",
    "bolus",
    "change_rate",
    "cohort",
    "cohort_file",
    "cohort_profiles",
    "compare",
    "evenly",
    "infusion",
    "limits",
    "minutes_between",
    "models",
    "pause",
    "plot",
    "predict",
    "restart_remainder",
    "resume",
    "simulate",
    "simulate_frame",
    "simulate_session",
    "stop",
    "sweep",
    "validate",
]
