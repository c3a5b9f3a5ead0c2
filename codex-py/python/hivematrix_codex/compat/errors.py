"""The error of calls that the old models do not support."""

from __future__ import annotations

from ..errors import CodexError

__all__ = ["NotSupported"]


class NotSupported(CodexError, AttributeError, NotImplementedError):
    """The old call is not supported. The message names the new one."""
