#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets Patrol up in .venv: system packages, Python packages, ROS 2 interfaces, the page. Every step is skipped while its inputs
# are unchanged, so a second run takes a moment.
#   --with-test-tools   also a browser for the end-to-end test
set -euo pipefail
cd "$(dirname "$0")/.."

with_test_tools=no
[ "${1:-}" = "--with-test-tools" ] && with_test_tools=yes
venv=.venv
stamps=$venv/.stamps
log_dir=.run/setup
mkdir -p "$log_dir"
started=$(date +%s)

say() { printf '[%3ds] %s\n' "$(($(date +%s) - started))" "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# step NAME FINGERPRINT COMMAND...: run the command unless the stamp holds the same fingerprint; show its log when it fails.
step() {
    local name=$1 fingerprint=$2
    shift 2
    if [ -f "$stamps/$name" ] && [ "$(cat "$stamps/$name")" = "$fingerprint" ]; then
        return 0
    fi
    local log=$log_dir/$name.log pid
    : >"$log"
    "$@" >"$log" 2>&1 &
    pid=$!
    if [ -t 1 ]; then
        while kill -0 "$pid" 2>/dev/null; do
            printf '\r[%3ds] %-28s %s\033[K' "$(($(date +%s) - started))" "$name" "$(tail -n 1 "$log" | tr -d '\r' | cut -c 1-70)"
            sleep 0.3
        done
        printf '\r\033[K'
    else
        say "$name ..."
    fi
    if ! wait "$pid"; then
        tail -n 40 "$log" >&2
        die "$name failed; the whole log is in $log"
    fi
    mkdir -p "$stamps"
    printf '%s' "$fingerprint" >"$stamps/$name"
    say "$name done"
}

fingerprint() { cat "$@" 2>/dev/null | sha256sum | cut -d ' ' -f 1; }
fingerprint_tree() { find "$@" -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.12 python3.11 python3.13; do
        [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
        "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null && { echo "$candidate"; return 0; }
    done
    return 1
}

system_packages() {
    # Off-screen OpenGL for the simulator's cameras, Open3D's libraries, and a compiler for the ROS 2 interfaces.
    echo libegl1 libgl1 libgl1-mesa-dri libosmesa6 libusb-1.0-0 libgomp1 libx11-6 make cmake g++ python3 python3-venv python3-dev
    if [ "$with_test_tools" = yes ] && ! browser_there && [ "$(distribution)" != ubuntu ]; then
        echo chromium fonts-dejavu-core
    fi
}

distribution() { sed -n 's/^ID=//p' /etc/os-release 2>/dev/null | tr -d '"'; }

browser_there() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; }

missing_packages() {
    local package
    for package in $(system_packages); do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
    done
}

apt_install() {
    $as_root apt-get update -q
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

install_system_packages() {
    command -v dpkg-query >/dev/null || { say "not Debian or Ubuntu: taking the system libraries as they are"; return 0; }
    local missing
    missing=$(missing_packages | tr '\n' ' ')
    [ -n "${missing// /}" ] || return 0
    as_root=
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || die "these system packages are missing; run this line once and start again:
    sudo apt-get update && sudo apt-get install -y $missing"
        as_root="sudo -n"
    fi
    # shellcheck disable=SC2086
    step "system packages" "$missing" apt_install $missing
}

make_environment() { "$1" -m venv "$venv"; }

install_python_packages() {
    awk '/^uv==/ {on = 1} on {print} on && !/\\$/ {exit}' requirements.lock >"$log_dir/uv.lock"
    "$venv/bin/python" -m pip install --quiet --require-hashes --no-deps -r "$log_dir/uv.lock"
    "$venv/bin/uv" pip install --python "$venv/bin/python" --require-hashes --compile-bytecode -r requirements.lock
    "$venv/bin/uv" pip install --python "$venv/bin/python" --no-deps --no-build-isolation -e .
}

system_node_fits() { command -v node >/dev/null && command -v npm >/dev/null && [ "$(node -p 'Number(process.versions.node.split(".")[0])' 2>/dev/null || echo 0)" -ge 20 ]; }

install_node() { "$venv/bin/uv" pip install --python "$venv/bin/python" --require-hashes -r requirements-node.lock; }

build_page() {
    export PATH="$PWD/$venv/bin:$PATH"
    cd command_centre/web
    npm ci --no-audit --no-fund && npm run build
}

python=$(find_python) || {
    install_system_packages
    python=$(find_python) || die "Python 3.11 or newer is needed; this system has $(python3 --version 2>&1)"
}
install_system_packages
if [ "$with_test_tools" = yes ] && ! browser_there; then
    say "no Chromium, and Ubuntu has it as a snap only (sudo snap install chromium): the tests that look at the page are skipped"
fi
[ -x "$venv/bin/python" ] || step "environment" "$("$python" --version)" make_environment "$python"
step "python packages" "$(fingerprint requirements.lock pyproject.toml)" install_python_packages
step "ros interfaces" "$(fingerprint_tree ros_ws/src/patrol_msgs ros_ws/overlay scripts)" "$venv/bin/python" -m scripts.build_ros
if ! system_node_fits; then
    step "node" "$(fingerprint requirements-node.lock)" install_node
fi
step "page" "$(fingerprint_tree command_centre/web)" build_page
say "set up"
