"""The connection of the old models. It opens at the first read, once per process."""

from __future__ import annotations

import atexit
import os
import pathlib
import threading

from .._native import BaseCodex, Codex
from ..errors import NotFound

__all__ = ["close", "codex", "folder", "use"]

_lock = threading.RLock()
_folder = pathlib.Path()
_chosen: BaseCodex | None = None
_opened: tuple[int, Codex] | None = None


def use(target: str | os.PathLike[str] | BaseCodex, /) -> None:
    """Chooses what the old models read: a folder with ``instance/codex.conf``, a file in such a folder, or a connection.

    Without it, the working directory is the folder. The caller closes a connection that it passes.
    """
    global _folder, _chosen
    with _lock:
        chosen = target if isinstance(target, BaseCodex) else None
        # Links stay: install.sh links these files into the installation's folder.
        path = _folder if isinstance(target, BaseCodex) else pathlib.Path(target).absolute()
        path = path if path.is_dir() else path.parent
        if (chosen, path) != (_chosen, _folder):
            close()
        _chosen, _folder = chosen, path


def folder() -> pathlib.Path:
    """The folder of the installation."""
    return _folder


def codex() -> BaseCodex:
    """The connection."""
    global _opened
    with _lock:
        if _chosen is not None:
            return _chosen
        # A child process opens its own.
        if _opened is None or _opened[0] != os.getpid():
            config = _folder / "instance" / "codex.conf"
            if not config.is_file():
                raise NotFound(f"there is no {config}: run the script in the folder of the installation, or call use()")
            _opened = (os.getpid(), Codex.open(config=config))
        return _opened[1]


@atexit.register
def close() -> None:
    """Closes the connection that was opened here. The next call opens another one."""
    global _opened
    with _lock:
        if _opened is not None and _opened[0] == os.getpid():
            _opened[1].close()
        _opened = None
