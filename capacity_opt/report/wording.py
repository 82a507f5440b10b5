"""How values are worded in every output: numbers, money, availability, and text made safe to show."""

from __future__ import annotations

import math
import unicodedata
from typing import Literal

Kind = Literal["text", "money", "count", "number", "percent", "availability", "flag", "id"]
MISSING = "–"


def word(value: object, kind: Kind = "text") -> str:
    """One table cell as a person reads it; missing values become a dash.

    >>> word(1234.5, "money"), word(0.99954, "availability"), word(float("nan"), "count"), word(True, "flag")
    ('1,234.50', '99.954 %', '–', 'yes')
    """
    if kind == "flag":
        return "yes" if bool(value) else ""
    if kind == "text":
        return clean(value)
    if kind == "id":  # loaded again by machines: nothing where there is nothing
        text = clean(value)
        return "" if text == MISSING else text
    number = as_number(value)
    if number is None:
        return MISSING
    return _WORDS[kind](number)


def clean(value: object) -> str:
    """Text on one line without control or direction-changing characters, so that it cannot steer a terminal.

    >>> clean("a\\x1b[31mb\\nc")
    'a[31mb c'
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    text = str(value).replace("\n", " ").replace("\t", " ")
    return "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Cs"}) or MISSING


def as_number(value: object) -> float | None:
    """``value`` as a finite float, or ``None``."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def money(value: float) -> str:
    """To the cent, so that totals can be checked by eye."""
    return f"{value + 0.0:,.2f}"


def short_money(value: float, currency: str = "") -> str:
    """Three significant digits for a headline.

    >>> short_money(12_345_678, "USD"), short_money(950.4)
    ('12.3 million USD', '950')
    """
    size = abs(value)
    for limit, name in ((1e9, " billion"), (1e6, " million"), (1e4, " thousand")):
        if size >= limit:
            return f"{float(f'{value / (1e3 if limit == 1e4 else limit):.3g}'):,g}{name} {currency}".strip()
    return f"{value:,.0f} {currency}".strip()


def count(value: float) -> str:
    """Whole numbers without decimals, others with one.

    >>> count(12.0), count(1234.56)
    ('12', '1,234.6')
    """
    whole = round(value)
    return f"{whole:,d}" if abs(value - whole) < 1e-6 else f"{value:,.1f}"


def number(value: float) -> str:
    """Four significant digits, thousands separated.

    >>> number(0.000123456), number(123456.7), number(0)
    ('0.0001235', '123,457', '0')
    """
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def percent(value: float) -> str:
    """A share with one decimal.

    >>> percent(0.8049)
    '80.5 %'
    """
    return f"{100 * value:.1f} %"


def availability(value: float) -> str:
    """A probability with as many decimals as its nines need: two significant digits of the shortfall.

    >>> availability(0.9), availability(0.99), availability(0.999987), availability(1.0)
    ('90.0 %', '99.0 %', '99.9987 %', '100 %')
    """
    shortfall = 1 - value
    if shortfall <= 1e-12:
        return "100 %"
    decimals = min(8, max(1, 1 - math.floor(math.log10(100 * shortfall) + 1e-9)))
    return f"{100 * value:.{decimals}f} %"


_WORDS = {"money": money, "count": count, "number": number, "percent": percent, "availability": availability}
