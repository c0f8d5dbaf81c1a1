"""Tables of a TOML file, read key by key."""

import re
from collections.abc import Mapping
from typing import TypeVar

from jojo_cli.errors import JojoError

T = TypeVar("T")


class Table:
    """A TOML table that knows what was asked of it, so that a misspelt key is an error."""

    def __init__(self, values: Mapping[str, object], where: str) -> None:
        self.values = dict(values)
        self.where = where

    def fail(self, reason: str) -> JojoError:
        """Return an error that says where it is."""
        return JojoError(f"{self.where}: {reason}")

    def take(self, key: str, kind: type[T]) -> T:
        """Take a value of that very type; an empty one, zero too, is an error."""
        if key not in self.values:
            raise self.fail(f"key {key!r} is missing")
        value = self.values.pop(key)
        if type(value) is not kind or not value:  # `type`, not `isinstance`: true is no number of bytes
            raise self.fail(f"{key!r} must be of type {kind.__name__} and not empty")
        return value

    def word(self, key: str, pattern: str) -> str:
        """Take text that matches a regular expression as a whole."""
        value = self.take(key, str)
        if not re.fullmatch(pattern, value):
            raise self.fail(f"{key!r} can't be {value!r}")
        return value

    def tables(self, key: str, name: str) -> "list[Table]":
        """Take a list of tables, which errors call by their key `name`."""
        items = self.take(key, list)
        if not all(isinstance(item, dict) for item in items):
            raise self.fail(f"{key!r} must be a list of tables")
        return [Table(item, f"{self.where}: {key} {item.get(name)!r}") for item in items]

    def done(self) -> None:
        """Check that nothing is left that nobody asked for."""
        if self.values:
            raise self.fail(f"unknown key {sorted(self.values)[0]!r}")
