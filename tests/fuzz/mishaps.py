# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The mishaps of the unit tests, for as long as wished: every fixture in turn, each fault shown once and kept.

.venv/bin/python tests/fuzz/mishaps.py --seconds 600 [--faults /tmp/faults] [nmap nessus …]
"""

from __future__ import annotations

import argparse
import gzip
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "collections")]

from unit.findings.readers import checks
from unit.findings.readers.mutations import mutate


def main() -> int:
    """Run; the exit code is 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("types", nargs="*", help="formats; default: all")
    parser.add_argument("--seconds", type=float, default=60.0, help="in all")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--faults", type=Path, default=Path(tempfile.gettempdir()) / "faults")
    arguments = parser.parse_args()
    seed = time.time_ns() % 2**32 if arguments.seed is None else arguments.seed
    chosen = [path for path in checks.fixtures() if not arguments.types or checks.read(path).type in arguments.types]
    contents = {path: path.read_bytes() for path in checks.fixtures()}
    others = list(contents.values())
    seen: set[str] = set()
    runs = dict.fromkeys(chosen, 0)
    folder = Path(tempfile.mkdtemp())
    end = time.monotonic() + arguments.seconds
    while time.monotonic() < end:
        for path in chosen:
            for _ in range(20):
                seed += 1
                rolls = random.Random(seed)
                content = mutate(contents[path], rolls, others)
                if rolls.random() < 0.05:
                    content = gzip.compress(content, 1)
                runs[path] += 1
                try:
                    checks.attempt(folder / "report", content, accept_partial=rolls.random() < 0.5)
                except Exception as exc:
                    cause = exc.args[0] if exc.args and isinstance(exc.args[0], checks.ReaderFault) else exc
                    cause = getattr(cause, "__cause__", None) or cause
                    frame = traceback.extract_tb(cause.__traceback__)[-1]
                    where = f"{Path(frame.filename).name}:{frame.lineno} {type(cause).__name__}"
                    if where not in seen:
                        seen.add(where)
                        arguments.faults.mkdir(parents=True, exist_ok=True)
                        kept = arguments.faults / f"{path.parent.name}-{path.name}-{seed}"
                        kept.write_bytes(content)
                        print(f"{where}: {str(exc)[:600]}\n  {kept}", flush=True)
    for path, count in runs.items():
        print(f"{count:8} {path.relative_to(checks.REPORTS)}")
    print(f"{sum(runs.values())} runs, {len(seen)} faults")
    return 1 if seen else 0


if __name__ == "__main__":
    raise SystemExit(main())
