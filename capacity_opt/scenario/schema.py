"""What each table may hold: its columns, their types, units, rules and defaults. Documentation is made from this.

A column's default is used where the column is absent or its cell is blank; a column without one is required.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["id", "ids", "text", "number", "whole", "flag", "period", "duration", "money"]
Rule = Literal["any", "non_negative", "positive", "share", "fraction", "fraction_or_one"]

DURATION_UNITS = ("periods", "hours", "days", "weeks", "months", "quarters", "years")


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``kind`` says how a cell is read; ``rule`` what it must satisfy; ``of`` which table's ids it names.

    ``duration`` columns end in their unit (``lead_time_days``; ``bare``: without one they are in periods); ``money``
    columns may end in the scenario's currency (``price_usd``). Blank ids mean "all" where ``default`` is ``""``.
    """

    name: str
    kind: Kind
    meaning: str
    default: float | str | bool | _Required = REQUIRED
    rule: Rule = "non_negative"
    unit: str = ""
    of: str = ""
    bare: bool = True
    example: str = ""

    @property
    def required(self) -> bool:
        """Whether the column must be there and no cell may be blank."""
        return isinstance(self.default, _Required)


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table: the key of ``scenario.toml`` that names its file, its columns, and those that identify a row."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def plus(self, columns: Sequence[Column]) -> TableSchema:
        """The same table with more columns (resources, quantiles)."""
        return replace(self, columns=(*self.columns, *columns))


NAN = float("nan")
INFINITE = float("inf")
SERVER_TYPE = Column("server_type", "id", "server type", of="server_types", example="gen9")
ANY_SERVER_TYPE = replace(SERVER_TYPE, default="", meaning="server type; blank: all")
ZONE = Column("zone", "id", "zone", of="zones", example="z1")
ANY_ZONE = replace(ZONE, default="", meaning="zone; blank: all")
ANY_PERIOD = Column("period", "period", "period; blank: all", default="", example="2027-03-01")
CLASS = Column("class", "id", "demand class", of="classes", example="critical")
NOTE = Column("note", "text", "anything; source or assumption. Allowed in every table", default="")


def resource_columns(resources: Sequence[str], *, prefix: str = "", meaning: str, default: float) -> list[Column]:
    """One number column per resource of ``[fleet] resources``."""
    return [Column(f"{prefix}{name}", "number", meaning.format(name), default=default) for name in resources]


SERVER_TYPES = TableSchema("server_types", "models of server that the fleet may hold", ("server_type",), (
    Column("server_type", "id", "server type", example="gen9"),
    Column("family", "text", "family, for reports", default=""),
    Column("price", "money", "price of one server, paid when ordered", default=0.0, unit="per server", example="9000"),
    Column("opex", "money", "running cost of a server in service", default=0.0, unit="per server and period"),
    Column("lot", "whole", "servers in a rack, the unit of an order", default=1.0, rule="positive", unit="servers"),
    Column("lead_time", "duration", "from order to service; rounded up to whole periods", default=0.0),
    Column("life", "duration", "time in service, then it leaves; rounded up", default=INFINITE, rule="positive"),
    Column("power_kw", "number", "power at full load", default=0.0, unit="kW per server"),
    Column("rack_units", "number", "height in a rack", default=0.0, unit="U per server"),
    Column("annual_failure_rate", "number", "share of the servers in service lost for good in a year", default=0.0,
           rule="share", unit="per year"),
    Column("failure_rate", "number", "the same per period, instead of annual_failure_rate", default=NAN, rule="share",
           unit="per period"),
    Column("retirable", "flag", "the plan may retire the servers that are there now early", default=False),
    Column("retirement_cost", "money", "cost of retiring one server early", default=0.0, unit="per server"),
    Column("salvage", "money", "got back for a server at the end, or when retired early", default=0.0,
           unit="per server"),
    Column("order_limit", "number", "most racks ordered per zone and period", default=INFINITE, unit="racks"),
    Column("order_minimum", "number", "least racks in an order that is placed at all", default=0.0, unit="racks"),
    Column("space_m2", "number", "floor space", default=0.0, unit="m2 per server"),
    Column("never_shrink", "flag", "servers in service may never fall from one period to the next", default=False),
    Column("never_grow", "flag", "servers in service may never rise", default=False),
    Column("change_cost", "money", "cost of each rack more or less than last_plan.csv has", default=0.0,
           unit="per rack"),
    NOTE,
))  # fmt: skip

