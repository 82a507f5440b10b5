"""The tutorials as a reader types them: every console block is run in order, in an empty folder."""

import doctest
import re
import shlex
from pathlib import Path

import pytest

from capacity_opt.cli import main

PAGES = sorted((Path(__file__).parents[1] / "docs" / "tutorial").glob("*.md"))
BLOCK = re.compile(r"^```(?:console|\{code-block\} \w+\n:caption: (?P<file>\S+))\n(?P<body>.*?)^```", re.M | re.S)
SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def steps(body):
    """(command, expected output) of a console block."""
    for part in re.split(r"^\$ ", body, flags=re.M)[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_prints_what_the_page_says(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = 0
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if block["file"]:
            Path(block["file"]).write_text(block["body"], encoding="utf-8")
            continue
        for command, expected in steps(block["body"]):
            program, *arguments = shlex.split(command)
            if program == "echo":
                assert expected.strip() == str(code), command
                continue
            assert program == "capacity-opt"
            with pytest.raises(SystemExit) as stop:
                main(arguments)
            code = stop.value.code
            said = capsys.readouterr()
            got = said.out + said.err
            assert doctest.OutputChecker().check_output(expected, got, SAME), f"$ {command}\n{got}"
            assert "Traceback" not in got
