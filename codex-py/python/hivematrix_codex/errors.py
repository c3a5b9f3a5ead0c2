"""What can go wrong. Everything that Codex refuses or cannot do is a :class:`CodexError`.

Where Python has a word for it, the error is that too: a record that is not there is a ``LookupError``, a value that
cannot be accepted is a ``ValueError``.

>>> issubclass(NotFound, LookupError), issubclass(Invalid, ValueError), issubclass(Timeout, TimeoutError)
(True, True, True)
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "Changed",
    "Closed",
    "CodexError",
    "Conflict",
    "Fault",
    "Forbidden",
    "Invalid",
    "NotFound",
    "Timeout",
    "Unauthorized",
    "Unavailable",
    "UpstreamError",
]


class CodexError(Exception):
    """Anything that Codex refuses or cannot do."""


class NotFound(CodexError, LookupError):
    """There is no such record, or none that you may see."""


class Conflict(CodexError):
    """Another record is in the way."""


class Changed(Conflict):
    """Somebody has changed the record since it was read: read it again."""


class Fault:
    """One thing that is wrong with what was sent.

    >>> Fault("/name", "is required")
    Fault('/name', 'is required')
    """

    __slots__ = ("detail", "pointer")

    pointer: str
    """Where: a JSON pointer such as ``/name``."""
    detail: str
    """What is wrong there."""

    def __init__(self, pointer: str, detail: str) -> None:
        self.pointer = pointer
        self.detail = detail

    def __repr__(self) -> str:
        return f"Fault({self.pointer!r}, {self.detail!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fault):
            return NotImplemented
        return (self.pointer, self.detail) == (other.pointer, other.detail)

    def __hash__(self) -> int:
        return hash((self.pointer, self.detail))


class Invalid(CodexError, ValueError):
    """What was sent cannot be accepted. ``faults`` has everything that is wrong, each with its place."""

    faults: tuple[Fault, ...]

    def __init__(self, message: str, faults: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(Fault(pointer, detail) for pointer, detail in faults)


class Unauthorized(CodexError, PermissionError):
    """There is no token, or it is not accepted: get another one."""


class Forbidden(CodexError, PermissionError):
    """You may not do this."""


class UpstreamError(CodexError):
    """A vendor failed or refused."""


class Unavailable(CodexError):
    """The database or the server cannot be reached, or has too much to do: try again later."""


class Timeout(CodexError, TimeoutError):
    """It took too long. It may still have been done."""


class Closed(CodexError):
    """The connection is closed, or was opened before ``fork``: open another one."""
