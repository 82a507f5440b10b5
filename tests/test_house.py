"""The house keeps its own rules: public names, file sizes, docstrings."""

import ast
import importlib
from pathlib import Path

import pytest

import capacity_opt

ROOT = Path(capacity_opt.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def functions(path: Path) -> list[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def test_every_public_name_loads_from_its_home():
    assert sorted(capacity_opt._HOMES) == sorted(set(capacity_opt.__all__) - {"__version__"})
    for name in capacity_opt.__all__:
        assert getattr(capacity_opt, name) is not None


def test_type_checkers_see_the_same_public_names():
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == set(capacity_opt._HOMES)


def test_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        capacity_opt.nothing  # noqa: B018


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_short(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST_FILE or path == ROOT / "__init__.py", f"{path} has {lines} lines"
    for function in functions(path):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= LONGEST_FUNCTION, f"{path}:{function.lineno} {function.name} has {length} lines"


@pytest.mark.parametrize("name", [name for name in capacity_opt.__all__ if name != "__version__"])
def test_every_public_name_is_documented(name):
    assert (getattr(capacity_opt, name).__doc__ or "").strip(), name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path):
    module = "capacity_opt." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
    assert importlib.import_module(module.removesuffix(".__init__")).__doc__
