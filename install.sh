#!/usr/bin/env bash
# Prepares this folder to serve: builds codexd, makes instance/ and .flaskenv, links services.json.
# Needs Rust 1.94+ and a C compiler. Safe to run again: what is there already is kept.
set -euo pipefail
cd "$(dirname "$0")"

for tool in cargo cc; do
    command -v "$tool" >/dev/null || { echo "install.sh: $tool is missing; install Rust 1.94+ (https://rustup.rs) and a C compiler" >&2; exit 1; }
done

echo "== building codexd"
cargo build --release --locked --package codex-daemon
target=${CARGO_TARGET_DIR:-target}

# Holds the vendors' keys and the database password: nobody else may read it.
install -d -m 0700 instance

if [ ! -e .flaskenv ]; then
    (umask 077 && cat >.flaskenv <<'VARIABLES'
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

cat <<DONE
== done. Next:
   $target/release/codexd init     # PostgreSQL; without it Codex uses instance/codex.db (SQLite)
   $target/release/codexd config   # every setting and where it came from
   $target/release/codexd serve    # http://127.0.0.1:5010
DONE
