#!/usr/bin/env bash
# This file answers: where do the adapters' tests get a PostgreSQL and a Redis?
#
#	env=$(adapters/services.sh) && eval "$env"   # installs, starts, prints the variables
#	adapters/services.sh stop                    # stops both, deletes their data
#
# It installs what is missing (Debian, as root or with sudo), starts both on
# loopback with throwaway data, and is quick when they already run. Both write
# to the disk before they answer, so that what is measured against them is true.
# Redis is a cluster of one, which refuses what a cluster would refuse.
set -euo pipefail

pg_port=${INSTAGRAM_TEST_POSTGRES_PORT:-25432}
redis_port=${INSTAGRAM_TEST_REDIS_PORT:-26380}
redis=(redis-cli -h 127.0.0.1 -p "$redis_port")
pg=(-h 127.0.0.1 -p "$pg_port" -U postgres)

say() { echo "services: $*" >&2; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
# PostgreSQL refuses to run as root.
as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
pg_bin() { find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin | sort -V | tail -n 1; }

install_missing() {
	local packages=()
	[ -d /usr/lib/postgresql ] && [ -x "$(pg_bin)/postgres" ] || packages+=(postgresql)
	command -v redis-server >/dev/null || packages+=(redis-server)
	[ ${#packages[@]} -gt 0 ] || return 0
	say "installing ${packages[*]}"
	as_root apt-get update -qq >&2
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
}

start_postgres() {
	if psql "${pg[@]}" -d postgres -qtAc 'select 1' >/dev/null 2>&1; then
		say "PostgreSQL already answers on port $pg_port"
		return
	fi
	local dir
	dir=$(mktemp -d -t instagram-postgres.XXXXXX)
	[ "$(id -u)" != 0 ] || chown postgres "$dir"
	cd "$dir"
	as_postgres "$(pg_bin)/initdb" -D "$dir/data" -U postgres --auth=trust --encoding=UTF8 --no-sync >"$dir/initdb.log"
	if ! as_postgres "$(pg_bin)/pg_ctl" -D "$dir/data" -l "$dir/data/log" -w -t 60 start -o \
		"-c listen_addresses=127.0.0.1 -c port=$pg_port -c unix_socket_directories=$dir -c max_connections=300" >&2; then
		cat "$dir/data/log" >&2
		return 1
	fi
	psql "${pg[@]}" -d postgres -qtAc 'select 1' >/dev/null
}

start_redis() {
	if [ "$("${redis[@]}" set services ok 2>/dev/null)" = OK ]; then
		say "Redis already answers on port $redis_port"
		return
	fi
	local dir
	dir=$(mktemp -d -t instagram-redis.XXXXXX)
	redis-server --bind 127.0.0.1 --port "$redis_port" --dir "$dir" --logfile "$dir/log" --daemonize yes \
		--save '' --appendonly yes --appendfsync always --rdbcompression no --cluster-enabled yes >&2
	wait_for PONG ping
	wait_for OK cluster addslotsrange 0 16383
	wait_for OK set services ok
}

# wait_for asks Redis until it gives the answer.
wait_for() {
	for _ in $(seq 100); do
		[ "$("${redis[@]}" "${@:2}" 2>/dev/null)" != "$1" ] || return 0
		sleep 0.1
	done
	say "Redis does not answer $1 to ${*:2}:"
	cat "$dir/log" >&2
	return 1
}

stop() {
	local dir
	if dir=$(psql "${pg[@]}" -d postgres -qtAc 'show data_directory' 2>/dev/null); then
		cd /
		as_postgres "$(pg_bin)/pg_ctl" -D "$dir" -m fast -w stop >&2
		rm -r "$(dirname "$dir")"
	fi
	if dir=$("${redis[@]}" config get dir 2>/dev/null | tail -n 1) && [ -n "$dir" ]; then
		"${redis[@]}" shutdown nosave
		rm -r "$dir"
	fi
}

if [ "${1:-start}" = stop ]; then
	stop
	exit
fi
install_missing
(
	flock 9 # two gates may start at once
	start_postgres 9>&- # the servers must not inherit the lock
	start_redis 9>&-
) 9<"$0"
echo "export INSTAGRAM_TEST_POSTGRES='postgres://postgres@127.0.0.1:$pg_port/postgres?sslmode=disable'"
echo "export INSTAGRAM_TEST_REDIS='redis://127.0.0.1:$redis_port/0'"
