"""``python -m fuzz``: fuzzes one target after the other, and fails if one of them found something.

What it learns stays in ``.fuzz/``: inputs that reached something new, and those that are findings.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from fuzz import TARGETS

STORE = Path(".fuzz")
OPTIONS = ("-timeout=10", "-rss_limit_mb=1024", "-max_len=4096", "-use_value_profile=1", "-print_final_stats=1")


def fuzzed(name: str, seconds: int) -> bool:
    """Fuzz one target; whether it found nothing."""
    folder = STORE / name
    seeds: tuple[bytes, ...] = import_module(f"fuzz.{name}").SEEDS
    for number, seed in enumerate(seeds):
        _written(folder / "seeds" / f"{number:03}", seed)
    words = {word for seed in seeds for word in re.findall(rb"[A-Za-z0-9-]{2,}|[^A-Za-z0-9]{2,}", seed)}
    _written(folder / "words", b"".join(_entry(word) for word in sorted(words)))
    (folder / "corpus").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "fuzz.process", name, str(folder / "corpus"), str(folder / "seeds"), *OPTIONS]
    command += [f"-max_total_time={seconds}", f"-dict={folder / 'words'}", f"-artifact_prefix={folder}/"]
    return subprocess.run(command, check=False).returncode == 0


def _entry(word: bytes) -> bytes:
    """A line of a dictionary of libFuzzer."""
    return b'"%b"\n' % b"".join([b"\\x%02x" % octet for octet in word])


def _written(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=100, help="for each target")
    parser.add_argument("targets", nargs="*", default=TARGETS, metavar="target", help=", ".join(TARGETS))
    given = parser.parse_args()
    targets: list[str] = given.targets
    failed: list[str] = []
    for name in targets:
        print(f"== {name}", flush=True)
        if not fuzzed(name, given.seconds):
            failed.append(name)
    if failed:
        print(f"Found something in {', '.join(failed)}: see above, and {STORE}/", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
