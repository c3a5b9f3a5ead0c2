"""The temporary installation that the tests of the scripts work on."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

TIMEOUT = 150
"""Seconds that a script may take."""


@dataclass(frozen=True)
class Done:
    """How a script has ended."""

    code: int
    out: str
    err: str

    def lines(self) -> list[str]:
        """What it printed, without blanks at the ends of lines."""
        return [line.strip() for line in self.out.splitlines() if line.strip()]


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def get(url: str) -> int:
    """The status of a GET; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


class Site:
    """A folder in which install.sh was run."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.python = folder / "pyenv" / "bin" / "python"
        self.port = free_port()

    def install(self) -> Done:
        """Runs install.sh; CODEXD is in the environment."""
        return self._ended(["./install.sh"], cwd=self.folder)

    def clean(self) -> None:
        """Removes settings and data."""
        for path in (self.folder / "instance").iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def conf(self, *, database: str = "sqlite://instance/codex.db", more: str = "", **settings: str) -> pathlib.Path:
        """Writes settings with access to the simulated vendors; ``settings`` are other values of them."""
        values = {name: os.environ[name] for name in ("FRESHSERVICE_URL", "FRESHSERVICE_KEY", "DATTO_URL", "DATTO_KEY", "DATTO_SECRET")}
        values.update(settings)
        path = self.folder / "instance" / "codex.conf"
        path.write_text(
            f"[database]\nconnection_string = {database}\n"
            f"[server]\nport = {self.port}\n"
            f"[freshservice]\ndomain = {values['FRESHSERVICE_URL']}\napi_key = {values['FRESHSERVICE_KEY']}\n"
            f"[datto]\napi_endpoint = {values['DATTO_URL']}\npublic_key = {values['DATTO_KEY']}\nsecret_key = {values['DATTO_SECRET']}\n"
            f"[scheduler]\nsync_psa_enabled = false\nsync_rmm_enabled = false\nsync_tickets_enabled = false\n{more}\n"
        )
        return path

    def run(self, script: str, *words: str, answer: str | None = None, cwd: pathlib.Path | None = None) -> Done:
        """Runs a script to its end, from another folder than its own; ``answer`` is its input."""
        command = [str(self.python), str(self.folder / script), *words]
        return self._ended(command, cwd=cwd or pathlib.Path("/"), answer=answer)

    def cron(self, line: str) -> Done:
        """Runs the command of a line of a crontab as cron does: by sh, in the home folder, with hardly any environment."""
        command = line.split(None, 5)[5].replace("/path/to/hivematrix-codex", str(self.folder))
        command = command.replace("/path/to/pyenv", str(self.folder / "pyenv"))
        env = {"HOME": "/", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "LC_ALL": "POSIX"}
        return self._ended(["/bin/sh", "-c", command], cwd=pathlib.Path("/"), env=env)

    def codexd(self, *words: str) -> Done:
        """Runs a command of codexd."""
        return self._ended([str(self.folder / "pyenv/bin/codexd"), *words], cwd=self.folder)

    def start(self, script: str, *words: str) -> subprocess.Popen[str]:
        """Starts a script, as Helm does: in its folder, in a session of its own."""
        return subprocess.Popen(
            [str(self.python), str(self.folder / script), *words],
            cwd=self.folder,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    @contextlib.contextmanager
    def served(self) -> Iterator[subprocess.Popen[str]]:
        """Codex, served by run.py; killed at the end."""
        process = self.start("run.py")
        try:
            if not wait_until(lambda: get(f"{self.url}/health/live") == 200):
                raise AssertionError(f"run.py does not serve: {process.poll()}")
            yield process
        finally:
            process.kill()
            process.communicate()

    @property
    def url(self) -> str:
        """Where Codex is served."""
        return f"http://127.0.0.1:{self.port}"

    def _ended(
        self, command: list[str], *, cwd: pathlib.Path, answer: str | None = None, env: dict[str, str] | None = None
    ) -> Done:
        done = subprocess.run(
            command, cwd=cwd, env=env, text=True, input=answer or "", capture_output=True, timeout=TIMEOUT, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)


def wait_until(is_so: object, seconds: float = 30) -> bool:
    """Waits until a function returns something true."""
    assert callable(is_so)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.05)
    return False
