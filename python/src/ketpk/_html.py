# SPDX-License-Identifier: Apache-2.0
"""Cards for notebooks: fragments of HTML that stand alone, without scripts or style sheets. They take the notebook's
own colours, so that they can be read on light and on dark; what must stand out brings its colour and a word.

Every text in them is escaped: names and sources come out of files that somebody else wrote.
"""

from __future__ import annotations

import html
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ._plot import told_number as shown

if TYPE_CHECKING:
    from ._cohort import Cohort, LimitInCohort, Spreading
    from ._result import Check, Delivery, Flag, Result
    from ._spread import Range, SiteSpread, Spread
    from .limits import Limits
    from .models import Model


class _Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


_LINE = "1px solid rgba(128,128,128,0.35)"
_CELL = f"padding:2px 10px 2px 0;border:0;border-bottom:{_LINE};text-align:left;vertical-align:top;white-space:normal"
_STYLES = {
    "card": f"max-width:60em;padding:10px 14px;border:{_LINE};border-radius:6px;line-height:1.4;"
    "font-family:system-ui,sans-serif;font-size:13px;color:inherit;background:transparent",
    "title": "font-size:15px;font-weight:600;margin:0 0 6px 0",
    "head": "font-weight:600;margin:10px 0 2px 0",
    "verdict": "margin:10px 0 2px 0",
    "flag": "margin:6px 0",
    "small": "opacity:0.8;font-size:12px;margin:2px 0",
    "plain": "margin:2px 0",
    "table": "border-collapse:collapse;border:0;margin:2px 0;font-size:13px;color:inherit;background:transparent",
    "row": "background:transparent;color:inherit",
    "th": f"{_CELL};font-weight:600;white-space:nowrap",
    "td": _CELL,
    "short": f"{_CELL};white-space:nowrap",
    "list": "margin:2px 0 2px 18px;padding:0",
    "link": "color:inherit;text-decoration:underline",
    "loud": "margin:6px 0;padding:4px 10px;border-left:5px solid #D55E00;font-weight:600;"
    "background:rgba(213,94,0,0.12);color:inherit",
}
#: Paper and ink of the words that must stand out, each at least 4.5 to 1.
_LABELS = {
    "within-limits": ("#0072B2", "#FFFFFF"),
    "soft": ("#E69F00", "#000000"),
    "hard": ("#B34700", "#FFFFFF"),
    "unevaluated": ("#5F6B76", "#FFFFFF"),
    "advisory": ("#56B4E9", "#000000"),
}
_NO_DEVICE = "A research and engineering library, not a medical device."


def _text(child: object) -> str:
    return child if isinstance(child, _Markup) else html.escape(str(child))


def _tag(name: str, *children: object, style: str = "", **attributes: str) -> _Markup:
    """An element. What is no ``_Markup`` is text and is escaped; so are the attributes."""
    given = {"style": _STYLES.get(style, style), **attributes}
    said = "".join(f' {k}="{html.escape(v, quote=True)}"' for k, v in given.items() if v)
    return _Markup(f"<{name}{said}>{''.join(map(_text, children))}</{name}>")


def _p(*children: object, style: str = "plain") -> _Markup:
    return _tag("div", *children, style=style)


def _label(word: str, said: str | None = None) -> _Markup:
    paper, ink = _LABELS.get(word, _LABELS["unevaluated"])
    look = f"background:{paper};color:{ink};padding:1px 8px;border-radius:9px;font-weight:600;white-space:nowrap"
    return _tag("span", word if said is None else said, style=look)


def _cell(child: object) -> _Markup:
    """A number stays beside its unit."""
    return _tag("td", child, style="short" if len(_text(child)) <= 24 else "td")


def _table(rows: Iterable[Iterable[object]], heads: Iterable[str] = ()) -> _Markup:
    """A table with its heads above, or, without any, with the first cell of each row as its head."""
    heads = tuple(heads)
    lines = [_tag("tr", *(_tag("th", h, style="th") for h in heads), style="row")] if heads else []
    for row in rows:
        first, *rest = row
        cells = (
            _tag("td" if heads else "th", first, style="td" if heads else "th"),
            *(_cell(c) for c in rest),
        )
        lines.append(_tag("tr", *cells, style="row"))
    scroll = "overflow-x:auto"
    return _tag("div", _tag("table", _tag("tbody", *lines), style="table"), style=scroll)


