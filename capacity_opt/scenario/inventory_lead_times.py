"""Random lead times of items: from a table of probabilities, from mean and standard deviation, or from disruptions.

Every kind becomes probabilities of whole periods, so the optimiser mixes them exactly and the judge can play them.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import scipy
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.disruption import disrupted_lead_time
from capacity_opt.scenario import schema
from capacity_opt.scenario.load import Source
from capacity_opt.scenario.problems import Problems
from capacity_opt.scenario.typed import Context, TypedTable, typed

Array = NDArray[np.float64]
Chances = dict[float, float]
# Chances below this are dropped, the others scaled up.
NEGLIGIBLE = 1e-9


def lead_time_chances(
    source: Source, items: TypedTable, lead: Array, context: Context
) -> tuple[tuple[int, ...], tuple[Chances, ...]]:
    """Per item the number of its distribution (-1: a fixed lead time), and the distributions."""
    count = len(items)
    found: list[Chances | None] = [None] * count
    _from_table(source, found, context)
    for line in np.flatnonzero(items.numbers["lead_time_sd"] > 0):
        _once(found, int(line), _gamma(float(lead[line]), float(items.numbers["lead_time_sd"][line])), items, context)
    for line in np.flatnonzero(items.numbers["disruption_rate"] > 0):
        if not items.texts["policy"][line].startswith("eoq"):
            _disrupted(found, int(line), float(lead[line]), items, context.problems)
    kinds: dict[tuple[tuple[float, float], ...], int] = {}
    numbers = [-1 if each is None else kinds.setdefault(tuple(sorted(each.items())), len(kinds)) for each in found]
    return tuple(numbers), tuple(dict(kind) for kind in kinds)


def _from_table(source: Source, found: list[Chances | None], context: Context) -> None:
    section = source.spec.inventory
    if section is None or section.lead_times is None:
        return
    text = source.table(section.lead_times, [column.name for column in schema.LEAD_TIMES.columns], "lead_times")
    if text is None:
        return
    table = typed(text, schema.LEAD_TIMES, context)
    rows = zip(table.positions["item"], table.numbers["lead_time"], table.numbers["probability"], strict=True)
    named: dict[int, Chances] = {}
    for item, periods, chance in rows:
        if not np.isnan(periods + chance):
            held = named.setdefault(int(item), {})
            held[float(np.rint(periods))] = held.get(float(np.rint(periods)), 0.0) + float(chance)
    for item, chances in named.items():
        if abs(sum(chances.values()) - 1.0) > 1e-6:
            name = "all items" if item < 0 else list(context.ids["items"])[item]
            context.problems.error(
                "E237",
                table.file,
                f"probabilities of {name} sum to {sum(chances.values()):g}",
                fix="Make them sum to 1",
            )
    for place in range(len(found)):
        found[place] = named.get(place, named.get(-1))


def _once(found: list[Chances | None], line: int, chances: Chances, items: TypedTable, context: Context) -> None:
    if found[line] is not None:
        context.problems.error(
            "E207",
            items.file,
            "has lead_time_sd or disruption_rate, and rows in lead_times: the lead time is random twice",
            row=items.rows[line],
            fix="Keep one",
        )
    found[line] = chances


def _disrupted(found: list[Chances | None], line: int, lead: float, items: TypedTable, problems: Problems) -> None:
    """An order placed while the supplier is down waits until it is up again."""
    try:
        down, chance = disrupted_lead_time(
            float(items.numbers["disruption_rate"][line]), float(items.numbers["recovery_rate"][line]), tail=NEGLIGIBLE
        )
    except ArgumentError as error:
        problems.error("E207", items.file, str(error), row=items.rows[line], fix="Write recovery_rate, above 0")
        return
    base = found[line] or {lead: 1.0}
    mixed: Chances = {}
    for periods, share in base.items():
        for more, also in zip(down.tolist(), chance.tolist(), strict=True):
            mixed[periods + more] = mixed.get(periods + more, 0.0) + share * also
    found[line] = mixed


def _gamma(mean: float, deviation: float) -> Chances:
    """A gamma lead time of that mean and deviation, rounded to whole periods such that the mean is kept."""
    shape, scale = (mean / deviation) ** 2, deviation**2 / mean if mean > 0 else 0.0
    if mean <= 0:
        return {0.0: 1.0}
    top = int(np.ceil(mean + 12.0 * deviation + 12.0 * scale)) + 1
    edge = np.arange(-1, top + 1)
    at = np.maximum(edge, 0.0) / scale
    # E[(L - x)+]; its second differences are the masses that linear interpolation keeps the mean with.
    over = mean * scipy.special.gammaincc(shape + 1.0, at) - np.maximum(edge, 0.0) * scipy.special.gammaincc(shape, at)
    over = over + np.maximum(-edge, 0.0)
    mass = np.maximum(over[:-2] - 2.0 * over[1:-1] + over[2:], 0.0)
    kept = np.where(mass > NEGLIGIBLE, mass, 0.0)
    share = kept / kept.sum()
    return cast(Chances, {float(k): float(share[k]) for k in np.flatnonzero(share)})
