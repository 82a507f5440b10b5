"""What became of steering, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def steering_told(outcomes: Mapping[str, Any]) -> str:
    """What became of steering in one sentence, from the table's columns; nothing where somebody is offered a place."""
    if not len(outcomes.get("outcome", ())) or "offered" in list(outcomes["outcome"]):
        return ""
    tried = list(zip(outcomes["customer"], outcomes["offer"], outcomes["outcome"], outcomes["reason"]))
    full = [each for each in tried if each[2] == "no_room"]
    customer, offer, _, why = (full or tried)[0]
    return (
        f"Nobody is worth steering: {len(tried)} offers were tried and none fits and saves; "
        f"for {customer}, {offer}: {why}"
    )
