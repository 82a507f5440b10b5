"""Changes of a scenario: ``--set``, variants, and patches of table rows by key. One that matches nothing is a fault."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from capacity_opt.scenario.cells import CellError, number
from capacity_opt.scenario.problems import Problems, did_you_mean, shown
from capacity_opt.scenario.schema import DURATION_UNITS
from capacity_opt.scenario.tables import TextTable

_SET = re.compile(
    r"\s*(?P<path>[^=\[\]]*?(?:\[(?P<where>[^\]]*)\]\.(?P<column>[^=*]+?))?)\s*(?P<sign>\*?=)(?P<value>.*)", re.S
)

_UNIT = re.compile("[a-z]{2,3}|" + "|".join(DURATION_UNITS))


@dataclass
class Patch:
    """A change of the rows of one table: ``table`` is its key or file name; ``place`` says who asked for it."""

    table: str
    place: str
    where: dict[str, str] = field(default_factory=dict)
    set: dict[str, str] = field(default_factory=dict)
    scale: dict[str, float] = field(default_factory=dict)
    remove: bool = False
    row: int | None = None

    def as_override(self) -> dict[str, Any]:
        """As an entry of ``[[overrides]]``."""
        parts = {"where": self.where, "set": self.set, "scale": self.scale}
        return {"table": self.table, **{key: value for key, value in parts.items() if value}} | (
            {"remove": True} if self.remove else {}
        )


def patch_of(raw: Mapping[str, Any], place: str, row: int | None) -> Patch:
    """The patch that an ``[[overrides]]`` entry (already checked by the models) asks for."""
    return Patch(
        table=str(raw["table"]),
        place=place,
        where={key: cell_text(value) for key, value in raw.get("where", {}).items()},
        set={key: cell_text(value) for key, value in raw.get("set", {}).items()},
        scale={key: float(value) for key, value in raw.get("scale", {}).items()},
        remove=bool(raw.get("remove", False)),
        row=row,
    )


def cell_text(value: object) -> str:
    """A TOML value as the text of a cell."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def split_setting(
    text: str, table_keys: Sequence[str], problems: Problems, known_keys: Collection[str] = ()
) -> tuple[str, object] | Patch | None:
    """``path=value`` as a key and its value, or as a patch where the path begins with a table's name (and is not one of
    ``known_keys``, which settles a section and a table of the same name).

    >>> split_setting("fleet.gap=1%", [], Problems())
    ('fleet.gap', '1%')
    >>> split_setting("server_types[server_type=a].price*=1.1", ["server_types"], Problems()).scale
    {'price': 1.1}
    """
    found = _SET.fullmatch(text)
    if not found or not found["path"].strip():
        problems.error("E241", "--set", "must be path=value", value=shown(text), fix="For example --set fleet.gap=1%")
        return None
    head, _, rest = found["path"].partition(".")
    table = head.partition("[")[0].strip()
    if found["column"] is None and (table not in table_keys or not rest or found["path"].strip() in known_keys):
        if found["sign"] == "*=":
            problems.error(
                "E241", "--set", "*= scales columns of tables", value=shown(text), fix="Write the new value with ="
            )
            return None
        return found["path"].strip(), _toml_value(found["value"].strip())
    return _table_patch(table, found, rest, text, problems)


def _table_patch(table: str, found: re.Match[str], rest: str, text: str, problems: Problems) -> Patch | None:
    column = (found["column"] or rest).strip()
    where = {}
    for part in filter(None, (found["where"] or "").split(",")):
        key, _, value = part.partition("=")
        where[key.strip()] = value.strip()
    patch = Patch(table, f"--set {text}", where=where)
    if found["sign"] == "=":
        patch.set[column] = found["value"].strip()
        return patch
    try:
        patch.scale[column] = number(found["value"])
    except CellError as error:
        problems.error(error.code, "--set", error.rule, value=shown(found["value"]), fix=error.fix)
        return None
    return patch


def _toml_value(text: str) -> object:
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def set_key(data: dict[str, Any], dotted: str, value: object) -> None:
    """Put a value at a dotted path, making the sections on the way; the models check it afterwards."""
    parts = dotted.split(".")
    for part in parts[:-1]:
        inner = data.get(part)
        if not isinstance(inner, dict):
            inner = data[part] = {}
        data = inner
    data[parts[-1]] = value


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` on top of ``base``, section by section; lists are replaced whole."""
    result = dict(base)
    for key, value in over.items():
        inner = result.get(key)
        result[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return result


def apply_patch(table: TextTable, patch: Patch, columns: Sequence[str], problems: Problems) -> None:
    """Change the rows of ``table`` that the patch matches; ``columns`` may be added, others must be there."""
    patch = _with_units(patch, table)
    for name in patch.where:
        if name not in table.columns:
            _note(patch, f"{table.file} has no column {shown(name)}", did_you_mean(name, table.columns), problems)
            return
    rows = [i for i in range(len(table)) if all(table.columns[k][i].strip() == v for k, v in patch.where.items())]
    if not rows:
        told = ", ".join(f"{key}={value}" for key, value in patch.where.items())
        values = sorted({cell for key in list(patch.where)[:1] for cell in table.columns[key]})
        _note(
            patch,
            f"matches no row of {table.file} ({told})",
            did_you_mean(next(iter(patch.where.values()), ""), values),
            problems,
        )
        return
    if patch.remove:
        table.keep(sorted(set(range(len(table))) - set(rows)))
        return
    for name, text in patch.set.items():
        if name not in table.columns and not _add_column(table, name, columns, patch, problems):
            continue
        for row in rows:
            table.columns[name][row] = text
    for name, factor in patch.scale.items():
        _scale(table, name, factor, rows, patch, problems)


def _with_units(patch: Patch, table: TextTable) -> Patch:
    """``price`` may mean the table's ``price_usd``, ``lead_time`` its ``lead_time_months``."""

    def full(name: str) -> str:
        with_unit = [column for column in table.columns if _UNIT.fullmatch(column.removeprefix(f"{name}_"))]
        with_unit = [column for column in with_unit if column.startswith(f"{name}_")]
        return with_unit[0] if name not in table.columns and len(with_unit) == 1 else name

    return replace(
        patch,
        set={full(name): text for name, text in patch.set.items()},
        scale={full(name): factor for name, factor in patch.scale.items()},
    )


def _add_column(table: TextTable, name: str, columns: Sequence[str], patch: Patch, problems: Problems) -> bool:
    if name in columns:
        table.columns[name] = [""] * len(table)
        return True
    _note(patch, f"{table.file} has no column {shown(name)}", did_you_mean(name, [*table.columns, *columns]), problems)
    return False


def _scale(table: TextTable, name: str, factor: float, rows: list[int], patch: Patch, problems: Problems) -> None:
    if name not in table.columns:
        _note(patch, f"{table.file} has no column {shown(name)}", did_you_mean(name, table.columns), problems)
        return
    for row in rows:
        text = table.columns[name][row]
        try:
            table.columns[name][row] = repr(number(text) * factor) if text.strip() else text
        except CellError:
            _note(patch, f"{table.file}:{table.rows[row]}:{name} {shown(text)} is not a number to scale", "", problems)


def _note(patch: Patch, rule: str, fix: str, problems: Problems) -> None:
    problems.error("E241", patch.place, f"override {rule}", fix=fix, row=patch.row)
