"""A scenario's folder to its checked keys and its tables as text: ``extends``, variants and ``--set`` applied."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from capacity_opt.scenario import schema
from capacity_opt.scenario.databases import POSTGRES, fetch_postgres
from capacity_opt.scenario.key_wording import TYPE_TAGS, worded
from capacity_opt.scenario.overrides import Patch, apply_patch, merged, patch_of, set_key, split_setting
from capacity_opt.scenario.problems import Problems, did_you_mean, shown
from capacity_opt.scenario.spec import Demand, Spec
from capacity_opt.scenario.tables import TextTable, read_text_table
from capacity_opt.scenario.timeline import PERIODS_PER_YEAR
from capacity_opt.scenario.toml_file import TomlFile, read_toml

FILE = "scenario.toml"
LONGEST_CHAIN = 10


@dataclass
class Source:
    """The folders a scenario is read from (its own first, then those it extends), its keys and pending patches;
    ``dropped`` the rows of tables that are not to be read, ``tables_read`` the tables that were."""

    folders: list[Path]
    toml: TomlFile
    spec: Spec
    problems: Problems
    patches: list[Patch] = field(default_factory=list)
    variant: str | None = None
    settings: tuple[str, ...] = ()
    read_files: dict[str, Path] = field(default_factory=dict)
    fetched: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, set[int]] = field(default_factory=dict)
    tables_read: dict[str, TextTable] = field(default_factory=dict)
    forecasts: dict[str, dict[str, object]] = field(default_factory=dict)

    def table(self, file: str, columns: Sequence[str], key: str = "") -> TextTable | None:
        """A table by its file name, patched; ``columns`` are those it may have; ``key`` its name in scenario.toml."""
        name = file.partition("#")[0]
        if "://" in name:
            rule = "is an address, and nothing is downloaded"
            self.problems.error("E236", FILE, rule, value=shown(name), fix="Put the file beside scenario.toml")
            return None
        path = self._fetched(file) if name == POSTGRES else self.locate(name)
        if path is None:
            return None
        self.read_files[self.fetched.get(file, name)] = path
        table = read_text_table(path, file, columns, self.problems)
        for patch in self.patches:
            if patch.table in (key, file, Path(file).stem) and table is not None:
                apply_patch(table, patch, columns, self.problems)
        if table is not None:
            self.tables_read[file] = table
            if unwanted := self.dropped.get(file):
                table.keep([place for place, row in enumerate(table.rows) if row not in unwanted])
        return table

    def _fetched(self, file: str) -> Path | None:
        """The answer of a database's query as a CSV file; each query is asked once."""
        name = f"{POSTGRES}-{hashlib.sha256(file.encode()).hexdigest()[:8]}.csv"
        path = _downloads() / name
        if file not in self.fetched and not fetch_postgres(file, path, self.problems):
            return None
        self.fetched[file] = name
        return path

    def locate(self, file: str) -> Path | None:
        """Where a table is: in the scenario's folder or in one it extends, never outside."""
        for folder in self.folders:
            path = (folder / file).resolve()
            if not path.is_relative_to(folder.resolve()):
                self.problems.error(
                    "E236", FILE, "a table must lie in the scenario's folder", value=shown(file), fix="Copy it there"
                )
                return None
            if path.exists():
                return path
        return self.folders[0] / file

    @property
    def spec_periods_per_year(self) -> float:
        """Periods in a year, for yearly rates."""
        return PERIODS_PER_YEAR[self.spec.time.period]

    def note_unused_patches(self, tables: Sequence[str]) -> None:
        """Patches of tables that the scenario does not have."""
        names = {name for table in tables for name in (table, Path(table).stem)}
        for patch in self.patches:
            if patch.table not in names:
                self.problems.error(
                    "E241",
                    patch.place,
                    f"override of a table that is not read: {shown(patch.table)}",
                    fix=did_you_mean(patch.table, sorted(names)),
                    row=patch.row,
                )