ZONES = TableSchema("zones", "failure domains and their limits", ("zone",), (
    Column("zone", "id", "zone", example="z1"),
    Column("region", "id", "zones of one region serve the same demand", default="main", example="eu-west"),
    Column("power_limit_kw", "number", "power of all servers in service", default=INFINITE, unit="kW"),
    Column("rack_unit_limit", "number", "rack units of all servers in service", default=INFINITE, unit="U"),
    Column("space_limit_m2", "number", "floor space of all servers in service", default=INFINITE, unit="m2"),
    NOTE,
))  # fmt: skip

CLASSES = TableSchema("classes", "demand classes, the most critical first (or by priority)", ("class",), (
    Column("class", "id", "demand class", example="critical"),
    Column("priority", "whole", "1 = most critical; blank: the order of the rows", default=NAN, rule="positive"),
    Column("penalty", "money", "cost of unmet demand", default=0.0, unit="per demand unit and period"),
    Column("shortage_allowed", "flag", "blank: as [fleet] shortage_allowed says", default=""),
    Column("fill_rate", "number", "promise: 1 - E[unmet] / E[demand]; blank: none", default=NAN,
           rule="fraction_or_one"),
    Column("no_shortage_probability", "number", "promise: P(no unmet demand); blank: none", default=NAN,
           rule="fraction_or_one"),
    Column("shortage_cvar_limit", "number", "promise: mean shortage in the worst outcomes; blank: none", default=NAN,
           unit="demand units"),
    Column("shortage_cvar_level", "number", "the worst 1 - level share of outcomes", default=0.95, rule="fraction"),
    Column("protected_share", "number", "share still served while any one zone is lost; blank: not protected",
           default=0.0, rule="share"),
    Column("server_types", "ids", "compatible server types, separated by |; blank: all", default="",
           of="server_types", example="gen9|gen10"),
    Column("allowed_regions", "ids", "regions that may serve it, separated by |; blank: only its home", default="",
           of="regions"),
    Column("spill_cost", "money", "cost of serving away from home", default=0.0, unit="per demand unit and period"),
    NOTE,
))  # fmt: skip

COMPATIBILITY = TableSchema(
    "compatibility", "what a class does on a server type; pairs not listed keep the defaults",
    ("class", "server_type"), (
    CLASS,
    SERVER_TYPE,
    Column("compatible", "flag", "whether the class can run there; blank: as classes.csv says", default=""),
    Column("performance", "number", "work of one unit of resource, nominal = 1", default=1.0, rule="positive"),
    Column("serve_cost", "money", "substitution or upgrade cost", default=0.0, unit="per demand unit and period"),
    NOTE,
))  # fmt: skip

SPILL = TableSchema(
    "spill", "which region may serve whose demand, at which cost; patches classes.csv, later rows win", (), (
    replace(CLASS, default="", meaning="demand class; blank: all"),
    Column("home_region", "id", "where the demand is at home; blank: all", default="", of="regions"),
    Column("region", "id", "where it may be served", of="regions"),
    Column("allowed", "flag", "whether it may", default=True),
    Column("spill_cost", "money", "cost of serving it there; blank: as classes.csv says", default=NAN,
           unit="per demand unit and period"),
    NOTE,
))  # fmt: skip

PROTECTION = TableSchema(
    "protection", "share of a class that must still be served while a zone is lost; patches classes.csv",
    ("class", "zone"), (
    CLASS,
    ANY_ZONE,
    Column("protected_share", "number", "share still served", rule="share"),
    NOTE,
))  # fmt: skip

