import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import synthetic


@pytest.fixture
def run_folder(tmp_path):
    return synthetic.write_run(tmp_path / "run")