def _list(items: Iterable[object]) -> _Markup:
    return _tag("ul", *(_tag("li", item) for item in items), style="list")


def _joined(items: Iterable[object], between: str) -> _Markup:
    return _Markup(html.escape(between).join(map(_text, items)))


def _doi(doi: object) -> _Markup:
    """A link to the paper. The DOI is a path of doi.org, whatever it holds."""
    address = "https://doi.org/" + urllib.parse.quote(str(doi), safe="/().;:-_")
    return _tag("a", f"doi {doi}", href=address, style="link", rel="noopener noreferrer", target="_blank")


def _cited(model: Mapping[str, Any]) -> _Markup:
    parts: list[object] = [model["citation"] or "no citation"]
    if str(model.get("doi") or "").startswith("10."):  # a card may also say that none is stated
        parts.append(_doi(model["doi"]))
    return _joined(parts, " · ")


def _site(site: object) -> str:
    return "sampling site not stated" if site == "not-stated" else f"{site} plasma"


# ---------------------------------------------------------------------------------------------------------------------


def _input(given: Mapping[str, Any], form: object) -> str:
    """One input of an order: as it was stated, and what that is in base."""
    at = f"from {given['at']}" if "over" in given else f"at {given['at']}"
    salt = " of hydrochloride" if form == "hydrochloride" else ""
    if "bolus" in given:
        stated = f"{given['bolus']}{salt} at once"
    else:
        stated = f"{given.get('infuse') or given['infuse_at_rate']}{salt} over {given['over']}"
    if "into" in given:
        stated += f" into {given['into']}"
    told = f"{stated} {at} = {shown(given['amount_mg'])} mg of base"
    rate = given.get("rate_mg_per_min")
    return told if rate is None else f"{told} at {shown(rate)} mg/min"


def _patient(inputs: Mapping[str, Any]) -> str:
    patient = inputs["patient"]
    by = patient["dosing_weight"]
    told = [f"{patient['weight']}, dosed by {by if by[0].isdigit() else f'{by} weight'}"]
    told += [str(patient[key]) for key in ("height", "age", "sex") if key in patient]
    return " · ".join(told)


def _flag(flag: Flag) -> _Markup:
    told: list[object] = [_joined([_label(flag.severity), _tag("b", flag.code), f"{flag.quantity}: {flag.value}"], " ")]
    if flag.limit is not None:
        limit = f"limit {flag.limit}" + (f" ({flag.limit_id})" if flag.limit_id else "")
        told.append(limit if flag.margin is None else f"{limit}, beyond it by {flag.margin.removeprefix('-')}")
    if flag.first_min is not None:
        lasting = "" if flag.minutes is None else f", for {shown(flag.minutes)} min"
        told.append(f"first at {shown(flag.first_min)} min{lasting}")
    lines = [_p(_joined(told, " · "))]
    for name, said in (("driver", flag.driver), ("clears at", flag.clears_at), ("source", flag.source)):
        if said:
            lines.append(_p(f"{name}: {said}", style="small"))
    return _tag("div", *lines, style="flag")


def _why(check: Check) -> _Markup:
    required = [_tag("b", "required")] if check.required else []
    return _joined([f"{check.id}: {check.why or 'no reason given'}", *required], " · ")


def _delivered(d: Delivery) -> _Markup:
    """What went in of the order, input by input, and what happened to it."""
    lines: list[object] = [_p(f"{shown(d.delivered_mg)} mg of base of {shown(d.ordered_mg)} mg ordered")]
    lines += [_p(f"{i.input}: {i.note or i.state}") for i in d.inputs[:12]]
    if len(d.inputs) > 12:
        lines.append(_p(f"and {len(d.inputs) - 12} more inputs"))
    if d.line is not None and d.line.primed_mg:
        lines.append(_p(f"the line: {shown(d.line.delivered_mg)} mg of {shown(d.line.primed_mg)} mg primed went in"))
    happened = [f"{e.event.replace('_', ' ')} of {e.input} at {shown(e.at_min)} min" for e in d.events[:12]]
    if len(d.events) > 12:
        happened.append(f"and {len(d.events) - 12} more events")
    if happened:
        lines.append(_p(" · ".join(happened), style="small"))
    return _joined(lines, "")