INITIAL_STOCK = TableSchema("initial_stock", "servers in service at the start; a row per vintage", (), (
    SERVER_TYPE,
    ZONE,
    Column("servers", "number", "servers of this vintage", unit="servers"),
    Column("age", "duration", "time already in service; counts against the life", default=0.0),
    Column("decommission_period", "period", "planned to leave at the start of this period; blank: at the end of life",
           default=""),
    NOTE,
))  # fmt: skip

PLACED_ORDERS = TableSchema("placed_orders", "racks already on order; they are not decided again", (), (
    SERVER_TYPE,
    ZONE,
    Column("racks", "number", "racks", unit="racks"),
    Column("order_period", "period", "ordered (and paid) in this period of the horizon", default=""),
    Column("arrival_period", "period", "ordered and paid before the horizon; in service from this period", default=""),
    NOTE,
))  # fmt: skip

SUPPLY = TableSchema(
    "supply", "prices, delays and limits by zone and period; patches server_types.csv, later rows win", (), (
    ANY_SERVER_TYPE,
    ANY_ZONE,
    replace(ANY_PERIOD, meaning="order period (for opex: period of service); blank: all"),
    Column("price", "money", "price of one server", default=NAN, unit="per server"),
    Column("opex", "money", "running cost", default=NAN, unit="per server and period"),
    Column("lead_time", "duration", "from order to service; not by period", default=NAN),
    Column("order_limit", "number", "most racks", default=NAN, unit="racks"),
    Column("order_minimum", "number", "least racks in an order", default=NAN, unit="racks"),
    Column("retirable", "flag", "early retirement allowed; not by period", default=""),
    Column("never_shrink", "flag", "servers in service may never fall; not by period", default=""),
    Column("never_grow", "flag", "servers in service may never rise; not by period", default=""),
    NOTE,
))  # fmt: skip

LAST_PLAN = TableSchema("last_plan", "orders of the plan before this one; change_cost and minimum_change compare", (), (
    SERVER_TYPE,
    ZONE,
    Column("order_period", "period", "order period"),
    Column("racks", "number", "racks", unit="racks"),
    NOTE,
))  # fmt: skip

SAMPLE = Column(
    "sample", "id", "sample of the demand table in which it happens; blank: by chance", default="", example="high"
)

OUTAGES = TableSchema(
    "outages", "a zone is partly or wholly gone in a period; by chance independently by zone and period", (), (
    SAMPLE,
    ANY_ZONE,
    ANY_PERIOD,
    Column("probability", "number", "chance in a period; blank where the sample is named", default=NAN, rule="share"),
    Column("available_share", "number", "share of the servers that still work", default=0.0, rule="share"),
    NOTE,
))  # fmt: skip

DELAYS = TableSchema(
    "delays", "all orders of this plan come late; by chance independently by type and zone, else in time", (), (
    SAMPLE,
    ANY_SERVER_TYPE,
    ANY_ZONE,
    Column("delay", "duration", "later than the lead time; rounded up to whole periods"),
    Column("probability", "number", "chance; blank where the sample is named", default=NAN, rule="share"),
    NOTE,
))  # fmt: skip

OPTION_AVAILABILITY = TableSchema("option_availability", "how much of an option is there in a sample", (), (
    Column("option", "id", "name", of="options"),
    Column("sample", "id", "sample of the demand table", example="high"),
    ANY_PERIOD,
    Column("available_share", "number", "share of the option's limit that is there; 0: none (without a limit: 0 or 1)",
           default=0.0, rule="share"),
    NOTE,
))  # fmt: skip

COVERAGE = TableSchema("coverage", "other server types that an option serves", ("option", "server_type"), (
    Column("option", "id", "name", of="options"),
    SERVER_TYPE,
    Column("units", "number", "units of the option that one server of the type takes", rule="positive"),
    NOTE,
))  # fmt: skip

LIMITS = TableSchema("limits", "limits by zone and period; patches zones.csv, later rows win", (), (
    ANY_ZONE,
    ANY_PERIOD,
    Column("power_limit_kw", "number", "power", default=NAN, unit="kW"),
    Column("rack_unit_limit", "number", "rack units", default=NAN, unit="U"),
    Column("space_limit_m2", "number", "floor space", default=NAN, unit="m2"),
    NOTE,
))  # fmt: skip

