"""The classes of records: frozen, with the attributes that the registry of fields declares."""

from ._native import Record, record_classes

__all__ = ["Record", *sorted(record_classes())]

globals().update(record_classes())