def result(r: Result) -> str:
    """The card of a result."""
    inputs, model, summary, assessment, solvers = r.inputs, r.model, r.summary, r.assessment, r.ketpk
    order = _joined((_p(_input(each, inputs["form"])) for each in inputs["order"][:12]), "")
    if len(inputs["order"]) > 12:
        order = _joined([order, _p(f"and {len(inputs['order']) - 12} more inputs")], "")
    told = [("Patient", _patient(inputs)), ("Order", order)]
    if r.sessions:
        first, last = r.sessions[0], r.sessions[-1]
        spoken = f"{len(r.sessions)} of this order, from {shown(first.start_min)} to {shown(last.start_min)} min"
        peaks = f"peaks {shown(first.cmax_ng_per_mL)} (first) and {shown(last.cmax_ng_per_mL)} ng/mL (last)"
        told.append(("Sessions", f"{spoken} · {peaks}"))
    began = inputs["initial_state"]
    if isinstance(began, str):
        state = f"{began} at 0 min"
    else:
        saved = began["saved"]
        at = saved["at"] if "at" in saved else f"{shown(saved['saved_at_us'] / 6e7)} min"
        state = f"goes on from a state saved at {at}"
    if r.delivery is not None:
        told.append(("Delivered", _delivered(r.delivery)))
    told.append(("Drug", f"{inputs['analyte']} · milligrams of {inputs['form']} · {state}"))
    shown_model: list[object] = [
        _p(f"{model['id']} · {_site(model['site'])} · built on {', '.join(model['analytes'])}")
    ]
    shown_model.append(_p(_cited(model), style="small"))
    if model["extrapolated"]:
        shown_model.append(_p(f"extrapolated: {'; '.join(model['extrapolated'])}"))
    if model.get("enantiomers_assumed_alike"):
        shown_model.append(_p("enantiomers assumed alike"))
    told.append(("Model", _joined(shown_model, "")))

    curves = [("plasma", summary.cmax_ng_per_mL, summary.tmax_min, summary.auc_inf_ng_h_per_mL)]
    heads = ["curve, base", "peak [ng/mL]", "at [min]", "AUC without end [ng h/mL]"]
    rows = [(name, shown(peak), shown(at), shown(area)) for name, peak, at, area in curves]
    if summary.effect_site is not None:
        rows.append(
            ("effect site", shown(summary.effect_site.cmax_ng_per_mL), shown(summary.effect_site.tmax_min), "–")
        )
    apparent = {m["name"] for m in model.get("metabolites", ()) if m.get("apparent")}
    for name, of in summary.metabolites.items():
        named = f"{name} (apparent)" if name in apparent else name
        rows.append((named, shown(of.cmax_ng_per_mL), shown(of.tmax_min), shown(of.auc_inf_ng_h_per_mL)))
    facts = [f"delivered {shown(summary.delivered_mg)} mg of base"]
    facts.append(f"terminal half-life {shown(summary.terminal_half_life_min)} min")
    felt = [
        (
            f"{e.name} of {e.of.replace('_', ' ')}",
            f"{shown(e.baseline)} {e.unit}",
            f"{shown(e.highest.value)} {e.unit} at {shown(e.highest.min)} min",
            f"{shown(e.lowest.value)} {e.unit} at {shown(e.lowest.min)} min",
            e.source,
        )
        for e in r.effects.values()
    ]
    above = [
        f"plasma above {shown(t.threshold_ng_per_mL)} ng/mL "
        + ("never" if t.first_min is None else f"for {shown(t.minutes)} min, first at {shown(t.first_min)} min")
        for t in r.time_above
    ]

    verdict = str(r.verdict)
    by: list[object] = [_label(verdict, f"verdict: {verdict}"), assessment.basis]
    outcomes = [c.outcome for c in assessment.checks]
    counts = f"{len(outcomes)} checks: " + ", ".join(
        f"{outcomes.count(o)} {'not evaluated' if o == 'unevaluated' else o}"
        for o in ("passed", "flagged", "unevaluated")
    )
    parts: list[object] = [_p("ketpk result", style="title"), _table(told), _table(rows, heads)]
    if felt:
        parts.append(_table(felt, ("effect", "without drug", "highest", "lowest", "source")))
    parts += [_p(" · ".join(facts))] + [_p(line) for line in above] + [_p(_joined(by, " "), style="verdict")]
    used = assessment.limits
    if used is None:
        parts.append(_p("no limits were given"))
    else:
        parts.append(_p(f"limits {used.id} · version {used.version} · status {used.status}"))
        if used.status == "example":
            parts.append(_p(_EXAMPLE, style="loud"))
    parts.append(_p(f"Flags: {len(r.flags) or 'none'}", style="head"))
    parts += [_flag(f) for f in r.flags]
    parts.append(_p(counts, style="head"))
    missing = [c for c in assessment.checks if c.outcome == "unevaluated"]
    if missing:
        parts += [_p("not evaluated:"), _list(_why(c) for c in missing)]
    if assessment.overrides:
        parts.append(_p(f"overrides recorded: {len(assessment.overrides)}; they change no verdict"))
    agreement = "no second solver was asked"
    if solvers.agreement_rel is not None:
        agreement = f"{solvers.solver} and {solvers.second_solver} differ by {solvers.agreement_rel:.2g} relative"
    balance = f"mass balance off by {solvers.mass_balance_rel:.2g} relative"
    parts.append(_p(f"{agreement} · {balance} · ketpk {solvers.version}", style="small"))
    parts.append(_p(_NO_DEVICE, style="small"))
    return _tag("div", *parts, style="card")


