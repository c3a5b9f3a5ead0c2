#!/usr/bin/env bash
# Prepares this folder to serve: codexd, pyenv/ with the Python package, the scripts under their old names, instance/,
# .flaskenv, services.json. Safe to run again: what is there already is kept, codexd and the package are replaced.
#   ./install.sh                      builds both; needs Rust 1.94+ and a C compiler
#   CODEXD=/path/to/codexd ./install.sh
#       takes both as they are: lib_native.so from the same folder, or from NATIVE=
# PYTHON= is the Python of pyenv/: 3.10 or newer, with venv (Debian: python3-venv).
set -euo pipefail
cd "$(dirname "$0")"

fail() { echo "install.sh: $*" >&2; exit 1; }

python=${PYTHON:-python3}
command -v "$python" >/dev/null || fail "$python is missing; install Python 3.10 or newer"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "$python is older than 3.10; name another with PYTHON="
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python has no venv; install it (Debian: apt install python3-venv)"

if [ -n "${CODEXD:-}" ]; then
    codexd=$CODEXD
    native=${NATIVE:-$(dirname "$CODEXD")/lib_native.so}
    [ -x "$codexd" ] || fail "CODEXD=$codexd is not a program"
    [ -f "$native" ] || fail "$native is missing; NATIVE= names the extension that belongs to this codexd"
else
    for tool in cargo cc; do
        command -v "$tool" >/dev/null || fail "$tool is missing; install Rust 1.94+ (https://rustup.rs) and a C compiler, or name a codexd that is built already with CODEXD="
    done
    echo "== building codexd and the Python package"
    cargo build --release --locked --package codex-daemon --package codex-py
    target=$(cargo metadata --format-version 1 --no-deps --locked \
        | "$python" -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
    codexd=$target/release/codexd
    native=$target/release/lib_native.so
fi

# Holds the vendors' keys and the database password: nobody else may read it.
install -d -m 0700 instance

if ! pyenv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "== creating pyenv/"
    "$python" -m venv --clear pyenv
fi

echo "== installing the Python package"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pyenv/bin/python codex-py/wheel.py "$native" "$work" >/dev/null
pyenv/bin/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall "$work"/*.whl

# Renamed into place: a codexd that is running goes on with its own file.
if ! [ "$codexd" -ef pyenv/bin/codexd ]; then
    ln -f "$codexd" pyenv/bin/codexd.new 2>/dev/null || cp -f "$codexd" pyenv/bin/codexd.new
    mv -f pyenv/bin/codexd.new pyenv/bin/codexd
fi
# Helm looks for a server among processes by names of Python's servers; run.py starts it under this one.
ln -sfn codexd pyenv/bin/codexd-gunicorn

# Under the names that crontabs and Helm call.
for script in codex-py/scripts/*; do
    name=${script##*/}
    if [ -e "$name" ] && [ ! -L "$name" ]; then
        echo "== $name is a file of your own and stays; ours is $script"
    elif [ -f "$script" ] || [ "$name" = app ]; then
        ln -sfn "$script" "$name"
    fi
done

if [ ! -e .flaskenv ]; then
    (umask 077 && cat >.flaskenv <<'VARIABLES'
FLASK_APP='run.py'
FLASK_ENV='production'
SERVICE_NAME='codex'
CORE_SERVICE_URL='http://localhost:5000'
HELM_SERVICE_URL='http://localhost:5004'
VARIABLES
    )
    echo "== wrote .flaskenv: CORE_SERVICE_URL must name your Core"
fi

# Helm keeps one list of services for all modules. A file that somebody edited stays.
helm=../hivematrix-helm/services.json
if [ -f "$helm" ] && { [ ! -e services.json ] || git diff --quiet -- services.json 2>/dev/null; }; then
    ln -sfn "$helm" services.json
    echo "== services.json is Helm's"
fi

cat <<'DONE'
== done. Next:
   pyenv/bin/python init_db.py     # PostgreSQL; without it Codex uses instance/codex.db (SQLite)
   pyenv/bin/codexd config         # every setting and where it came from
   pyenv/bin/python run.py         # http://127.0.0.1:5010
DONE
