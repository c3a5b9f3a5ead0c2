"""Measures the package against its targets: ``python speed.py [ASSETS]``, with a release build of the extension.

Prints a line for each target, and exits with 1 when one is missed. A point read is compared with the same read in Rust:
``POINT_READ`` names the program (``codex-core/examples/point_read.rs``); without it the whole read is printed, and compared
with nothing.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from hivematrix_codex import Codex

BATCH = 10_000
ROUNDS = 5
POINT_READS = 2_000
MS = 1_000.0
US = 1_000_000.0


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median of some runs."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def start(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def fill(codex: Codex, count: int) -> int:
    """Assets of a company; the id of the last."""
    company = codex.companies.create(name="Acme GmbH").account_number
    last = 0
    for first in range(0, count, BATCH):
        rows: list[dict[str, Any]] = [
            {
                "hostname": f"PC-{number:05}",
                "company_account_number": company,
                "operating_system": "Microsoft Windows 11 Pro 10.0.26200",
                "hardware_type": "Laptop",
                "int_ip_address": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
                "serial_number": f"SN{number:08}",
            }
            for number in range(first, min(first + BATCH, count))
        ]
        result = codex.assets.bulk(rows, action="create")
        assert result.failed == 0, result
        last = result.results[-1].id or 0
    return last


def in_rust(url: str, asset: int) -> float | None:
    """Microseconds of the point read in Rust, where its program is named."""
    program = os.environ.get("POINT_READ")
    if not program:
        return None
    return float(subprocess.run([program, url, str(asset)], check=True, capture_output=True, text=True).stdout)


def to_first_call() -> float:
    """Seconds from the start of a script to its first call over HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        code = f"from hivematrix_codex import Client; Client({url!r}, token='x', retries=0).companies.find('100001')"
        began = time.perf_counter()
        script = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
        try:
            server.accept()[0].close()
            return time.perf_counter() - began
        finally:
            script.kill()
            script.wait()


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
    missed = 0

    def report(what: str, took: float, most: float | None, unit: str) -> None:
        nonlocal missed
        is_missed = most is not None and took > most
        missed += is_missed
        target = "no target" if most is None else f"target {most:g} {unit}"
        print(f"{'MISSED' if is_missed else 'ok':6} {what}: {took:.1f} {unit} ({target})")

    imported = seconds(lambda: start("import hivematrix_codex")) - seconds(lambda: start("pass"))
    report("import hivematrix_codex", imported * MS, 100, "ms")
    report("start to the first HTTP call", statistics.median(to_first_call() for _ in range(ROUNDS)) * MS, 300, "ms")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite://{folder}/codex.db"
        with Codex.open(url) as codex:
            last = fill(codex, count)
            objects = seconds(lambda: sum(1 for _ in codex.assets.list()))
            report(f"{count:,} assets to objects", objects * MS, 1_000 * count / 40_000, "ms")
            arrow = seconds(codex.assets.to_arrow)
            report(f"{count:,} assets to Arrow", arrow * MS, 300 * count / 40_000, "ms")
            each = seconds(lambda: [codex.assets.get(last) for _ in range(POINT_READS)]) / POINT_READS * US
        rust = in_rust(url, last)
        if rust is None:
            report("a point read, with the read in Rust", each, None, "us")
        else:
            report("a point read over Rust's", each - rust, 50, "us")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