BUDGETS = TableSchema("budgets", "money limits by period; patches [fleet], blank: none", ("period",), (
    ANY_PERIOD,
    Column("capex_budget", "money", "cash for orders placed in the period", default=NAN),
    Column("cumulative_budget", "money", "cash for orders placed up to and in the period", default=NAN),
    Column("opex_budget", "money", "running cost of the period", default=NAN),
    NOTE,
))  # fmt: skip

OPTIONS = TableSchema("options", "capacity bought as a service", ("option",), (
    Column("option", "id", "name", example="on-demand gen9"),
    Column("kind", "text", "on_demand, spot or commitment"),
    replace(SERVER_TYPE, meaning="counted in servers of this type"),
    Column("region", "id", "region; blank: one option per region", default="", of="regions"),
    Column("price", "money", "on-demand, spot: for use; commitment: used or not", unit="per server and period"),
    Column("limit", "number", "most servers", default=INFINITE, unit="servers"),
    Column("term", "duration", "how long a commitment binds", default=1.0, rule="positive", bare=False,
           example="12"),
    Column("availability", "number", "chance that spot is there", default=1.0, rule="share"),
    NOTE,
))  # fmt: skip

OPTION_PRICES = TableSchema(
    "option_prices", "prices and limits of options by period; patches options.csv", ("option", "period"), (
    Column("option", "id", "name", of="options"),
    ANY_PERIOD,
    Column("price", "money", "price", default=NAN, unit="per server and period"),
    Column("limit", "number", "most servers", default=NAN, unit="servers"),
    NOTE,
))  # fmt: skip

RACK_TYPES = TableSchema("rack_types", "empty racks that can be put up ([fleet.placement])", ("rack_type",), (
    Column("rack_type", "id", "rack type", example="42U"),
    Column("rack_units", "number", "height it holds", rule="positive", unit="U"),
    Column("power_kw", "number", "power it can feed", rule="positive", unit="kW"),
    Column("price", "money", "price of one; not part of the plan's cost", default=0.0, unit="per rack"),
    NOTE,
))  # fmt: skip

ROWS = TableSchema("rows", "rows of rack positions, what is free in each ([fleet.placement])", ("zone", "row"), (
    Column("row", "id", "row", example="hall 1 row A"),
    ZONE,
    Column("positions", "whole", "places free for a rack", unit="racks"),
    Column("power_kw", "number", "power free on the row's feed", unit="kW"),
    NOTE,
))  # fmt: skip

PLACEMENT_TABLES = (RACK_TYPES, ROWS)

