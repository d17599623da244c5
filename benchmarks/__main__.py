"""``python -m benchmarks``: prints all tables, and writes them into docs/benchmarks.md when all were measured."""

from __future__ import annotations

import argparse

from benchmarks import document, import_time, message, wire

MODULES = {"import_time": import_time, "message": message, "wire": wire}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=MODULES, help="print the tables of this one, and write nothing")
    only: str | None = parser.parse_args().only
    parts = [document.conditions()]
    print(parts[0])
    for module in [MODULES[only]] if only else MODULES.values():
        for table in module.tables():
            parts.append(table.markdown())
            print(parts[-1], flush=True)
    if not only:
        document.write("\n".join(parts))


if __name__ == "__main__":
    main()