# ---------------------------------------------------------------------------------------------------------------------


def _of_site(s: Spread, site: SiteSpread) -> Iterable[_Markup]:
    """The models of one sampling site side by side, and how far apart they lie."""
    yield _p(_site(site.site)[:1].upper() + _site(site.site)[1:], style="head")
    levels = [f"above {shown(t.threshold_ng_per_mL)} ng/mL [min]" for t in site.time_above]
    rows: list[list[object]] = []
    for id in site.models:
        r = s[id]
        marks = (" (S)" if r.model.get("enantiomers_assumed_alike") else "") + (
            " (x)" if r.model["extrapolated"] else ""
        )
        verdict = _label(str(r.verdict)) if r.assessment.limits is not None else "no limits given"
        numbers = [r.summary.cmax_ng_per_mL, r.summary.tmax_min, r.summary.auc_inf_ng_h_per_mL]
        numbers += [t.minutes for t in r.time_above]
        rows.append([id + marks, *map(shown, numbers), verdict])
    ranges: list[Range] = [site.cmax_ng_per_mL, site.tmax_min, site.auc_inf_ng_h_per_mL]
    ranges += [t.minutes for t in site.time_above]
    if len(site.models) > 1:
        rows += [[each, *(shown(getattr(r, each)) for r in ranges), ""] for each in ("lowest", "median", "highest")]
    yield _table(rows, ("model", "peak [ng/mL]", "at [min]", "area [ng h/mL]", *levels, "verdict"))
    if len(site.models) == 1:
        yield _p("One model, so nothing is known of a spread here.", style="small")
    for flag in site.flags:
        who = f"{flag.code} by {len(flag.models)} of {flag.of}: {', '.join(flag.models)}"
        yield _p(_label(flag.severity), " ", who, style="plain")
    for check in site.not_evaluated:
        yield _p(f"required, not evaluated: {check.id} by {', '.join(check.models)}", style="small")
    for group in site.same_source:
        yield _p(f"{' and '.join(group)} share one source.", style="small")


