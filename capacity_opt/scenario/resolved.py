"""The scenario after ``extends``, variants and ``--set``, as TOML."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from capacity_opt.scenario.read import Scenario


def resolved_toml(scenario: Scenario, *, local: bool = False) -> str:
    """Every key with its value (defaults included, blanks left out); patches of tables stay as overrides.

    Reading it again beside the same tables gives the same scenario. ``local``: the files that were fetched from a
    database stand in for its queries.
    """
    data = scenario.spec.model_dump(exclude={"variants", "overrides"}, exclude_none=True, exclude_unset=False)
    data["overrides"] = [patch.as_override() for patch in scenario.patches]
    return toml_text(_replaced(data, scenario.fetched) if local and scenario.fetched else data)


def _replaced(data: dict[str, Any], words: dict[str, str]) -> dict[str, Any]:
    """The data with whole texts exchanged, however deep."""
    return {
        key: _replaced(value, words)
        if isinstance(value, dict)
        else words.get(value, value)
        if isinstance(value, str)
        else value
        for key, value in data.items()
    }


def toml_text(data: dict[str, Any]) -> str:
    """Plain values as TOML: simple keys first, then sections."""
    lines: list[str] = []
    _section(data, (), lines)
    return "\n".join(lines).strip() + "\n"


def _section(data: dict[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    simple = {key: value for key, value in data.items() if not isinstance(value, dict) and not _tables(value)}
    if path and (simple or not data):
        lines += ["", f"[{'.'.join(map(_key, path))}]"]
    lines += [f"{_key(key)} = {_value(value)}" for key, value in simple.items() if value != []]
    for key, value in data.items():
        if isinstance(value, dict) and value:
            _section(value, (*path, key), lines)
        elif _tables(value):
            for item in value:
                lines += ["", f"[[{'.'.join(map(_key, (*path, key)))}]]"]
                lines += [f"{_key(name)} = {_value(cell)}" for name, cell in item.items() if cell not in ({}, [])]


def _tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _key(text: str) -> str:
    return text if text and all(c.isascii() and (c.isalnum() or c in "_-") for c in text) else json.dumps(text)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
