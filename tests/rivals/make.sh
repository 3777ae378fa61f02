#!/usr/bin/env bash
# Makes one throw-away environment: make.sh PYTHON FOLDER NAME, from NAME.txt and NAME.alone.txt beside this script, or
# in benchmarks/rivals; or of packages for Node, from NAME/package.json and its lock.
# `make rivals` calls it, one at a time for each name. An environment already made from these very pins stays.
set -euo pipefail
python=$1 into=$2/$3 pins=$(dirname "$0")/$3
[ -e "$pins.txt" ] || [ -e "$pins" ] || pins=$(dirname "$0")/../../benchmarks/rivals/$3
stamp=$into/.installed
wanted=$(cat "$pins".txt "$pins".alone.txt "$pins"/package-lock.json 2>/dev/null | sha256sum | cut -c1-64 || true)
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then touch "$stamp"; exit 0; fi
echo "making $into"
rm -rf "$into"
if [ -e "$pins/package-lock.json" ]; then
    mkdir -p "$into"
    cp "$pins/package.json" "$pins/package-lock.json" "$into"
    npm --prefix "$into" ci --ignore-scripts --no-audit --no-fund --silent
    echo "$wanted" > "$stamp"
    exit 0
fi
"$python" -m venv --without-pip "$into"
install() { "$python" -m pip --python "$into/bin/python" install --quiet --disable-pip-version-check --no-compile "$@"; }
install --requirement "$pins.txt"
[ ! -e "$pins.alone.txt" ] || install --no-deps --requirement "$pins.alone.txt"
echo "$wanted" > "$stamp"