def spread(s: Spread) -> str:
    """Several models side by side, sampling site by sampling site."""
    inputs = s.inputs
    parts: list[object] = [
        _p(f"{len(s)} models answer, {len(s.refused)} not asked", style="title"),
        _p(_patient(inputs)),
        *(_p(_input(given, inputs["form"])) for given in inputs["order"]),
    ]
    for site in s.sites:
        parts += _of_site(s, site)
    parts.append(
        _p(
            "Models differ in drug analysed, study and sampling site at once, so no difference between them is the "
            "effect of one of these, and their range is none of patients.",
            style="small",
        )
    )
    if any(r.model.get("enantiomers_assumed_alike") for r in s.results):
        parts.append(_p("(S): built on S-ketamine, run as if both enantiomers behaved alike.", style="small"))
    if any(r.model["extrapolated"] for r in s.results):
        parts.append(_p("(x): extrapolated beyond whom the model was built on.", style="small"))
    if s.refused:
        parts.append(_p("Not asked", style="head"))
        parts.append(_list(f"{r.id}: {r.field} {r.message.partition('; accepted')[0]}" for r in s.refused))
    parts.append(_p(_NO_DEVICE, style="small"))
    return _tag("div", *parts, style="card")


def _crossed(limit: LimitInCohort) -> Iterable[object]:
    """How often the bounds of a limit are crossed, and how often they may be."""
    if limit.beyond_any is None or limit.beyond_hard is None:
        return (limit.id, f"not evaluated: {limit.why or 'no reason given'}", "", "")
    may = "–" if limit.max_probability is None else f"{shown(100 * limit.max_probability)} %"
    return (limit.id, str(limit.beyond_any), str(limit.beyond_hard), may)


def _spread_over(s: Spreading, percentiles: Iterable[float]) -> Iterable[object]:
    level = s.name.removeprefix("minutes_above_").removesuffix("_ng_per_mL")
    names = {
        "cmax_ng_per_mL": "peak [ng/mL]",
        "tmax_min": "at [min]",
        "auc_inf_ng_h_per_mL": "area without end [ng h/mL]",
    }
    numbers = [s.mean, *(s.at_percentiles[p] for p in percentiles), s.lowest, s.highest]
    return (names.get(s.name, f"above {level} ng/mL [min]"), *map(shown, numbers))


def cohort(c: Cohort) -> str:
    """What an order does in a population."""
    asked, session, model = c.inputs["cohort"], c.inputs["session"], c.model
    given = [
        f"{each.get('infuse') or each.get('infuse_at_rate') or each['bolus']}"
        + (f" over {each['over']}" if "over" in each else " at once")
        for each in session["order"][:12]
    ]
    told: list[tuple[str, object]] = [
        ("Order", f"{' · '.join(given)} · {session['analyte']} · milligrams of {session['form']}"),
        ("Model", _joined([_p(f"{model['id']} · {_site(model['site'])}"), _p(_cited(model), style="small")], "")),
        ("Subjects", f"{c.n_in} = {c.n_ok} answered + {c.n_failed} failed · seed {asked['seed']}"),
    ]
    parts: list[object] = [_p("ketpk cohort", style="title"), _table(told)]
    if c.failed:
        parts.append(_p("Failed", style="head"))
        parts.append(_list(f"subject {f.subject}: {f.code} {f.field}" for f in c.failed[:12]))
        if len(c.failed) > 12:
            parts.append(_p(f"and {len(c.failed) - 12} more"))
    if not c.has_statistics:
        parts.append(_p("No statistics: subjects failed, and those of the others were not asked.", style="loud"))
    else:
        percentiles = list(next(iter(c.summaries.values())).at_percentiles)[:7]
        heads = ["over the subjects", "mean", *(f"{p:g} %" for p in percentiles), "lowest", "highest"]
        parts.append(_table((_spread_over(s, percentiles) for s in c.summaries.values()), heads))
        error = next(iter(c.summaries.values())).error_rel
        exact = "exact" if not error else f"within {100 * error:.2g} %"
        parts.append(_p(f"percentiles by definition 7 of Hyndman and Fan, {exact}", style="small"))
        if c.limits:
            heads = ["limit", "beyond a bound", "beyond a hard bound", "at most"]
            parts.append(_table((_crossed(limit) for limit in c.limits.values()), heads))
            parts.append(_p("shares of subjects, each with its 95 % interval", style="small"))
    used = c.assessment.limits
    by: list[object] = [_label(str(c.verdict), f"verdict: {c.verdict}"), c.assessment.basis]
    parts.append(_p(_joined(by, " "), style="verdict"))
    if used is None:
        parts.append(_p("no limits were given"))
    else:
        parts.append(_p(f"limits {used.id} · version {used.version} · status {used.status}"))
        if used.status == "example":
            parts.append(_p(_EXAMPLE, style="loud"))
    parts += [_flag(f) for f in c.flags]
    parts.append(_p(f"solver {c.road}", style="small"))
    parts.append(_p(_NO_DEVICE, style="small"))
    return _tag("div", *parts, style="card")


