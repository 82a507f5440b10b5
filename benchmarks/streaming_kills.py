"""Kill -9 at random moments while a store of streams is updated: the old state or the new one, never in between.

    python benchmarks/streaming_kills.py [--tries 50]

A child process takes up period after period of 200,000 series. After each kill the store is read again: every checksum
must hold, every series must stand at the version's period, and the state must equal, bit for bit, one that took up the
same periods in memory. Prints ``N tried, N ok``.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import capacity_opt as co

COUNT = 200_000
CHILD = """
import sys
import numpy as np
import capacity_opt as co
store = co.StreamStore(sys.argv[1])
rows = np.arange(store.count)
while True:
    period = store.version.period + 1
    store.update(rows, np.random.default_rng(period).gamma(2, 3, store.count), period=period)
    print("updated", flush=True)
"""


def whole(folder: Path, memory: co.StreamState) -> bool:
    """Whether the store is sound and equals ``memory`` brought to its period."""
    store = co.StreamStore(folder)
    while memory.period < store.version.period:
        period = memory.period + 1
        memory.update(np.random.default_rng(period).gamma(2, 3, memory.count), period=period)
    same = np.array_equal(store.load().records.view(np.int32), memory.records.view(np.int32))
    return same and not store.verify()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=50)
    tries = parser.parse_args().tries
    random.seed(1)
    good, advanced = 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "state"
        memory = co.StreamState.start(np.arange(COUNT).astype(str))
        co.StreamStore.create(folder, memory)
        for number in range(tries):
            before = co.StreamStore(folder).version.number
            child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE)
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(random.random() * 0.6)
            child.send_signal(signal.SIGKILL)
            child.wait()
            ok = whole(folder, memory)
            good += ok
            advanced += co.StreamStore(folder).version.number > before
            if not ok:
                print(f"try {number + 1}: torn", flush=True)
    print(f"{tries} tried, {good} ok ({advanced} after at least one whole update)")
    return 0 if good == tries else 1


if __name__ == "__main__":
    sys.exit(main())
