#!/usr/bin/env bash
# Prints the connection to the database from instance/codex.conf, decoded. Exit code 1 when there is none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
conf=instance/codex.conf
if [ ! -f "$conf" ]; then
    echo "⚠ Config file not found at $PWD/$conf"
    echo "Run: python init_db.py"
    exit 1
fi
python=pyenv/bin/python
[ -x "$python" ] || python=python3
exec "$python" - "$conf" <<'PYTHON'
import configparser, shlex, sys
from urllib.parse import unquote, urlsplit

conf = configparser.RawConfigParser(strict=False)
conf.read(sys.argv[1])
text = conf.get("database", "connection_string", fallback="").strip()
if not text:
    sys.exit("⚠ No connection string found in config")
url = urlsplit(text)
line = "=" * 44
print(f"\n{line}\n  Codex Database Credentials\n{line}")
if url.scheme.startswith("sqlite"):
    print(f"Database: {text.split('://', 1)[1]}\n{line}")
    sys.exit()
host, port, name = url.hostname or "localhost", url.port or 5432, unquote(url.path.lstrip("/"))
user, password = unquote(url.username or ""), unquote(url.password or "")
print(f"Host:     {host}\nPort:     {port}\nDatabase: {name}\nUser:     {user}\nPassword: {password}\n{line}")
words = ["psql", "-h", host, "-p", str(port), "-U", user, "-d", name]
print(f"\nPostgreSQL shell:\n  PGPASSWORD={shlex.quote(password)} {shlex.join(words)}")
print("\nBring the schema up to date:\n  python init_db.py --migrate-only")
PYTHON
