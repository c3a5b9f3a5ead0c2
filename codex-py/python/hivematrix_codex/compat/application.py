"""``app``: scripts enter its context before they use the models."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .errors import NotSupported

__all__ = ["Application", "app", "create_app"]


class Application:
    """Replaces the Flask application. Its context opens nothing, because nothing needs to be open."""

    @contextlib.contextmanager
    def app_context(self) -> Iterator[Application]:
        """``with app.app_context():`` as before. Pending changes are dropped at the end."""
        from .session import session

        try:
            yield self
        finally:
            session.close()

    def __getattr__(self, name: str) -> Any:
        raise NotSupported(
            f"app.{name} is not there any more: the service is codexd; its settings are in instance/codex.conf, and "
            "`codexd config` shows them"
        )


app = Application()


def create_app(*arguments: object, **settings: object) -> Application:
    """The application."""
    return app
