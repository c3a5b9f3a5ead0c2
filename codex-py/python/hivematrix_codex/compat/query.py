"""``Model.query``: the simple reads of the old query object."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .._native import Record
from ..errors import Invalid, NotFound
from .columns import Column, Condition, Order, filters
from .errors import NotSupported

if TYPE_CHECKING:
    from .base import Model

__all__ = ["Query"]

M = TypeVar("M", bound="Model")

# What the old query object did, and what does it now.
INSTEAD = {
    "delete": "delete each row with db.session.delete(row)",
    "update": "set the attributes of each row and commit, or use `codex.<resource>.bulk(rows)`",
    "join": "read the related rows (`company.assets`), or query the other model",
    "outerjoin": "read the related rows (`company.assets`), or query the other model",
    "group_by": "use `collections.Counter`, or `to_arrow()` of the resource with polars or pandas",
    "having": "use `collections.Counter`, or `to_arrow()` of the resource with polars or pandas",
    "distinct": "use `set()` of the values",
    "options": "leave it out: related rows are read when they are asked for",
    "offset": "iterate: `itertools.islice(Model.query, first, last)`",
    "paginate": "iterate: `itertools.islice(Model.query, first, last)`",
    "with_entities": "read the attributes of the rows, or use `to_arrow()` of the resource",
    "union": "run both queries",
    "with_for_update": "leave it out: a commit raises Changed when somebody else has changed the row",
    "execution_options": "leave it out",
}


class Query(Generic[M]):
    """A query. Each method returns another query, as before; nothing is read until the rows are asked for."""

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self._conditions: list[Condition] = []
        self._order: Order | None = None
        self._limit: int | None = None

    def _copy(self) -> Query[M]:
        other = Query(self._model)
        other._conditions, other._order, other._limit = list(self._conditions), self._order, self._limit
        return other

    def _column(self, name: str) -> Column[Any]:
        columns = self._model.columns()
        if name not in columns:
            getattr(self._model, name, None)  # a removed column says what to read instead
            near = difflib.get_close_matches(name, columns, 1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            raise Invalid(f"{self._model.__name__} has no column `{name}`{hint}")
        return columns[name]

    def filter_by(self, **values: Any) -> Query[M]:
        """The rows whose columns have these values."""
        return self.filter(*(self._column(name) == value for name, value in values.items()))

    def filter(self, *conditions: Condition | tuple[Condition, ...]) -> Query[M]:
        """The rows that fit all conditions, such as ``Company.name == "Acme"``."""
        other = self._copy()
        for condition in conditions:
            for one in condition if isinstance(condition, tuple) else (condition,):
                if not isinstance(one, Condition):
                    raise NotSupported(
                        f"filter takes comparisons of columns, such as {self._model.__name__}.name == 'x', not "
                        f"{type(one).__name__}: text of SQL is not run"
                    )
                other._conditions.append(one)
        return other

    where = filter

    def order_by(self, *columns: Column[Any] | Order | str) -> Query[M]:
        """Sorted by a column; unknown values come last."""
        if len(columns) != 1:
            raise NotSupported("order_by takes one column: sort by more with sorted(rows, key=...)")
        column = columns[0]
        other = self._copy()
        if isinstance(column, str):
            column = self._column(column)
        other._order = column if isinstance(column, Order) else column.asc()
        return other

    def limit(self, most: int) -> Query[M]:
        """So many rows at most."""
        if isinstance(most, bool) or not isinstance(most, int) or most < 0:
            raise Invalid(f"limit: must be a whole number from 0, not {most!r}")
        other = self._copy()
        other._limit = most if self._limit is None else min(most, self._limit)
        return other

    def _asked(self) -> tuple[dict[str, Any], list[Condition]]:
        """What the list engine is asked, and the conditions that are left to compare here."""
        asked: dict[str, Any] = {}
        rest = []
        for condition in self._conditions:
            is_taken = any(name in asked for name in condition.asked)
            if not is_taken and not self._model.is_whole:
                asked.update(condition.asked)
            if is_taken or self._model.is_whole or not condition.is_exact:
                # A list that needs its company gets it all the same.
                company = condition.asked.get("company")
                if company is not None and "company" not in asked:
                    asked["company"] = company
                rest.append(condition)
        return asked, rest

    def _records(self) -> Iterator[Record]:
        asked, rest = self._asked()
        sorts = filters(self._model.record)
        is_sorted_here = self._order is not None and (self._model.is_whole or self._order.column.new not in sorts)
        if self._order is not None and not is_sorted_here:
            asked["sort"] = ("-" if self._order.is_descending else "") + self._order.column.new
        if self._limit is not None and not rest and not is_sorted_here:
            asked["limit"] = self._limit
        try:
            found: Iterator[Record] = self._model.records().list(**asked)
            fitting = (record for record in found if all(condition.holds(record) for condition in rest))
            if is_sorted_here and self._order is not None:
                column = self._order.column
                all_of_them = list(fitting)
                known = [record for record in all_of_them if column.of(record) is not None]
                known.sort(key=column.of, reverse=self._order.is_descending)
                unknown = [record for record in all_of_them if column.of(record) is None]
                fitting = (record for record in known + unknown)
            for index, record in enumerate(fitting):
                if self._limit is not None and index >= self._limit:
                    return
                yield record
        except NotFound:
            # A company that is not there has no rows.
            if "company" not in asked:
                raise

    def __iter__(self) -> Iterator[M]:
        company = self._asked()[0].get("company")
        return (self._model.of(record, company) for record in self._records())

    def all(self) -> list[M]:
        """The rows."""
        return list(self)

    def first(self) -> M | None:
        """The first row; ``None`` when there is none."""
        return next(iter(self.limit(1)), None)

    def one(self) -> M:
        """The only row; :class:`NotFound` when there is none, :class:`Invalid` when there are more."""
        found = self.limit(2).all()
        if not found:
            raise NotFound(f"no row of {self._model.__name__} fits")
        if len(found) > 1:
            raise Invalid(f"more than one row of {self._model.__name__} fits")
        return found[0]

    def one_or_none(self) -> M | None:
        """The only row; ``None`` when there is none."""
        found = self.limit(2).all()
        if len(found) > 1:
            raise Invalid(f"more than one row of {self._model.__name__} fits")
        return found[0] if found else None

    def get(self, key: Any) -> M | None:
        """The row with a key; ``None`` when there is none."""
        record = self._model.find(key)
        return None if record is None else self._model.of(record)

    def count(self) -> int:
        """How many rows fit."""
        asked, rest = self._asked()
        if rest or self._limit is not None or self._model.is_whole:
            return sum(1 for _ in self._records())
        try:
            count: int = self._model.records().count(**asked)
            return count
        except NotFound:
            return 0

    def __getattr__(self, name: str) -> Any:
        if name in INSTEAD:
            raise NotSupported(f"Query.{name} is not there any more: {INSTEAD[name]}")
        raise NotSupported(
            f"Query.{name} is not there: `codex.{self._model.resource}.list(...)` has filters, order and limits"
        )