@cache
def _downloads() -> Path:
    """A folder of this process for answers of databases, gone when it ends."""
    folder = tempfile.mkdtemp(prefix="capacity-opt-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def load(path: Path, settings: Sequence[str], variant: str | None, problems: Problems) -> Source | None:
    """Read ``scenario.toml`` (``path`` is it or its folder) with everything that changes it; ``None`` on faults."""
    folder = path.parent if path.name == FILE else path
    if not folder.is_dir():
        problems.error("E236", str(path), "no such scenario folder", fix=f"A scenario is a folder with {FILE}")
        return None
    folders, toml = _chain(folder, problems)
    if toml is None:
        return None
    pending = _apply_settings(toml, settings, variant, problems)
    spec = _checked(toml, problems)
    if spec is None:
        return None
    _check_variants(toml, variant, problems)
    patches = [
        patch_of(raw, toml.name, toml.line(("overrides", index)))
        for index, raw in enumerate(toml.data.get("overrides", []))
    ]
    return Source(folders, toml, spec, problems, [*patches, *pending], variant, tuple(settings))


def _chain(folder: Path, problems: Problems) -> tuple[list[Path], TomlFile | None]:
    """The folder and those it extends, with their keys merged (the nearer wins)."""
    folders, toml = [folder], read_toml(folder / FILE, problems)
    while toml is not None and "extends" in toml.data:
        base = toml.data.pop("extends")
        line = toml.line(("extends",))
        nearer = (folders[-1] / str(base)).resolve()
        root = folder.resolve().parent
        if not nearer.is_relative_to(root) or not (nearer / FILE).exists() or nearer in [f.resolve() for f in folders]:
            problems.error(
                "E236",
                FILE,
                "extends must name another scenario's folder under the same parent",
                value=shown(str(base)),
                fix='For example extends = "../base"',
                row=line,
            )
            return folders, None
        folders.append(nearer)
        under = read_toml(nearer / FILE, problems)
        if under is None or len(folders) > LONGEST_CHAIN:
            return folders, None
        toml = TomlFile(FILE, merged(under.data, toml.data), toml.lines)
        if "extends" in under.data:
            toml.data["extends"] = str(nearer / under.data["extends"])
    return folders, toml


def table_keys() -> list[str]:
    """Names by which ``--set`` reaches tables."""
    return [
        *(table.name for table in (*schema.FLEET_TABLES, *schema.PLACEMENT_TABLES)),
        "items",
        "demand",
        "item_demand",
    ]


def _apply_settings(toml: TomlFile, settings: Sequence[str], variant: str | None, problems: Problems) -> list[Patch]:
    patches: list[Patch] = []
    if variant is not None:
        chosen = toml.data.get("variants", {}).get(variant)
        if not isinstance(chosen, dict):
            problems.error(
                "E241", FILE, f"no variant {shown(variant)}", fix=did_you_mean(variant, toml.data.get("variants", {}))
            )
            return []
        for key, value in dict(chosen.get("set", {})).items():
            set_key(toml.data, key, value)
        line = toml.line(("variants", variant))
        patches += [
            patch_of(raw, f"{FILE} variant {variant}", line) for raw in chosen.get("overrides", []) if "table" in raw
        ]
    for text in settings:
        change = split_setting(text, table_keys(), problems, {f"demand.{key}" for key in Demand.model_fields})
        if isinstance(change, Patch):
            patches.append(change)
        elif change is not None:
            set_key(toml.data, change[0], change[1])
    return patches


def _checked(toml: TomlFile, problems: Problems) -> Spec | None:
    try:
        return Spec.model_validate(_floats(toml.data))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _note_key(toml, dict(detail), problems)
        return None


def _check_variants(toml: TomlFile, chosen: str | None, problems: Problems) -> None:
    """The keys that the other variants would set: a fault shows before the day on which one is chosen."""
    for name, told in toml.data.get("variants", {}).items():
        changes = told.get("set", {}) if isinstance(told, dict) and name != chosen else {}
        if not changes:
            continue
        changed, found = TomlFile(toml.name, deepcopy(toml.data), toml.lines), Problems()
        for key, value in changes.items():
            set_key(changed.data, key, value)
        _checked(changed, found)
        for fault in found.found:
            dotted = fault.column or ""
            row = toml.line(("variants", name, "set", dotted))
            problems.found.append(replace(fault, row=row, column=f"variants.{name}.set.{dotted}"))


def _floats(data: dict[str, Any]) -> dict[str, Any]:
    """Whole numbers are fine where a key wants a decimal one (strict models take int for float)."""
    return data


def _note_key(toml: TomlFile, detail: dict[str, Any], problems: Problems) -> None:
    path = tuple(
        part
        for part in detail["loc"]
        if not (isinstance(part, str) and (part in TYPE_TAGS or part.startswith("function-")))
    )
    dotted = ".".join(str(part) for part in path)
    line = toml.line(path)
    kind, value = detail["type"], detail.get("input")
    if kind == "extra_forbidden":
        known = _known_keys(path[:-1])
        problems.error(
            "E239",
            FILE,
            f"key {shown(str(path[-1]))} unknown",
            row=line,
            column=dotted,
            fix=did_you_mean(str(path[-1]), known),
        )
    elif kind == "missing":
        problems.error(
            "E240", FILE, f"key {shown(dotted)} is missing", row=toml.line(path[:-1]), fix=f"Add it: {_meaning(path)}"
        )
    else:
        rule, fix = worded(kind, detail, value)
        told = shown(value) if isinstance(value, str) else str(value)[:60]
        problems.error("E240", FILE, rule, value=told, fix=fix, row=line, column=dotted)


def _model(path: tuple[Any, ...]) -> Any:
    model: Any = Spec
    for part in path:
        fields = getattr(model, "model_fields", {})
        if part in fields:
            model = _inner(fields[part].annotation)
        elif not isinstance(part, int) and fields:
            return None
    return model


def _inner(annotation: Any) -> Any:
    if hasattr(annotation, "model_fields"):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        inner = _inner(part)
        if inner is not None:
            return inner
    return None


def _known_keys(path: tuple[Any, ...]) -> list[str]:
    model = _model(path)
    return [*getattr(model, "model_fields", {})]


def _meaning(path: tuple[Any, ...]) -> str:
    fields = getattr(_model(path[:-1]), "model_fields", {})
    description = getattr(fields.get(path[-1]), "description", None)
    return description or f"[{path[-1]}]"
