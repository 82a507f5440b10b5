"""The reference page's generated parts: every key and every column, from the models that read them."""

from __future__ import annotations

import math
from typing import Any

from capacity_opt.scenario import schema
from capacity_opt.scenario.backtest_forecasts import SCHEMA as FORECASTS
from capacity_opt.scenario.backtest_tables import HISTORY
from capacity_opt.scenario.customer_tables import CUSTOMER_TABLES
from capacity_opt.scenario.recommend_tables import RECOMMEND_TABLES
from capacity_opt.scenario.requests import REQUESTS
from capacity_opt.scenario.schema import Column, TableSchema
from capacity_opt.scenario.spec import Spec

_RULES = {
    "any": "any number",
    "non_negative": ">= 0",
    "positive": "> 0",
    "share": "0 to 1",
    "fraction": "between 0 and 1, not 0 or 1",
    "fraction_or_one": "above 0, at most 1",
}


def keys_page() -> str:
    """Markdown tables of the keys of ``scenario.toml``, a section each."""
    whole = Spec.model_json_schema()
    parts = [_section("Top level", whole)]
    for name, definition in whole["$defs"].items():
        parts.append(_section(_heading(name), definition))
    return "\n".join(parts)


def tables_page() -> str:
    """Markdown tables of the columns of every table."""
    items = (schema.ITEMS, schema.LEAD_TIMES, schema.NETWORK)
    tables = (
        *schema.FLEET_TABLES,
        *schema.PLACEMENT_TABLES,
        REQUESTS,
        *CUSTOMER_TABLES,
        *RECOMMEND_TABLES,
        *items,
        HISTORY,
        FORECASTS,
    )
    return "\n".join(_table(table) for table in tables)


def filled(page: str) -> str:
    """``page`` with its generated parts (between markers) made anew."""
    for name, made in (("keys", keys_page()), ("tables", tables_page())):
        begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n{made}\n{end}{rest.partition(end)[2]}"
    return page


def _heading(name: str) -> str:
    inner = {"Block": "`[[time.blocks]]`", "Override": "`[[overrides]]`", "Variant": "`[variants.NAME]`"}
    inner |= {"Failures": "`[simulation.failures]`"}
    inner |= {"Placement": "`[fleet.placement]`", "Network": "`[inventory.network]`"}
    return inner.get(name, f"`[{name.lower()}]`")


def _section(heading: str, definition: dict[str, Any]) -> str:
    lines = [f"### {heading}", "", definition.get("description", ""), "", "| key | type | default | meaning |"]
    lines.append("|---|---|---|---|")
    required = definition.get("required", [])
    for name, field in definition.get("properties", {}).items():
        default = "**required**" if name in required else _code(field.get("default"))
        lines.append(f"| `{name}` | {_type(field)} | {default} | {_cell(field.get('description', ''))} |")
    return "\n".join([*lines, ""])


def _code(value: object) -> str:
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


def _type(field: dict[str, Any]) -> str:
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if "anyOf" in field:
        return " or ".join(_type(part) for part in field["anyOf"] if part.get("type") != "null")
    if "$ref" in field:
        return f"section {field['$ref'].rsplit('/', 1)[1].lower()}"
    names = {"array": "list", "object": "table", "integer": "whole number", "string": "text", "boolean": "flag"}
    return names.get(str(field.get("type")), str(field.get("type", "value")))


def _table(table: TableSchema) -> str:
    lines = [f"### `{table.name}.csv`", "", f"{table.meaning[0].upper()}{table.meaning[1:]}.", ""]
    lines += ["| column | type | default | meaning |", "|---|---|---|---|"]
    lines += [_column(column) for column in table.columns if column.name != "note"]
    return "\n".join([*lines, ""])


def _column(column: Column) -> str:
    unit = f" ({column.unit})" if column.unit else ""
    rule = f"; {_RULES[column.rule]}" if column.kind in ("number", "whole") and column.rule != "any" else ""
    default = "**required**" if column.required else _default(column.default)
    return f"| `{_written(column)}` | {column.kind}{rule} | {default} | {_cell(column.meaning)}{unit} |"


def _written(column: Column) -> str:
    if column.kind == "duration":
        return f"{column.name}_<unit>" + ("" if not column.bare else f"` or `{column.name}")
    return column.name


def _default(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else "none" if math.isinf(value) else f"{value:g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    import sys
    from pathlib import Path

    for name in sys.argv[1:]:
        target = Path(name)
        target.write_text(filled(target.read_text(encoding="utf-8")), encoding="utf-8")
