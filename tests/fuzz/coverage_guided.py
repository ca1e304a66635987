# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Fuzzing of one reader, led by coverage (atheris, libFuzzer). See README.md here.

python tests/fuzz/coverage_guided.py nessus -max_total_time=600
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "collections")]

FINDINGS = "ansible_collections.care.remediation.plugins.module_utils.findings"
with atheris.instrument_imports(include=[FINDINGS]):
    from unit.findings.readers import checks, mutations

SHARED = Path("/dev/shm")
FILE = Path(tempfile.mkdtemp(dir=SHARED if SHARED.is_dir() else None)) / "report"


def one_input(data: bytes) -> None:
    """Read one file; what raises here is a fault."""
    checks.attempt(FILE, data, accept_partial=len(data) % 2 == 1)


def mutator(others: list[bytes]) -> object:
    """Half of the mutations know the structure of reports, half are libFuzzer's own."""

    def mutated(data: bytes, max_size: int, seed: int) -> bytes:
        rolls = random.Random(seed)
        if rolls.random() < 0.5:
            return bytes(atheris.Mutate(data, max_size))
        return mutations.mutate(data, rolls, others)[:max_size]

    return mutated


def main() -> None:
    """Fixtures of the format are the first corpus; arguments after the format are libFuzzer's."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        raise SystemExit(__doc__)
    wanted = sys.argv[1]
    contents = [path.read_bytes() for path in checks.fixtures() if wanted in ("all", checks.read(path).type)]
    if not contents:
        raise SystemExit(f"no fixture in {checks.REPORTS} is of the format {wanted}")
    corpus = Path(tempfile.mkdtemp(prefix=f"corpus-{wanted}-"))
    for index, content in enumerate(contents):
        (corpus / str(index)).write_bytes(content)
    faults = Path(os.environ.get("FAULTS", tempfile.gettempdir())) / f"{wanted}-"
    bounds = ["-max_len=300000", "-timeout=20", "-rss_limit_mb=2000", f"-artifact_prefix={faults}"]
    atheris.Setup([sys.argv[0], *bounds, *sys.argv[2:], str(corpus)], one_input, custom_mutator=mutator(contents))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
