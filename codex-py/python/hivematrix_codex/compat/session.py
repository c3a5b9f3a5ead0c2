"""``db.session``: simple writes. Each row is one call of Codex, which fails if the row was changed since it was read."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, TypeVar

from .._native import Record
from ..errors import Changed, NotFound
from .base import Model
from .errors import NotSupported
from .query import Query

__all__ = ["Database", "Session", "db", "session"]

M = TypeVar("M", bound=Model)


class Session:
    """The rows that were added, changed or deleted since the last commit."""

    def __init__(self) -> None:
        self._new: list[Model] = []
        self._changed: list[Model] = []
        self._deleted: list[Model] = []
        self._rows: weakref.WeakValueDictionary[tuple[Any, ...], Model] = weakref.WeakValueDictionary()

    def query(self, model: type[M], *more: object) -> Query[M]:
        """A query of a model."""
        if more or not (isinstance(model, type) and issubclass(model, Model)):
            raise NotSupported("query takes a model: functions and single columns are not selected; count() counts rows")
        return Query(model)

    def get(self, model: type[M], key: Any) -> M | None:
        """The row of a model with a key."""
        return self.query(model).get(key)

    def add(self, row: Model) -> None:
        """Creates a row at the next commit. A row that was read is tracked already."""
        if not isinstance(row, Model):
            raise TypeError(f"row: must be a row of a model, not {type(row).__name__}")
        if row._record is None and not is_in(row, self._new):
            self._new.append(row)

    def add_all(self, rows: Iterable[Model]) -> None:
        """:meth:`add` for each."""
        for row in rows:
            self.add(row)

    def delete(self, row: Model) -> None:
        """Deletes a row at the next commit. Unlike before, rows that belong to it stay."""
        row.key()
        if not is_in(row, self._deleted):
            self._deleted.append(row)

    def commit(self) -> None:
        """Writes all changes. With several rows, dry runs first find errors before anything is written. A row that somebody
        else has changed meanwhile raises :class:`Changed`; rows that are not written yet stay pending.
        """
        # Rows of a company that is new itself cannot be tried, and come after it.
        numbers = {row.own_number() for row in self._new} - {None}
        self._new.sort(key=lambda row: row.company_number() in numbers)
        changed = [row for row in self._changed if row._set and not is_in(row, self._deleted)]
        for is_dry in (True, False) if len(self._new) + len(changed) + len(self._deleted) > 1 else (False,):
            for row in list(self._new):
                if is_dry and row.company_number() in numbers:
                    continue
                self._stored(row, row.create(is_dry), is_dry)
            for row in changed:
                self._stored(row, row.update(version(row), is_dry), is_dry)
            for row in list(self._deleted):
                row.remove(version(row), is_dry)
                if not is_dry:
                    self._deleted.remove(row)
        self._changed.clear()

    def _stored(self, row: Model, record: Record | None, is_dry: bool) -> None:
        """Updates a row after its record was written."""
        if is_dry or record is None:
            return
        for pending in (self._new, self._changed):
            if is_in(row, pending):
                pending.remove(row)
        object.__setattr__(row, "_record", record)
        row._set.clear()
        self._rows[(type(row), *row.key_of(record))] = row

    def rollback(self) -> None:
        """Drops all pending changes: rows are again as they were read."""
        for row in self._changed:
            row._set.clear()
        for pending in (self._new, self._changed, self._deleted):
            pending.clear()

    def close(self) -> None:
        """:meth:`rollback`, and forgets the rows that were read."""
        self.rollback()
        self._rows.clear()

    remove = close
    expunge_all = close

    def refresh(self, row: Model) -> None:
        """Reads a row again."""
        record = row.find(row.key())
        if record is None:
            raise NotFound(f"{row!r} is not there any more")
        row._set.clear()
        object.__setattr__(row, "_record", record)

    def flush(self) -> None:
        """Not supported: ids are known after the commit."""
        raise NotSupported("flush is not there: commit(); a row has its id then")

    def execute(self, *statement: Any) -> None:
        """Not supported: SQL is not run."""
        raise NotSupported("execute is not there: use the lists of `codex`, or to_arrow() with polars or pandas")

    # Called by the models.

    def changed(self, row: Model) -> None:
        """A column of a row was set."""
        if row._record is not None and not is_in(row, self._changed):
            self._changed.append(row)

    def loaded(self, model: type[M], record: Record) -> M:
        """The object of a record: the same as long as somebody holds it. What was set on it stays."""
        key = (model, *model.key_of(record))
        row = self._rows.get(key)
        if row is None:
            row = model()
            self._rows[key] = row
        if not row._set:
            object.__setattr__(row, "_record", record)
        assert isinstance(row, model)
        return row


def is_in(row: Model, rows: list[Model]) -> bool:
    return any(one is row for one in rows)


def version(row: Model) -> str | None:
    """The version that a row must still have. Lists over HTTP have none: then the fields to write are compared instead."""
    record = row._record
    if record is None or record.version is not None:
        return None if record is None else record.version
    now = row.find(row.key())
    if now is None:
        raise NotFound(f"{row!r} is not there any more")
    columns = row.columns()
    if any(columns[name].of(now) != columns[name].of(record) for name in row._set):
        raise Changed(f"{row!r} was changed since it was read: db.session.refresh(row)")
    return now.version


class Database:
    """``db``: the session, and other members that scripts of a site used."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def init_app(self, app: object) -> None:
        """Does nothing: the database is opened when something is read."""

    def __getattr__(self, name: str) -> Any:
        instead = {
            "create_all": "`codexd migrate` brings the schema up to date",
            "drop_all": "nothing here drops tables",
            "engine": "use the lists of `codex`, or to_arrow() with polars or pandas",
        }
        kept = "tables of your own belong into a database of your own, keyed by account numbers and ids"
        raise NotSupported(f"db.{name} is not there any more: {instead.get(name, kept)}")


session = Session()
db = Database(session)
