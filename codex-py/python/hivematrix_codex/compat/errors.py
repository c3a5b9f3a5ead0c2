"""What the old names do not do."""

from __future__ import annotations

from ..errors import CodexError

__all__ = ["NotSupported"]


class NotSupported(CodexError, AttributeError, NotImplementedError):
    """The old call is not there any more. The message names the new one."""
