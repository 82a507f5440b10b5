"""One cell's text to one value. A cell that breaks its rule gives a :class:`CellError`: code, rule and likely fix."""

from __future__ import annotations

import math
import re

from capacity_opt.scenario.problems import did_you_mean, shown

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_EXCEL_ERROR = re.compile(r"#(REF|N/A|VALUE|DIV/0|NAME|NUM|NULL|SPILL|CALC)[!?]?.*", re.IGNORECASE)
_NOT_GIVEN = {"n/a", "na", "-", "--", "nan", "null", "none", "?", "tbd", "nil"}
_CURRENCY = re.compile(r"[$€£¥₹]|\b(USD|EUR|GBP|JPY|CHF|CNY|INR)\b")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([,' \u00a0\u202f]\d{3})+(\.\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
_FLAGS = {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False, "y": True, "n": False}


class CellError(ValueError):
    """The rule a cell breaks and the likely fix."""

    def __init__(self, code: str, rule: str, fix: str = "") -> None:
        super().__init__(rule)
        self.code, self.rule, self.fix = code, rule, fix


def number(text: str) -> float:
    """A finite number, written plainly (``inf`` is allowed: no limit)."""
    clean = text.strip()
    if _NUMBER.fullmatch(clean):
        value = float(clean)
        if math.isfinite(value):
            return value
        raise CellError("E205", "is too large for a number", "Check the digits")
    if clean.casefold() in ("inf", "infinity"):
        return math.inf
    raise _why_no_number(clean)


def _why_no_number(clean: str) -> CellError:
    if _EXCEL_ERROR.fullmatch(clean):
        return CellError("E216", "is an Excel error", "Recalculate the source sheet")
    if clean.casefold() in _NOT_GIVEN:
        return CellError("E216", "is not a number", "Write 0 for none, or the value")
    if clean.endswith("%"):
        return CellError("E202", "percent signs are not accepted", _percent_fix(clean))
    if _CURRENCY.search(clean):
        plain = re.sub(r"[^0-9.+-]", "", clean)
        return CellError(
            "E220", "numbers only; the currency is set by [money] currency", f"Write {plain}" if plain else ""
        )
    if _THOUSANDS.fullmatch(clean):
        return CellError("E218", "has thousands separators", f"Write {re.sub(r'[^0-9.+-]', '', clean)}")
    if _DECIMAL_COMMA.fullmatch(clean):
        return CellError("E219", "has a decimal comma", f"Write {clean.replace(',', '.')}")
    if written := _written(clean):
        return CellError("E205", "is not a plainly written number", f"Write {written}")
    unit = re.fullmatch(r"([+-]?[\d.]+)\s*([A-Za-z/]+)", clean)
    if unit:
        return CellError("E206", f"carries a unit ({unit[2]})", f"Units stand in the column's name. Write {unit[1]}")
    return CellError("E205", "is not a number", "Write digits with a decimal point")


def _written(clean: str) -> str:
    """What an unusual spelling of a number means: ``(40)``, a long minus, ``1_000``; empty where it is none.

    >>> _written("(40)"), _written("\u22123"), _written("1_040"), _written("forty")
    ('-40', '-3', '1040', '')
    """
    plain = clean.replace("\u2212", "-").replace("\u2013", "-").replace("_", "")
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1].strip()}"
    return plain if plain != clean and _NUMBER.fullmatch(plain) else ""


def _percent_fix(clean: str) -> str:
    try:
        return f"Write {float(clean[:-1].strip()) / 100:g}"
    except ValueError:
        return "Write a fraction such as 0.95"


def ruled(value: float, rule: str, column: str, *, duration: bool = False, money: bool = False) -> None:
    """Raise where ``value`` breaks ``rule``."""
    if rule in ("share", "fraction", "fraction_or_one"):
        _in_unit_interval(value, rule)
    elif duration and value < 0:
        raise CellError("E204", "cannot be negative", "Are ship and arrive dates swapped?")
    elif money and value < 0 and rule != "any":
        raise CellError("E203", "a price or cost cannot be negative", f"Write {-value:g}, or 0 for none")
    elif rule == "non_negative" and value < 0:
        raise CellError("E203", f"{column} cannot be negative", f"Write {-value:g}, or 0 for none")
    elif rule == "positive" and value <= 0:
        raise CellError("E203", f"{column} must be above 0", "Leave the cell blank for the default")


def _in_unit_interval(value: float, rule: str) -> None:
    inside = 0 < value < 1 or (value == 0 and rule == "share") or (value == 1 and rule != "fraction")
    if inside:
        return
    told = {"share": "must be a fraction from 0 to 1", "fraction": "must be a fraction between 0 and 1"}.get(
        rule, "must be a fraction above 0 and at most 1"
    )
    raise CellError(
        "E201", told, f"For a percentage write {value / 100:g}" if 1 < value < 100 else "Write for example 0.99"
    )


def whole(text: str) -> float:
    """A whole number."""
    value = number(text)
    if value != math.floor(value):
        raise CellError("E205", "must be a whole number", f"Write {round(value)}")
    return value


def flag(text: str) -> bool:
    """yes or no."""
    try:
        return _FLAGS[text.strip().casefold()]
    except KeyError:
        raise CellError("E207", "must be yes or no") from None


def known_id(text: str, known: dict[str, int], table: str) -> int:
    """The position of an id among the known ones; a near miss says which was meant."""
    if text in known:
        return known[text]
    folded = {name.strip().casefold(): name for name in known}
    near = folded.get(text.strip().casefold())
    if near is not None:
        raise CellError("E209", f"differs only by case or space from {shown(near)}", f"Write {near}")
    zeros = next((name for name in known if name.lstrip("0") == text.strip() and name != text), None)
    if zeros is not None:
        raise CellError(
            "E229",
            f"is not in {table}, which has {shown(zeros)}",
            "Did Excel remove the zeros? Format the column as Text",
        )
    if text.strip().casefold() in ("total", "totals", "sum", "grand total", "all"):
        raise CellError("E231", f"is not in {table}; this looks like a row of totals", "Delete the totals row")
    raise CellError("E208", f"is not in {table}", did_you_mean(text, known))