def _rule(exponent: object, reference: object) -> str:
    """How a parameter goes with body weight."""
    if exponent == 0:
        return "as it is for any weight"
    return f"× weight / {reference}" if exponent == 1 else f"× (weight / {reference}) to the power of {exponent}"


def _followed(effect: Mapping[str, Any]) -> str:
    """How a parameter follows a covariate."""
    name = effect["covariate"]
    if effect["form"] == "levels":
        return ", ".join(
            f"× {shown(level['factor'])} where {name} is {shown(level['is'])}" for level in effect["levels"]
        )
    reference, coefficient = shown(effect["reference"]), shown(effect["coefficient"])
    return {
        "power": f"× ({name} / {reference})^{coefficient}",
        "linear": f"× (1 + {coefficient} ({name} - {reference}))",
        "exponential": f"× exp({coefficient} ({name} - {reference}))",
        "added-above": f"and {coefficient} for each of {name} above {reference}",
    }[effect["form"]]


def _parameters(rows: Iterable[Mapping[str, Any]], reference: object) -> _Markup:
    told: list[tuple[object, ...]] = []
    for p in rows:
        rule = _rule(p.get("weight_exponent", 0), reference)
        told.append((p["name"], p["value"], rule, p.get("source") or "no source"))
        for e in p.get("covariates", ()):
            told.append((f"{p['name']} by {e['covariate']}", _followed(e), "", e.get("source") or "no source"))
    return _table(told, ("parameter", "value", "with weight", "source"))


def _domain(domain: Mapping[str, Any]) -> _Markup:
    if domain["statement"] == "not-stated":
        return _Markup("not stated")
    bounds = [
        f"{key.removesuffix('_' + unit).replace('_', ' ')} {shown(domain[key])} {unit}"
        for key, unit in (
            ("age_low_yr", "yr"),
            ("age_high_yr", "yr"),
            ("weight_low_kg", "kg"),
            ("weight_high_kg", "kg"),
        )
        if domain[key] is not None
    ]
    told = [_p(f"{domain['statement']}" + (f" ({', '.join(bounds)})" if bounds else ""))]
    if domain["source"]:
        told.append(_p(domain["source"], style="small"))
    return _joined(told, "")


