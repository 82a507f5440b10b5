"""scenario.toml as plain values, with the line of every key, which the standard reader does not tell."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from capacity_opt.scenario.problems import Problems, shown

_PART = r"(?:\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+)"
_KEYS = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_KEYS})\s*\]\]?")
_ASSIGNMENT = re.compile(rf"\s*({_KEYS})\s*=")
_AT = re.compile(r"\(at line (\d+), column (\d+)\)")
_STRING = re.compile(r"\"\"\"|'''|\"(?:\\.|[^\"\\])*\"|'[^']*'|#.*")

Path_ = tuple[str | int, ...]


@dataclass
class TomlFile:
    """The values of one file and where each key stands; ``data`` may be changed by overrides."""

    name: str
    data: dict[str, Any]
    lines: dict[Path_, int] = field(default_factory=dict)

    def line(self, path: Path_) -> int | None:
        """The line of a key, or of the nearest key around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def read_toml(path: Path, problems: Problems) -> TomlFile | None:
    """Read a TOML file; faults of its syntax are noted with their line, and ``None`` comes back."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.error("E239", path.name, f"is not UTF-8 (byte {error.start})", fix="Save it as UTF-8")
        return None
    except OSError as error:
        problems.error(
            "E236", path.name, f"cannot be read: {error.strerror}", fix="A scenario is a folder with scenario.toml"
        )
        return None
    lines, twice = key_lines(text)
    for key, first, second in twice:
        dotted = ".".join(map(str, key))
        problems.error(
            "E239",
            path.name,
            f"key {shown(dotted)} is given twice (lines {first}, {second})",
            fix="Keep one",
            row=second,
        )
    if twice:
        return None
    try:
        return TomlFile(path.name, tomllib.loads(text), lines)
    except tomllib.TOMLDecodeError as error:
        _note_syntax(path.name, str(error), text, problems)
        return None


def _note_syntax(name: str, message: str, text: str, problems: Problems) -> None:
    found = _AT.search(message)
    line = int(found[1]) if found else text.count("\n") + 1
    column = found[2] if found else None
    told = _AT.sub("", message).replace("(at end of document)", "at the end of the file").strip()
    source = text.splitlines()[line - 1].strip() if 0 < line <= len(text.splitlines()) else ""
    fix = "Text stands in quotes; lists in [ ]" if "Invalid value" in message else "See toml.io for the syntax"
    problems.error("E239", name, f"is not valid TOML: {told}", value=shown(source), fix=fix, row=line, column=column)


def key_lines(text: str) -> tuple[dict[Path_, int], list[tuple[Path_, int, int]]]:
    """The line of every key, and every key given twice with both lines."""
    lines: dict[Path_, int] = {}
    twice: list[tuple[Path_, int, int]] = []
    counts: dict[Path_, int] = {}
    prefix: Path_ = ()
    depth, quote = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        opened_before = bool(depth or quote)
        depth, quote = _nesting(line, depth, quote)
        if opened_before:
            continue
        header = _HEADER.match(line)
        if header:
            prefix = _header_path(header, counts)
            _note(prefix, number, lines, [] if header[1] == "[[" else twice)
        elif assignment := _ASSIGNMENT.match(line):
            _note((*prefix, *_parts(assignment[1])), number, lines, twice)
    return lines, twice


def _note(path: Path_, number: int, lines: dict[Path_, int], twice: list[tuple[Path_, int, int]]) -> None:
    if path in lines:
        twice.append((path, lines[path], number))
    lines.setdefault(path, number)


def _header_path(header: re.Match[str], counts: dict[Path_, int]) -> Path_:
    parts = _parts(header[2])
    if header[1] == "[[":
        index = counts.get(parts, -1) + 1
        counts[parts] = index
        return (*parts, index)
    if parts[:-1] in counts:
        return (*parts[:-1], counts[parts[:-1]], parts[-1])
    return parts


def _parts(dotted: str) -> Path_:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def _nesting(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Bracket depth of values and the open triple quote after a line."""
    if quote:
        end = line.find(quote)
        if end < 0:
            return depth, quote
        line, quote = line[end + 3 :], ""
    pieces, at = [], 0
    for found in _STRING.finditer(line):
        pieces.append(line[at : found.start()])
        at = found.end()
        if found[0] in ('"""', "'''"):
            end = line.find(found[0], at)
            if end < 0:
                return depth, found[0]
    plain = "".join([*pieces, line[at:]])
    if depth == 0:
        if _HEADER.match(line):
            return 0, ""
        plain = plain.partition("=")[2]
    return max(0, depth + plain.count("[") + plain.count("{") - plain.count("]") - plain.count("}")), ""
