# Sourced by the commands in this folder: goes to the repository and makes its .venv.
# shellcheck shell=bash
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
venv_python=.venv/bin/python
# Megabytes: the packages unpacked, room for pip's work, and the demo store's own files.
run_space=1200
test_space=2200

stop() {
    printf '%s\n' "$*" >&2
    exit 1
}

# The first Python that is new enough and can make virtual environments; PYTHON decides alone.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
            >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    stop "Python 3.11 or newer with its venv module is needed and ${PYTHON:-python3} is not it." \
        "Install it (on Debian and Ubuntu: apt-get install python3 python3-venv)," \
        "or set PYTHON to its path."
}

require_space() {
    local free
    free=$(df -Pm . | awk 'NR == 2 { print $4 }')
    if [ "${free:-0}" -lt "$1" ]; then
        stop "Only $free MB are free on the disk of $PWD; installing needs $1 MB. Free some space."
    fi
}

# What pip could not do, in the words of somebody who can do something about it.
explain_failed_install() {
    tail -n 5 .venv/install.log >&2
    if grep -q 'Python\.h' .venv/install.log; then
        stop "A package had to be compiled and the Python headers are missing." \
            "Install them (on Debian and Ubuntu: apt-get install python3-dev gcc) and start again."
    elif grep -qi 'no space left' .venv/install.log; then
        stop "The disk ran full while packages were installed. Free some space and start again."
    fi
    stop "Installing the packages failed; the whole story is in $PWD/.venv/install.log." \
        "Without a network, or with a package index out of reach, the first start cannot work."
}

install_packages() {
    local requirements=$1
    if command -v uv >/dev/null 2>&1 && uv pip install --quiet --python "$venv_python" \
        -r "$requirements" >.venv/install.log 2>&1; then
        return
    fi
    "$venv_python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
        -r "$requirements" >.venv/install.log 2>&1 || explain_failed_install
}

# prepare_venv NAME MEGABYTES: .venv holds NAME.txt; quick when nothing changed since.
prepare_venv() {
    local name=$1 space=$2 stamp=.venv/installed-$1.txt python began=$SECONDS
    # requirements-dev.txt includes requirements.txt, so a change of either one counts.
    local wanted
    if [ "$name" = requirements ]; then
        wanted=$(cat requirements.txt)
    else
        wanted=$(cat requirements.txt "$name.txt")
    fi
    if [ -f "$stamp" ] && [ "$wanted" = "$(cat "$stamp")" ] && "$venv_python" -c '' 2>/dev/null; then
        return
    fi
    python=$(find_python) || exit 1
    [ -w . ] || stop "$PWD cannot be written to by $(id -un). Clone the repository as this user."
    require_space "$space"
    printf 'Installing packages into .venv (about a minute the first time) ... ' >&2
    if ! "$venv_python" -m pip --version >/dev/null 2>&1; then
        "$python" -m venv --clear .venv || stop "Making .venv with $python failed, see above."
    fi
    install_packages "$name.txt"
    printf '%s\n' "$(cat requirements.txt)" >.venv/installed-requirements.txt
    printf '%s\n' "$wanted" >"$stamp"
    printf 'done in %s s.\n' "$((SECONDS - began))" >&2
}
