"""The common part of the scripts in the installation's folder: the installation, running syncs, exit codes.

A script calls :func:`main` with a function that returns its exit code. :class:`Site` is the installation: its settings, its
database, its ``codexd``. :func:`sync` runs a sync, or follows the one that is running.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from types import FrameType
from typing import NoReturn

from ._native import PROCESS_GONE, Codex
from .errors import CodexError, Unavailable
from .records import Job

__all__ = ["Failed", "Progress", "Site", "log", "main", "seen", "sync", "written"]

FAILED = 1
"""The exit code of everything that went wrong; a wrong command line has 2, as :mod:`argparse` has."""
WIDTH = 30
"""Characters of a progress bar."""


class Failed(Exception):
    """Why a script ends with exit code 1, in one line."""


def main(run: Callable[[], int]) -> NoReturn:
    """Runs a script and exits with the code that ``run`` returns.

    What goes wrong is one line on standard error and exit code 1. Ctrl-C ends with 130 and SIGTERM with 143: a sync of this
    process is cancelled, what it has done so far stays.
    """
    for stream in (sys.stdout, sys.stderr):
        # Lines arrive as they are written, also in cron, whose locale may not have every character.
        stream.reconfigure(line_buffering=True, errors="replace")  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, _terminated)
    try:
        code = run()
    except (Failed, CodexError) as error:
        print(f"FATAL ERROR: {_one_line(error)}", file=sys.stderr)
        code = FAILED
    except KeyboardInterrupt:
        print("Stopped. What was done so far stays.", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        # Whoever read the output has gone; Python must not write the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    sys.exit(code)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _one_line(error: BaseException) -> str:
    """
    >>> _one_line(Failed("no\\n  database"))
    'no database'
    """
    return " ".join(str(error).split())


def log(message: str) -> None:
    """Prints a line with the time."""
    print(f"[{datetime.now():%Y-%m-%d %H:%M:%S}] {message}")


class Site:
    """The installation that a script is in: the script's folder, or else the working directory."""

    def __init__(self) -> None:
        here = pathlib.Path(sys.argv[0]).absolute().parent
        folder = next((place for place in (here, pathlib.Path.cwd()) if (place / "instance").is_dir()), here)
        self.called_from = pathlib.Path.cwd()
        """Where the script was called."""
        self.folder = folder
        """The folder that has ``instance/``, ``.flaskenv`` and ``services.json``."""
        # Paths in the settings are relative to it.
        os.chdir(folder)

    @property
    def conf(self) -> pathlib.Path:
        """The settings' file."""
        return self.folder / "instance" / "codex.conf"

    def require_conf(self) -> pathlib.Path:
        """The settings' file, which must be there."""
        if not self.conf.is_file():
            raise Failed(f"Configuration file not found at {self.conf}; init_db.py writes it")
        return self.conf

    def open(self, *, psa: str | None = None, rmm: str | None = None) -> Codex:
        """Opens the database with the access to vendors; ``psa`` and ``rmm`` are other vendors than the settings name."""
        for section, provider in (("PSA", psa), ("RMM", rmm)):
            if provider is not None:
                os.environ[f"CODEX_{section}_DEFAULT_PROVIDER"] = provider
        conf = self.require_conf()
        try:
            return Codex.open(config=conf, actor=pathlib.Path(sys.argv[0]).name)
        except Unavailable as error:
            raise Failed(f"cannot open the database of {conf}: {error}") from error

    @property
    def codexd(self) -> str:
        """The program ``codexd``: of this installation, or of the search path."""
        own = pathlib.Path(sys.prefix) / "bin" / "codexd"
        program = str(own) if own.exists() else shutil.which("codexd")
        if program is None:
            raise Failed(f"codexd is not in {own.parent} and not in the search path; install.sh puts it there")
        return program

    def is_served(self) -> bool:
        """Whether a Codex answers on the port of the settings."""
        settings = json.loads(self.run("config", "--json", capture=True).stdout or "[]")
        server = {one["key"]: one["value"] for one in settings if one["section"] == "server"}
        host = str(server.get("bind", "127.0.0.1"))
        host = f"[{host}]" if ":" in host else host
        url = f"http://{host}:{server.get('port', '5010')}/health/live"
        try:
            # This host needs no proxy.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(url, timeout=2) as answer:
                alive = json.load(answer)
                return isinstance(alive, dict) and alive.get("service") == "codex"
        except (OSError, ValueError):
            return False

    def run(self, *words: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
        """Runs a command of ``codexd`` to its end; with ``capture``, its standard output is returned, else shown."""
        sys.stdout.flush()
        output = subprocess.PIPE if capture else None
        return subprocess.run([self.codexd, *words], text=True, stdout=output, stderr=subprocess.PIPE, check=False)


class Progress:
    """Shows how far a job is: a bar on a terminal, else a line for each stage."""

    def __init__(self) -> None:
        self._on_terminal = sys.stdout.isatty()
        self._shown = ""

    def __call__(self, job: Job) -> None:
        """Shows the job."""
        stage, percent = job.report.stage, job.report.percent
        if self._on_terminal:
            self._draw(f"{_bar(percent)} {stage}".rstrip())
        elif stage and stage not in (self._shown, "done"):
            print(f"   -> {stage}")
            self._shown = stage

    def end(self) -> None:
        """Removes the bar."""
        if self._on_terminal and self._shown:
            self._draw("")
            print("\r", end="", flush=True)

    def _draw(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        text = text[:width]
        print("\r" + text.ljust(min(len(self._shown), width)), end="", flush=True)
        self._shown = text


def _bar(percent: int | None) -> str:
    """
    >>> _bar(50)
    '[###############...............]  50%'
    >>> _bar(None)
    '[..............................]     '
    """
    done = WIDTH * (percent or 0) // 100
    number = "    " if percent is None else f"{percent:3d}%"
    return f"[{'#' * done}{'.' * (WIDTH - done)}] {number}"


def sync(
    codex: Codex,
    kind: str,
    *,
    lists: Sequence[str] | None = None,
    reads: Collection[str] = (),
    say: Callable[[str], None] = print,
) -> Job:
    """Runs a sync and returns the job, which has ended.

    While another process runs it, this one waits for the end of that run and returns it. A dry run, a run whose process is
    gone, another sync of the same source, and a run that did not read what ``reads`` names (such as ``company``) are waited
    for too; then the sync is run.
    """
    progress = Progress()
    try:
        while (running := codex.jobs.at_work(kind)) is not None:
            say(f"Another run is at work (job {running.id}); waiting for its end")
            job = codex.jobs.wait(running, progress=progress)
            if _is_what_was_asked(job, kind, reads):
                return job
        job = codex.sync(kind, lists=lists, progress=progress)
        other = codex.jobs.at_work(kind) if job.status == "failed" else None
        # Another process was quicker by less than the time between the question and the start.
        return job if other is None or other.sync != kind else codex.jobs.wait(other, progress=progress)
    finally:
        progress.end()


def _is_what_was_asked(job: Job, kind: str, reads: Collection[str]) -> bool:
    if job.sync != kind or job.script == "dry-run" or job.error == PROCESS_GONE:
        return False
    return job.status != "completed" or all(name in job.report.counts for name in reads)


def seen(job: Job, kind: str) -> int:
    """How many items of a kind, such as ``company``, a job has read."""
    counts = job.report.counts.get(kind)
    return 0 if counts is None else counts.seen


def written(notes: Sequence[str], verb: str) -> str | None:
    """The line that says how many account numbers were written, or why none was; ``None`` when there was none to write.

    >>> written(["site `A` has account number 100001 now"], "pushed")
    '✓ Successfully pushed 1 account numbers'
    >>> written(["site `A` would get account number 100001"], "pushed")
    'ℹ  Nothing was written: [upstream] write is off'
    """
    count = sum(note.endswith(" now") for note in notes)
    if count:
        # A job keeps its first hundred notes.
        return f"✓ Successfully {verb} {count} account numbers" + (" or more" if count >= 100 else "")
    return "ℹ  Nothing was written: [upstream] write is off" if any("would get" in note for note in notes) else None
