"""Pickles read as data: what one wants to import and to call is written down, and none of it happens.

Python's own unpickler imports and calls as it reads, and a file may grow its tables to any size. This one knows the
instructions that Python writes for data, from protocol 2 on, and refuses all others.
"""

import pickletools
from collections.abc import Collection
from dataclasses import dataclass
from typing import IO, Any

from jojo_cli.errors import CheckpointError


@dataclass(frozen=True, eq=False)
class Global:
    """Something that a file wants to import: module and name, with a dot between."""

    name: str


@dataclass(frozen=True, eq=False, repr=False)
class Call:
    """A call that a file wants: what is called, and what with."""

    name: str
    args: tuple[Any, ...]


_PLAIN = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
"""Instructions that put down a number, a text or bytes."""
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_SET": set}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read(file: IO[bytes], *, allowed: Collection[str], dicts: Collection[str] = ()) -> Any:
    """Return what a pickle holds: numbers, text, bytes, lists, tuples, sets, dicts, and in place of all else `Call`.

    `allowed` are the globals that it may name, `dicts` those of them that make a dict. State for objects is dropped.

    Raises:
        CheckpointError: the pickle names another global, or is damaged.
    """
    try:
        return _Reader(allowed, dicts).run(file)
    except CheckpointError:
        raise
    except Exception as error:  # a stack that is empty, a length that no memory holds, text that is none, and more
        raise CheckpointError("damaged pickle") from error


class _Reader:
    """The machine that a pickle is a program for."""

    def __init__(self, allowed: Collection[str], dicts: Collection[str]) -> None:
        self.allowed, self.dicts = allowed, dicts
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []  # the stacks below each mark
        self.memo: dict[int, Any] = {}

    def run(self, file: IO[bytes]) -> Any:
        for opcode, arg, _ in pickletools.genops(file):
            if opcode.name == "STOP":
                break
            self.step(opcode.name, arg)
        [result] = self.stack
        return result

    def step(self, name: str, arg: Any) -> None:
        match name:
            case "PROTO" | "FRAME":
                pass
            case "MARK":
                self.outer.append(self.stack)
                self.stack = []
            case "BINPUT" | "LONG_BINPUT":
                self.memo[arg] = self.stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = self.stack[-1]
            case "BINGET" | "LONG_BINGET":
                self.stack.append(self.memo[arg])
            case "GLOBAL":
                self.put_global(*arg.split(" ", 1))
            case "STACK_GLOBAL":
                self.put_global(*self.pop(2))
            case "REDUCE" | "NEWOBJ":
                self.put_call(*self.pop(2))
            case "BUILD":
                target, _ = self.pop(2)
                if type(target) is not Call:
                    raise TypeError
                self.stack.append(target)
            case "TUPLE":
                items = self.pop_to_mark()
                self.stack.append(tuple(items))
            case "APPEND":
                self.extend(list, self.pop(1))
            case "APPENDS":
                self.extend(list, self.pop_to_mark())
            case "ADDITEMS":
                self.extend(set, self.pop_to_mark())
            case "SETITEM":
                self.extend(dict, self.pop(2))
            case "SETITEMS":
                self.extend(dict, self.pop_to_mark())
            case _ if name in _PLAIN:
                self.stack.append(arg)
            case _ if name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name])
            case _ if name in _EMPTY:
                self.stack.append(_EMPTY[name]())
            case _ if name in _TUPLES:
                self.stack.append(tuple(self.pop(_TUPLES[name])))
            case _:
                raise CheckpointError(f"not a pickle of weights: it has the instruction {name}")

    def pop(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise IndexError
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def pop_to_mark(self) -> list[Any]:
        taken, self.stack = self.stack, self.outer.pop()
        return taken

    def put_global(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError
        full = f"{module}.{name}"
        if full not in self.allowed:
            raise CheckpointError(f"not a pickle of weights: it wants to run {full[:80]!r}")
        self.stack.append(Global(full))

    def put_call(self, target: Any, args: Any) -> None:
        if type(target) is not Global or type(args) is not tuple:
            raise TypeError
        if target.name not in self.dicts:
            self.stack.append(Call(target.name, args))
        elif args:
            raise TypeError
        else:
            self.stack.append({})

    def extend(self, kind: type, items: list[Any]) -> None:
        target = self.stack[-1]
        exact = type(target) is kind
        if not exact:
            raise TypeError
        if kind is list:
            target.extend(items)
            return
        keys = items if kind is set else items[::2]
        if not all(isinstance(key, str | int) for key in keys):  # tuples of tuples of tuples would take years to hash
            raise TypeError
        target.update(keys if kind is set else zip(keys, items[1::2], strict=True))
