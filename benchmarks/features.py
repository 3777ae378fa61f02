"""Features beside their rivals: `python benchmarks/features.py [--quick]`.

Point-in-time joins, then online reads in process, then over HTTP.
"""

from __future__ import annotations

import argparse

import features_http
import features_offline
import features_online
from beside import machine


def main() -> None:
    """Measure the three parts and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the rows and reads")
    said = parser.parse_args()
    print(f"{machine()}\n\nPoint-in-time joins\n")
    features_offline.show(features_offline.offline(quick=said.quick))
    print("\nOnline reads\n")
    print(features_online.table(features_online.online(quick=said.quick)))
    print("\nOver HTTP\n")
    print(features_http.table(features_http.over_http(quick=said.quick)))


if __name__ == "__main__":
    main()
