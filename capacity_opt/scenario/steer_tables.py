"""Who may be steered, and where to: other regions, server types, services (classes) and hours (blocks of a period)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.scenario.problems import Problems, shown
from capacity_opt.scenario.schema import ANY_PERIOD, CLASS, NOTE, Column, TableSchema
from capacity_opt.scenario.typed import ALL, TypedTable

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

STEERABLE = TableSchema("steerable", "customers who may be asked to move; in the order in which they are asked",
    ("customer", "class", "region", "block"), (
    Column("customer", "text", "customer"),
    CLASS,
    Column("region", "id", "where it is now; blank where there is one region", default="", of="regions"),
    Column("block", "id", "the block of [time] blocks that would move; blank: all its hours", default="", of="blocks"),
    Column("units", "number", "demand that would move", rule="positive", unit="demand units"),
    replace(ANY_PERIOD, name="start", meaning="first period of the move; blank: the first"),
    replace(ANY_PERIOD, name="end", meaning="last period of the move; blank: the last"),
    NOTE,
))  # fmt: skip
AFFINITY = TableSchema("affinity", "what customers may be offered and their chances of taking it; a row per offer",
    ("customer", "region", "server_type", "class", "block"), (
    Column("customer", "text", "customer; blank: everybody who is not listed for the offer", default=""),
    Column("region", "id", "region offered; blank: as now", default="", of="regions"),
    Column("server_type", "id", "server type offered, whatever the class runs on otherwise; blank: as now", default="",
           of="server_types"),
    replace(CLASS, default="", meaning="alternative service: the class offered; blank: as now"),
    Column("block", "id", "hours offered, a block of [time] blocks; blank: as now", default="", of="blocks"),
    Column("affinity", "number", "chance that it moves when asked", rule="share"),
    Column("ratio", "number", "units it needs there for each unit here", default=1.0, rule="positive"),
    Column("concession", "money", "given up to the customer for moving", default=0.0,
           unit="per demand unit and period"),
    NOTE,
))  # fmt: skip


@dataclass(frozen=True)
class Offer:
    """A place to be: positions of region, server type, class and block, -1 where it stays as it is."""

    region: int = ALL
    server_type: int = ALL
    of_class: int = ALL
    block: int = ALL

    def told(self, problem: FleetProblem) -> str:
        """In words: ``region west, server type gen10``."""
        parts = (
            ("region", self.region, problem.sites.regions),
            ("server type", self.server_type, problem.server_types.names),
            ("class", self.of_class, problem.groups.classes),
            ("hours", self.block, problem.blocks),
        )
        return ", ".join(f"{what} {names[at]}" for what, at, names in parts if at != ALL)


@dataclass(frozen=True, kw_only=True)
class Steerable:
    """n customers to steer among m ``offers``. Per customer (n,): its demand ``group`` now, ``block`` (-1: all),
    ``units``, first and last period; per customer and offer (n, m): ``affinity`` (0: not offered), ``ratio``,
    ``concession``."""

    customers: tuple[str, ...]
    group: IntArray
    block: IntArray
    units: Array
    first: IntArray
    last: IntArray
    offers: tuple[Offer, ...]
    affinity: Array
    ratio: Array
    concession: Array


def read_steerable(
    asked: TypedTable, likes: TypedTable | None, problem: FleetProblem, problems: Problems
) -> Steerable | None:
    """The customers of ``asked`` and the offers of ``likes`` (without it: every other region, always taken)."""
    group = np.array([_home(asked, row, problem, problems) for row in range(len(asked))], dtype=np.int64)
    first = np.maximum(asked.positions["start"], 0)
    last = np.where(asked.positions["end"] == ALL, len(problem.periods) - 1, asked.positions["end"])
    for row in np.flatnonzero(last < first)[:1].tolist():
        problems.error("E237", asked.file, "ends before it starts", row=asked.rows[row], column="end",
                       fix="Write a period not before start, or leave it blank")  # fmt: skip
    if likes is None:
        regions = range(len(problem.sites.regions))
        offers = [Offer(region=g) for g in regions]
        affinity, ratio, concession = _everywhere(len(asked), len(offers))
    else:
        _check_offers(likes, problems)
        offers, (affinity, ratio, concession) = _listed(asked, likes)
    if problems.failed:
        return None
    found = Steerable(
        customers=tuple(asked.texts["customer"]),
        group=group,
        block=asked.positions["block"],
        units=asked.numbers["units"],
        first=first,
        last=last,
        offers=tuple(offers),
        affinity=affinity,
        ratio=ratio,
        concession=concession,
    )
    stays = np.array([[_stays(found, problem, i, offer) for offer in offers] for i in range(len(group))])
    return replace(found, affinity=np.where(stays.reshape(affinity.shape), 0.0, affinity))


def _home(asked: TypedTable, row: int, problem: FleetProblem, problems: Problems) -> int:
    """The group that holds the customer's demand: its class at its region, not pinned to a zone where there is one."""
    groups, regions = problem.groups, problem.sites.regions
    c, g = int(asked.positions["class"][row]), int(asked.positions["region"][row])
    g = 0 if g == ALL and len(regions) == 1 else g
    found = np.flatnonzero((groups.group_class == c) & (groups.home_region == g))
    if len(found):
        return int(found[np.argmin(groups.home_zone[found])])
    given = "/".join(filter(None, (asked.texts["class"][row], asked.texts["region"][row])))
    problems.error(
        "E208",
        asked.file,
        "no such class and region in the demand table",
        value=shown(given),
        row=asked.rows[row],
        column="region",
        fix=f"Have {', '.join(groups.names[:10])}",
    )
    return 0