def model(m: Model) -> str:
    """The card of a model."""
    about: list[tuple[object, object]] = [
        ("Citation", _cited({"citation": m.citation, "doi": m.doi})),
        ("Sampling site", "not stated" if m.site == "not-stated" else m.site),
        ("Analytes", ", ".join(m.analytes)),
        ("Population", m.population),
        ("Domain", _domain(m.domain)),
    ]
    if m.corroboration:
        about.append(("Corroboration", m.corroboration))
    if m.confidence != "not-stated":
        about.append(("Confidence", f"{m.confidence} that these are the paper's numbers"))
    if m.domain.get("only_for"):
        about.append(("Only for", m.domain["only_for"]))
    parts: list[object] = [_p(f"{m.id} · {m.label}", style="title")]
    if m.not_for_use is not None:
        parts.append(_p(f"Not for use: {m.not_for_use}", style="loud"))
    parts += [_table(about), _p("Parameters", style="head"), _parameters(m.parameters, m.reference_weight)]
    if m.effect_site is not None:
        ke0 = {**m.effect_site, "name": "ke0", "value": m.effect_site["ke0"]}
        parts += [_p("Effect site", style="head"), _parameters([ke0], m.reference_weight)]
    for each in m.metabolites:
        name = f"Metabolite {each['name']}" + (", apparent parameters" if each.get("apparent") else "")
        fraction = f"{shown(each['fraction'])} mg formed per mg of parent eliminated"
        parts += [_p(name, style="head"), _p(fraction), _parameters(each["parameters"], m.reference_weight)]
        if "delay" in each:
            parts.append(_p(f"Formed through {shown(each['delay']['transits'])} transit compartments"))
            parts.append(_parameters(each["delay"]["parameters"], m.reference_weight))
    for effect in m.effects:
        heading = f"Effect {effect['name']} of {effect['of'].replace('_', ' ')}, {effect['kind']}"
        said = [f"{k} {v}" for k, v in effect.items() if k not in ("name", "of", "kind", "source")]
        parts += [_p(heading, style="head"), _p(" · ".join(said)), _p(effect["source"], style="small")]
    for depot in m.absorption:
        parts += [_p(f"Absorbed from {depot['name']} into {depot['into']}", style="head")]
        parts.append(_parameters([{"name": "ka", **depot["ka"]}], m.reference_weight))
    for compartment, entry in m.entries.items():
        parts += [_p(f"Entering {compartment}", style="head")]
        parts.append(_parameters(({"name": n, **p} for n, p in entry.items()), m.reference_weight))
    if m.variability is not None:
        varies = f"Varies between subjects: {', '.join(m.variability['parameters'])}"
        parts += [_p(varies, style="head"), _p(m.variability.get("source") or "no source", style="small")]
    if m.derived is not None:
        halves = ", ".join(f"{shown(t)} min" for t in m.derived["half_life_min"])
        parts += [_p("What follows", style="head"), _p(f"half-lives {halves} · Vss {shown(m.derived['Vss_L'])} L")]
    if m.uncertainties:
        parts += [_p("What is not known, or assumed", style="head"), _list(m.uncertainties)]
    parts.append(_p("A typical patient of this model; nothing is said of any one person. " + _NO_DEVICE, style="small"))
    return _tag("div", *parts, style="card")


# ---------------------------------------------------------------------------------------------------------------------

_EXAMPLE = "STATUS EXAMPLE: an example to try the program with, not a clinic's own limits."
_BOUNDS = ("hard_low", "soft_low", "soft_high", "hard_high")


def _spoken(row: Mapping[str, Any]) -> str:
    """What a limit is on: its quantity, and the level, site or window that belong to it."""
    also = [f"of {row['level']}"] if "level" in row else []
    also += [f"{row['site']}"] if "site" in row else []
    also += [f"within {row['window']}"] if "window" in row else []
    return " · ".join([str(row["quantity"]).replace("_", " "), *also])


def limits(l: Limits) -> str:  # noqa: E741
    """The card of a limits set."""
    rows = (
        (
            row["id"],
            _spoken(row),
            *(row.get(bound, "–") for bound in _BOUNDS),
            "yes" if row["required"] else "no",
            row["source"],
        )
        for row in l.rows
    )
    heads = ("limit", "quantity", *(bound.replace("_", " ") for bound in _BOUNDS), "required", "source")
    parts: list[object] = [_p(f"Limits {l.id} · version {l.version}", style="title")]
    parts.append(_p(_EXAMPLE, style="loud") if l.status == "example" else _p(f"status {l.status}"))
    parts.append(_p(f"approver: {l.approver} · in force from {l.effective} to {l.expires}"))
    parts += [_table(rows, heads), _p(f"sha256 {l.sha256}", style="small")]
    parts.append(_p("Compared with a typical patient of a model. " + _NO_DEVICE, style="small"))
    return _tag("div", *parts, style="card")
