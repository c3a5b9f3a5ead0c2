"""Columns of the old tables: their new names, and the form of their old values."""

from __future__ import annotations

import fnmatch
import json
import operator
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from .._native import Record, _registry
from ..errors import Invalid
from .errors import NotSupported

if TYPE_CHECKING:
    from .base import Model

__all__ = ["Column", "Condition", "Order", "Removed", "amount", "iso", "json_text", "local"]

T = TypeVar("T")


@lru_cache(maxsize=1)
def registry() -> dict[str, Any]:
    """The fields of the library, from its own registry."""
    found: dict[str, Any] = _registry()
    return found


@lru_cache(maxsize=None)
def filters(record: str) -> frozenset[str]:
    """The conditions that the list of a class of record knows."""
    return frozenset(name for name, _ in registry()["filters"].get(record, ()))


@lru_cache(maxsize=None)
def editable(record: str) -> frozenset[str]:
    """The fields that people set on a class of record."""
    own = frozenset(name for name, _, _ in registry()["bodies"].get(record, ()))
    return own | {"value", "enabled"} if record == "Override" else own


def json_text(value: Any) -> str | None:
    """A list as the JSON text that the old column held; ``None`` where it is empty."""
    return json.dumps(value, default=iso) if value else None


def iso(time: Any) -> str | None:
    """A time as ISO text in UTC."""
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if time else None


def local(time: Any) -> str | None:
    """A time as the RMM sync wrote it: the server's local time, without a zone."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S") if time else None


def amount(places: int) -> Callable[[Any], Decimal]:
    """An amount of money with so many decimals."""
    return lambda value: Decimal(str(value or 0)).quantize(Decimal(1).scaleb(-places))


def moment(name: str, value: Any) -> datetime:
    """A time of a condition. Text without a zone is the server's local time."""
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise Invalid(f"{name}: `{value}` is not a time such as 2026-01-31 or 2026-01-31T08:00:00Z") from None
    return time if time.tzinfo else time.astimezone()


class Condition:
    """A comparison of a column: what the list engine is asked, what holds of the records that fit, and whether the engine
    alone finds just these."""

    def __init__(self, asked: dict[str, Any], holds: Callable[[Record], bool], is_exact: bool = False) -> None:
        self.asked = asked
        self.holds = holds
        self.is_exact = is_exact

    def __bool__(self) -> bool:
        raise TypeError("conditions go into filter(); they are neither true nor false")

    def __or__(self, other: object) -> Condition:
        raise NotSupported("conditions with `or` are not there: use in_(), or run one query for each")

    def __invert__(self) -> Condition:
        raise NotSupported("`not` of a condition is not there: use !=, or isnot(None)")

    def __and__(self, other: Condition) -> tuple[Condition, Condition]:
        return (self, other)


class Order:
    """A column to sort by."""

    def __init__(self, column: Column[Any], is_descending: bool) -> None:
        self.column = column
        self.is_descending = is_descending