def _check_offers(likes: TypedTable, problems: Problems) -> None:
    names = ("region", "server_type", "class", "block")
    for row in range(len(likes)):
        if all(likes.positions[name][row] == ALL for name in names):
            problems.error("E237", likes.file, "offers nothing", row=likes.rows[row], column="region",
                           fix="Name a region, server_type, class or block")  # fmt: skip


def _everywhere(customers: int, offers: int) -> tuple[Array, Array, Array]:
    shape = (customers, offers)
    return np.ones(shape), np.ones(shape), np.zeros(shape)


def _listed(asked: TypedTable, likes: TypedTable) -> tuple[list[Offer], tuple[Array, Array, Array]]:
    """The distinct offers; a customer's own row goes before everybody's."""
    places = [likes.positions[name] for name in ("region", "server_type", "class", "block")]
    rows = [Offer(*(int(place[row]) for place in places)) for row in range(len(likes))]
    offers = list(dict.fromkeys(rows))
    affinity, ratio, concession = _everywhere(len(asked), len(offers))
    affinity[:] = 0.0
    at = {offer: option for option, offer in enumerate(offers)}
    of_name: dict[str, list[int]] = {}
    for i, customer in enumerate(asked.texts["customer"]):
        of_name.setdefault(customer, []).append(i)
    for own in (False, True):
        for row, name in enumerate(likes.texts["customer"]):
            if bool(name) == own:
                who, option = of_name.get(name, []) if name else slice(None), at[rows[row]]
                affinity[who, option] = likes.numbers["affinity"][row]
                ratio[who, option] = likes.numbers["ratio"][row]
                concession[who, option] = likes.numbers["concession"][row]
    return offers, (affinity, ratio, concession)


def _stays(given: Steerable, problem: FleetProblem, customer: int, offer: Offer) -> bool:
    """Whether the offer is where the customer is already."""
    j = int(given.group[customer])
    here = (problem.groups.home_region[j], ALL, problem.groups.group_class[j], given.block[customer])
    there = (offer.region, offer.server_type, offer.of_class, offer.block)
    return all(to in (ALL, now) for to, now in zip(there, here))
