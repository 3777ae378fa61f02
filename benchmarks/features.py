"""Features beside their rivals: point-in-time joins, then online reads: `python benchmarks/features.py [--quick]`."""

from __future__ import annotations

import argparse

import features_offline
import features_online
from beside import machine


def main() -> None:
    """Measure both parts and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the rows and reads")
    said = parser.parse_args()
    print(f"{machine()}\n\nPoint-in-time joins\n")
    features_offline.show(features_offline.offline(quick=said.quick))
    print("\nOnline reads\n")
    print(features_online.table(features_online.online(quick=said.quick)))


if __name__ == "__main__":
    main()
