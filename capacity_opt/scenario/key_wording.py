"""What a key of scenario.toml breaks, in a planner's words: the models' own messages speak of types and patterns."""

from __future__ import annotations

from typing import Any

from capacity_opt.scenario.problems import did_you_mean

# Parts of a fault's place that name a type tried, not a key.
TYPE_TAGS = ("date", "datetime", "int", "str", "float", "bool")
_RULES = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a section",
    "model_type": "must be a section",
    "model_attributes_type": "must be a section",
    "date_type": "must be a date",
    "datetime_type": "must be a date",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}
_FIXES = {
    "string_type": "Write it in quotes",
    "bool_type": "Without quotes",
    "list_type": "Write [ ... ]",
    "date_type": "Write YYYY-MM-DD",
    "datetime_type": "Write YYYY-MM-DD",
    "dict_type": "Its keys stand under a [heading]",
    "model_type": "Its keys stand under a [heading]",
}


def worded(kind: str, detail: dict[str, Any], value: object) -> tuple[str, str]:
    """Rule and likely fix of one fault that the models found.

    >>> worded("int_type", {"msg": "Input should be a valid integer"}, "12")
    ('must be a whole number', 'Write the number without quotes')
    """
    message, context = str(detail["msg"]), detail.get("ctx", {})
    if kind == "literal_error":
        expected = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
        return f"must be one of {', '.join(expected)}", _near(value, expected)
    if kind == "value_error":
        return message.removeprefix("Value error, "), ""
    if kind == "string_pattern_mismatch":
        code = str(value).strip().upper()
        fix = f"Write {code}" if len(code) == 3 and code.isalpha() and code.isascii() else "For example USD"
        return "must be a currency's code of three capitals", fix
    if kind in ("float_type", "int_type", "int_from_float", "int_parsing"):
        return _RULES[kind], _number_fix(value)
    if kind in _RULES:
        return _RULES[kind], _FIXES.get(kind, "")
    return _bounded(kind, message, context, value)


def _near(value: object, expected: list[str]) -> str:
    if not isinstance(value, str):
        return ""
    return "Without quotes" if value in expected and value.isdigit() else did_you_mean(value, expected)


def _number_fix(value: object) -> str:
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return f"Write {float(value.strip()[:-1]) / 100:g}"
        except ValueError:
            return "Write a fraction such as 0.08"
    if isinstance(value, str):
        return "Write the number without quotes"
    if isinstance(value, float) and value.is_integer():
        return f"Write {value:.0f}"
    return ""


def _bounded(kind: str, message: str, context: dict[str, Any], value: object) -> tuple[str, str]:
    plain = message[0].lower() + message[1:]
    rule = plain.replace("input should be", "must be").replace("a valid ", "a ")
    rule = rule.replace("greater than or equal to", ">=").replace("less than or equal to", "<=")
    rule = rule.replace("greater than", ">").replace("less than", "<")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind in ("less_than", "less_than_equal") and number and float(context.get("lt", context.get("le", 0))) == 1:
        return rule, f"For a percentage write {float(str(value)) / 100:g}"
    return rule, ""
