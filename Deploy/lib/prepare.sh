# What Deploy/check, Deploy/demo and the tests share: packages, the build, Python environments. Sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs="$root/.build/debug"

fail() {
    printf 'error: %s\n' "$1" >&2
    [ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >&2
    exit 1
}

# prepare_packages [MORE...]: installs the Debian packages that are missing when root, else says the exact line.
prepare_packages() {
    local missing=() package
    for package in libssl-dev libsqlite3-dev libyaml-dev python3-venv pkg-config git curl gcc openssl softhsm2 \
        libengine-pkcs11-openssl python3-cryptography bubblewrap "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        [ "$(id -u)" = 0 ] || fail "Debian packages are missing: ${missing[*]}" "run: sudo apt-get update && sudo apt-get install -y ${missing[*]}"
        printf 'installing %s\n' "${missing[*]}"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null \
            || fail "apt-get could not install ${missing[*]}"
    fi
    command -v swift >/dev/null || fail "there is no swift on PATH" "install Swift 6.3: https://www.swift.org/install"
}

# prepare_python NAME: prints the Python of a virtual environment with requirements-NAME.txt, made once.
prepare_python() {
    local requirements="$root/Deploy/mcp/requirements-$1.txt" environment
    environment="$root/.build/python/$1-$(sha256sum "$requirements" | cut -c1-12)"
    mkdir -p "$(dirname "$environment")"
    # One at a time: who comes second finds it made.
    exec 8>"$environment.lock"
    flock 8
    if [ ! -e "$environment/ready" ]; then
        rm -rf "$environment"
        python3 -m venv "$environment" >&2 || fail "python3 could not make a virtual environment" "apt-get install python3-venv"
        "$environment/bin/pip" install -q --disable-pip-version-check -r "$requirements" >&2 \
            || fail "pip could not install $requirements" "it needs PyPI, or a mirror that PIP_INDEX_URL names"
        # Only a complete environment is ever used: this file is made last.
        touch "$environment/ready"
    fi
    exec 8>&-
    printf '%s\n' "$environment/bin/python"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# await_file FILE PID WHAT: until FILE exists; fails when the process ends before.
await_file() {
    local tries=0
    until [ -s "$1" ]; do
        kill -0 "$2" 2>/dev/null || fail "$3 ended before it was ready"
        tries=$((tries + 1))
        [ $tries -lt 600 ] || fail "$3 was not ready after 30 seconds"
        sleep 0.05
    done
}
