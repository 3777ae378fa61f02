#!/bin/sh
# Install the programs that tests start and that are not here yet, from Debian. Usage: services.sh [sudo]
set -eu

have() {
    case $1 in
    postgresql) ls /usr/lib/postgresql/*/bin/postgres ;;
    chromium) command -v chromium && command -v chromedriver ;;
    openjdk-17-jre-headless) command -v java ;;
    nodejs) command -v node ;;
    *) command -v "$1" || ls "/usr/sbin/$1" ;;
    esac >/dev/null 2>&1
}

missing=""
for package in postgresql chromium redis-server nats-server rabbitmq-server openjdk-17-jre-headless nodejs npm curl; do
    have "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
case $missing in *chromium*) missing="$missing chromium-driver" ;; esac
echo "installing$missing"
"$@" apt-get update -q
# shellcheck disable=SC2086 -- a list of words
"$@" env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $missing
