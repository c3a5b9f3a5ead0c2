"""The base of all old models: a record of Codex with its old attributes."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from .._native import Record
from ..errors import NotFound
from .columns import Column, Removed
from .connection import codex
from .errors import NotSupported
from .query import Query

__all__ = ["Model", "Related", "Relation"]

M = TypeVar("M", bound="Model")


class QueryProperty:
    """``Model.query``."""

    def __get__(self, instance: Model | None, owner: type[M]) -> Query[M]:
        return Query(owner)


class Model:
    """A row of an old table: the columns of a record as it was read, and values that were set since."""

    resource: ClassVar[str]
    """The property of the connection that has the records."""
    record: ClassVar[str]
    """The class of the records."""
    keys: ClassVar[tuple[str, ...]] = ("id",)
    """The attributes that name a record."""
    is_whole: ClassVar[bool] = False
    """Whether the list is read whole, and conditions are compared here."""
    instead: ClassVar[str] = ""
    """The call that sets columns which this model cannot set."""

    query = QueryProperty()

    _record: Record | None
    _set: dict[str, Any]

    def __init__(self, **values: Any) -> None:
        object.__setattr__(self, "_record", None)
        object.__setattr__(self, "_set", {})
        for name, value in values.items():
            setattr(self, name, value)

    @classmethod
    def of(cls: type[M], record: Record, company: str | None = None) -> M:
        """The row of a record; one object for each row that is in use. ``company`` is the company whose list it is of."""
        from .session import session

        return session.loaded(cls, record)

    @classmethod
    def columns(cls) -> dict[str, Column[Any]]:
        """Its columns by name."""
        return {name: column for name, column in vars(cls).items() if isinstance(column, Column)}

    @classmethod
    def key_of(cls, record: Record) -> tuple[Any, ...]:
        """The key of a record."""
        return tuple(getattr(record, name) for name in cls.keys)

    @classmethod
    def records(cls) -> Any:
        """Its resource."""
        return getattr(codex(), cls.resource)

    @classmethod
    def find(cls, key: Any) -> Record | None:
        """The record with a key."""
        found: Record | None = cls.records().find(key)
        return found

    def key(self) -> Any:
        """The key of its record."""
        if self._record is None:
            raise NotFound(f"this {type(self).__name__} is not stored: add it and commit")
        key = self.key_of(self._record)
        return key[0] if len(key) == 1 else key

    def value_of(self, column: Column[Any]) -> Any:
        if column.name in self._set:
            return self._set[column.name]
        return None if self._record is None else column.of(self._record)

    def set_value(self, column: Column[Any], value: Any) -> None:
        from .session import session

        if self._record is None or column.of(self._record) != value:
            self._set[column.name] = value
            session.changed(self)
        else:
            self._set.pop(column.name, None)

    def __setattr__(self, name: str, value: Any) -> None:
        member = getattr_static(type(self), name)
        if not isinstance(member, (Column, Removed, Relation)):
            near = difflib.get_close_matches(name, type(self).columns(), 1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            raise AttributeError(f"{type(self).__name__} has no column `{name}`{hint}")
        member.__set__(self, value)

    def body(self) -> dict[str, Any]:
        """The values that were set, as fields of the record."""
        fields: dict[str, Any] = {}
        for name, value in self._set.items():
            fields.update(self.columns()[name].body(value))
        return fields

    def own_number(self) -> str | None:
        """The account number of a new company."""
        return None

    def company_number(self) -> str | None:
        """The account number of the company that it is to belong to."""
        return self._set.get("company_account_number")

    # Writes, as the session makes them.

    def create(self, dry_run: bool) -> Record | None:
        created = self.records().create(dry_run=dry_run, **self.body())
        return None if dry_run else created

    def update(self, version: str | None, dry_run: bool) -> Record | None:
        updated = self.records().update(self._record, if_match=version, dry_run=dry_run, **self.body())
        return None if dry_run else updated

    def remove(self, version: str | None, dry_run: bool) -> None:
        self.records().delete(self._record, if_match=version, dry_run=dry_run)

    def __repr__(self) -> str:
        key = self.key_of(self._record) if self._record is not None else ("new",)
        return f"<{type(self).__name__} {' '.join(map(str, key))}>"


def getattr_static(owner: type, name: str) -> Any:
    """A member of a class as it was declared."""
    for base in owner.__mro__:
        if name in vars(base):
            return vars(base)[name]
    return None


class Related(tuple[M, ...], Generic[M]):
    """Rows that belong to another one. They are read only; methods that change them raise an error that names the call."""

    instead: str

    def __new__(cls, rows: Any, instead: str) -> Related[M]:
        made = super().__new__(cls, rows)
        made.instead = instead
        return made

    def all(self) -> list[M]:
        """The rows as a list."""
        return list(self)

    def append(self, row: M) -> None:
        """Not supported: the message names the call to use."""
        raise NotSupported(f"this list is not changed in place: use {self.instead}")

    def remove(self, row: M) -> None:
        """Not supported: the message names the call to use."""
        raise NotSupported(f"this list is not changed in place: use {self.instead}")


class Relation(Generic[M]):
    """The rows that belong to a row. They are read on access."""

    def __init__(self, read: Callable[[Any], Any], instead: str) -> None:
        self.read = read
        self.instead = instead

    def __get__(self, instance: Model | None, owner: type[Any]) -> Any:
        if instance is None:
            raise NotSupported("conditions on relations and joins are not there: query the other model")
        found = self.read(instance)
        return Related(found, self.instead) if isinstance(found, list) else found

    def __set__(self, instance: Model, value: Any) -> None:
        raise NotSupported(f"relations are not set: use {self.instead}")