class Column(Generic[T]):
    """A column. ``new`` is the attribute that holds it now; ``read`` and ``write`` turn values into the old form and back.

    ``is_company`` is for account numbers of the company that a list is of; ``is_time`` for times, which were text;
    ``is_word`` for texts whose case never counts.
    """

    def __init__(
        self,
        new: str | None = None,
        *,
        read: Callable[[Any], T] | None = None,
        write: Callable[[Any], Any] | None = None,
        write_to: str | None = None,
        is_company: bool = False,
        is_time: bool = False,
        is_word: bool = False,
    ) -> None:
        self.new = new or ""
        self.read = read
        self.write = write
        self.write_to = write_to
        self.is_company = is_company
        self.is_time = is_time
        self.is_word = is_word

    def __set_name__(self, owner: type[Model], name: str) -> None:
        self.name = name
        self.new = self.new or name
        self.model = owner

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.name}"

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Column[T]: ...
    @overload
    def __get__(self, instance: Model, owner: type[Any]) -> T: ...
    def __get__(self, instance: Model | None, owner: type[Any]) -> Column[T] | T:
        if instance is None:
            return self
        value: T = instance.value_of(self)
        return value

    def __set__(self, instance: Model, value: T) -> None:
        self.require_editable()
        instance.set_value(self, value)

    def require_editable(self) -> None:
        """Raises for a column that people do not set."""
        field = self.write_to or self.new
        if field not in editable(self.model.record):
            raise NotSupported(f"{self} cannot be set: {self.model.instead or 'no person sets it'}")

    def of(self, record: Record) -> T:
        """The old value of a record."""
        value = getattr(record, self.new)
        return self.read(value) if self.read else value

    def body(self, value: Any) -> dict[str, Any]:
        """A value as a field that is set."""
        written = self.write(value) if self.write and value is not None else value
        return {self.write_to or self.new: written}

    # Comparisons.

    def _asked(self, suffix: str, value: Any) -> dict[str, Any]:
        """What the list engine is asked; nothing when its list does not compare so."""
        name = self.new + suffix
        is_plain = self.read is None or self.is_time
        return {name: value} if is_plain and name in filters(self.model.record) else {}

    def _compared(self, suffix: str, value: Any, holds: Callable[[Any, Any], bool]) -> Condition:
        wanted = moment(str(self), value) if self.is_time else value
        asked = self._asked(suffix, wanted)

        def is_so(record: Record) -> bool:
            own = getattr(record, self.new) if self.is_time else self.of(record)
            return own is not None and holds(own, wanted)

        return Condition(asked, is_so, bool(asked) and not self.model.is_whole)

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]
        if value is None:
            return self.is_(None)
        if self.is_company:
            # Records of a list that comes whole do not say their company.
            return Condition({"company": value}, lambda record: self.model.is_whole or self.of(record) == value, True)
        if self.is_word:
            return Condition({}, lambda record: str(self.of(record)).casefold() == str(value).casefold())
        exact = "" if isinstance(value, int) or self.is_time else "__exact"
        return self._compared(exact, value, operator.eq)

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]
        if value is None:
            return self.isnot(None)
        if self.is_word:
            return Condition({}, lambda record: str(self.of(record)).casefold() != str(value).casefold())
        return Condition({}, lambda record: self.of(record) not in (None, value))

    __hash__ = object.__hash__

    def __lt__(self, value: Any) -> Condition:
        return self._compared("__lt", value, operator.lt)

    def __le__(self, value: Any) -> Condition:
        return self._compared("__lte", value, operator.le)

    def __gt__(self, value: Any) -> Condition:
        return self._compared("__gt", value, operator.gt)

    def __ge__(self, value: Any) -> Condition:
        return self._compared("__gte", value, operator.ge)

    def is_(self, value: None | bool) -> Condition:
        """The value is null, true or false."""
        if value is not None:
            return self == value
        asked = self._asked("__isnull", True)
        return Condition(asked, lambda record: self.of(record) is None, bool(asked))

    def isnot(self, value: None) -> Condition:
        """The value is known."""
        asked = self._asked("__isnull", False)
        return Condition(asked, lambda record: self.of(record) is not None, bool(asked))

    is_not = isnot

    def in_(self, values: Iterable[Any]) -> Condition:
        """The value is one of these."""
        wanted = list(values)
        asked = self._asked("__in", wanted) if wanted and not self.is_time else {}
        return Condition(asked, lambda record: self.of(record) in wanted)

    def contains(self, text: str) -> Condition:
        """The text holds this one."""
        return Condition(self._asked("__contains", text), lambda record: text in str(self.of(record) or ""))

    def startswith(self, text: str) -> Condition:
        """The text begins with this one."""
        return Condition(self._asked("__startswith", text), lambda record: str(self.of(record) or "").startswith(text))

    def like(self, pattern: str) -> Condition:
        """The text fits a pattern of SQL, in which ``%`` stands for anything and ``_`` for one character."""
        return self._like(pattern, lambda text: text)

    def ilike(self, pattern: str) -> Condition:
        """As :meth:`like`; case does not count."""
        return self._like(pattern, str.casefold)

    def _like(self, pattern: str, fold: Callable[[str], str]) -> Condition:
        escaped = "".join({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}.get(one, one) for one in fold(pattern))
        middle = pattern.strip("%")
        is_simple = bool(middle) and middle.isascii() and not set(middle) & {"%", "_"}
        asked = self._asked("__contains", middle) if is_simple else {}

        def fits(record: Record) -> bool:
            value = self.of(record)
            return value is not None and fnmatch.fnmatchcase(fold(str(value)), escaped)

        return Condition(asked, fits)

    def asc(self) -> Order:
        """Sort by it, the smallest first."""
        return Order(self, False)

    def desc(self) -> Order:
        """Sort by it, the largest first."""
        return Order(self, True)


class Removed:
    """A column that no longer exists, or is read in another way. Using it raises an error that names the way."""

    def __init__(self, instead: str) -> None:
        self.instead = instead

    def __set_name__(self, owner: type[Model], name: str) -> None:
        self.name = f"{owner.__name__}.{name}"

    def __get__(self, instance: Model | None, owner: type[Any]) -> Any:
        raise NotSupported(f"{self.name} is not there any more: {self.instead}")

    def __set__(self, instance: Model, value: Any) -> None:
        self.__get__(instance, type(instance))