ITEMS = TableSchema("items", "stocked items", ("item", "location"), (
    Column("item", "id", "item", example="dimm-64"),
    Column("location", "id", "where it is stocked", default=""),
    Column("description", "text", "for people", default=""),
    Column("unit_cost", "money", "value of one unit; with [inventory] carrying_rate gives holding_cost", default=NAN,
           unit="per unit"),
    Column("holding_cost", "money", "cost of one unit in stock; blank: carrying_rate x unit_cost", default=NAN,
           unit="per unit and period"),
    Column("stockout_cost", "money", "cost of one unit short (newsvendor: per unit; else per period too)", default=NAN,
           unit="per unit (and period)"),
    Column("fill_rate", "number", "target instead of stockout_cost: share of demand met from stock", default=NAN,
           rule="fraction"),
    Column("cycle_service_level", "number", "target instead: P(no stockout in a cycle)", default=NAN, rule="fraction"),
    Column("ready_rate", "number", "target instead: P(stock on hand at the end of a period)", default=NAN,
           rule="fraction"),
    Column("no_stockout", "number", "target instead (alpha): P(no backorders at the end of a period)", default=NAN,
           rule="fraction"),
    Column("gamma", "number", "target instead: 1 - expected backorders / mean demand per period", default=NAN,
           rule="fraction"),
    Column("fixed_cost", "money", "cost of placing an order", default=0.0, unit="per order"),
    Column("lead_time", "duration", "from order to arrival", default=0.0),
    Column("lead_time_sd", "duration", "its standard deviation: a gamma lead time, in whole periods; 0: fixed",
           default=0.0),
    Column("disruption_rate", "number", "chance per period that the supplier fails (eoq: failures per period)",
           default=0.0),
    Column("recovery_rate", "number", "chance per period that it recovers (eoq: recoveries per period)", default=0.0),
    Column("review_period", "duration", "time between reviews; blank: as [inventory] says", default=NAN),
    Column("policy", "text", "a policy of [inventory]; blank: as [inventory] says", default=""),
    Column("order_quantity", "number", "fixed lot Q; with it, rq finds only the reorder point", default=NAN,
           rule="positive", unit="units"),
    Column("on_hand", "number", "stock now", default=0.0, unit="units"),
    Column("on_order", "number", "ordered, not yet arrived", default=0.0, unit="units"),
    Column("backorders", "number", "owed to customers", default=0.0, unit="units"),
    Column("lot", "number", "orders come in multiples of", default=NAN, rule="positive", unit="units"),
    Column("minimum_order", "number", "least order", default=0.0, unit="units"),
    Column("maximum_level", "number", "no more than this in stock and on order", default=INFINITE, unit="units"),
    Column("order_capacity", "number", "wagner_whitin: most in one order", default=INFINITE, unit="units"),
    NOTE,
))  # fmt: skip
LEAD_TIMES = TableSchema("lead_times", "random lead times: a row per outcome", (), (
    Column("item", "id", "item; blank: all", default="", of="items"),
    Column("lead_time", "duration", "from order to arrival, whole periods"),
    Column("probability", "number", "its chance", rule="share"),
    NOTE,
))  # fmt: skip
NETWORK = TableSchema("network", "stages of [inventory.network]", ("stage",), (
    Column("stage", "id", "stage; serial: the row that meets demand first; two_echelon: a base each"),
    Column("supplied_by", "text", "guaranteed_service: stages it is made from, separated by |", default=""),
    Column("holding_cost", "money", "cost of one unit in stock there (serial: more than one stage upstream)",
           default=NAN, unit="per unit and period"),
    Column("lead_time", "duration", "serial: from the stage upstream; two_echelon: from the depot; "
           "guaranteed_service: processing", default=0.0),
    Column("inbound_time", "duration", "guaranteed_service: what the outside supplier quotes", default=0.0),
    Column("maximum_service_time", "duration", "guaranteed_service: longest time quoted to customers", default=NAN),
    Column("demand_deviation", "number", "guaranteed_service: standard deviation of a period's demand there",
           default=NAN),
    Column("safety_factor", "number", "guaranteed_service: standard deviations covered", default=1.645),
    Column("demand_rate", "number", "two_echelon: mean demand of the base", default=NAN, unit="units per period"),
    Column("repair_share", "number", "two_echelon: share mended at the base", default=0.0, rule="share"),
    Column("repair_time", "duration", "two_echelon: mean time of a repair at the base", default=0.0),
    NOTE,
))  # fmt: skip

FLEET_DEMAND_KEYS = (
    CLASS,
    Column("region", "id", "home region; may be absent where there is one", default="", of="regions"),
    Column("zone", "id", "pinned to this zone; blank: any of the region", default="", of="zones"),
    Column("period", "period", "period; may be absent where there is one", default=""),
    Column("block", "id", "block of [time] blocks; may be absent where there is one", default="", of="blocks"),
)
ITEM_DEMAND_KEYS = (
    Column("item", "id", "item", of="items"),
    Column("location", "id", "where", default=""),
    Column("period", "period", "period; may be absent: every period is alike", default=""),
)

FLEET_TABLES = (
    SERVER_TYPES, ZONES, CLASSES, COMPATIBILITY, SPILL, PROTECTION, INITIAL_STOCK, PLACED_ORDERS, SUPPLY, LIMITS,
    BUDGETS, OPTIONS, OPTION_PRICES, COVERAGE, LAST_PLAN, OUTAGES, DELAYS, OPTION_AVAILABILITY,
)  # fmt: skip
