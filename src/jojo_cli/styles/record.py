"""What a style remembers of its making: `style.json`."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import Any

from jojo_cli import __version__
from jojo_cli.errors import CheckpointError
from jojo_cli.styles.errors import damaged
from jojo_cli.styles.names import is_style_name

SCHEMA = 2
"""Since 2, a style may be a blend; 1 is read as well."""


@dataclass(frozen=True)
class ReferenceRecord:
    """A picture that a style was learnt from."""

    file: str
    """Its copy in the style's folder: `reference-N.png`."""
    source: str
    """The name of the file that was given, without its folder."""
    sha256: str
    """Hash of the file that was given."""

    @classmethod
    def of(cls, number: int, source: str, sha256: str) -> "ReferenceRecord":
        """Return the reference `number`, from 1, that was given as the path `source`."""
        return cls(_reference_file(number), _file_name(source), sha256)


@dataclass(frozen=True)
class Origin:
    """The checkpoint that a style was read from, when another program made it."""

    file: str
    """Its name, without its folder."""
    sha256: str
    url: str | None = None
    """Where jojo got it; None: the user had it."""

    @classmethod
    def of(cls, source: str, sha256: str, *, url: str | None = None) -> "Origin":
        """Return the origin that was given as the path `source`."""
        return cls(_file_name(source), sha256, url)


@dataclass(frozen=True)
class Blend:
    """The two styles that a third one lies between."""

    first: str
    """Its name."""
    first_sha256: str
    """Hash of its weights."""
    second: str
    second_sha256: str
    amount: float | Mapping[str, float]
    """How much of the second: from 0 to 1, for all or from a side in pixels on."""


@dataclass(frozen=True, kw_only=True)
class StyleRecord:
    """All that is needed to make a style again, and what came of it.

    Of a style that another program made only the origin is known, and of a blend what it was blended of: how it was
    trained is None or empty.
    """

    name: str
    """The style's name when it was saved; from then on its folder's name counts."""
    base: str
    base_sha256: str
    base_fingerprint: tuple[float, ...] | None = None
    """What tells the base's network from others, however its file was rounded; styles of before have none."""
    critic_sha256: str | None = None
    references: tuple[ReferenceRecord, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The settings of the finetuning, as JSON values."""
    seed: int | None = None
    device: str | None = None
    precision: str | None = None
    seconds: float | None = None
    """How long the training took."""
    losses: tuple[float, ...] = ()
    """The loss of every step."""
    origin: Origin | None = None
    """Where a style comes from that jojo did not train."""
    blend: Blend | None = None
    """What a style was blended of."""
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    """ISO 8601, in UTC."""
    jojo_version: str = __version__
    weights_sha256: str = ""
    """Filled in by the store when it saves the weights."""

    @property
    def steps(self) -> int | None:
        """How many finetuning steps were made; None: it was not trained, or nobody knows."""
        return len(self.losses) if self.trained else None

    @property
    def more(self) -> Sequence[int]:
        """How many steps the training had each time that it went on."""
        more: Sequence[int] = self.settings.get("more", ())
        return more

    @property
    def trained(self) -> bool:
        """Whether it was learnt from references."""
        return not (self.origin or self.blend)

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `style.json` holds."""
        return {"schema": SCHEMA, **asdict(self)}

    def to_json(self) -> str:
        """Return the text of `style.json`."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, source: object) -> "StyleRecord":
        """Return the record that `text` holds; messages call it `source`.

        Raises:
            CheckpointError: it is not JSON, was written by a newer jojo, or a field is missing, unknown or of
                the wrong type.
        """
        document = _parse(text, source)
        schema = document.pop("schema", None)
        if type(schema) is not int or schema < 1:
            raise damaged(f"{source}: 'schema' must be from 1 to {SCHEMA}")
        if schema > SCHEMA:
            raise CheckpointError(
                f"{source}: written by a newer jojo (schema {schema}, this one reads {SCHEMA})",
                hint="update jojo: pip install --upgrade jojo-cli",
            )
        for late in ("origin", "base_fingerprint", "blend"):
            document.setdefault(late, None)  # which the first records did not have
        origin, blend = document["origin"], document["blend"]
        trained = origin is None and blend is None
        _check_fields(document, _RECORD_FIELDS | (_TRAINING_FIELDS if trained else _UNKNOWN_FIELDS), source)
        if origin is not None:
            _check_fields(origin, _ORIGIN_FIELDS, f"{source}: origin")
            document["origin"] = Origin(**origin)
        if blend is not None:
            _check_fields(blend, _BLEND_FIELDS, f"{source}: blend")
            document["blend"] = Blend(**blend)
        for number, reference in enumerate(document["references"], 1):
            where = f"{source}: reference {number}"
            _check_fields(reference, _REFERENCE_FIELDS, where)
            if reference["file"] != _reference_file(number):
                raise damaged(f"{where}: 'file' must be {_reference_file(number)!r}")
        if not _is_list_of(lambda steps: type(steps) is int and steps > 0)(document["settings"].get("more", [])):
            raise damaged(f"{source}: settings: 'more' must be a list of numbers of steps")
        document["references"] = tuple(ReferenceRecord(**reference) for reference in document["references"])
        document["losses"] = tuple(document["losses"])
        document["base_fingerprint"] = document["base_fingerprint"] and tuple(document["base_fingerprint"])
        return cls(**document)


def _file_name(source: str) -> str:
    """Return the name of a file without its folder, as text that can be shown."""
    return "".join(char if char.isprintable() else "?" for char in PurePath(source).name or source)


def _reference_file(number: int) -> str:
    return f"reference-{number}.png"


def _parse(text: str | bytes, source: object) -> dict[str, Any]:
    try:
        document = json.loads(text)
        # Infinities and lone surrogates can be read, but not printed again.
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise damaged(f"{source}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise damaged(f"{source}: must hold a JSON object")
    return document


def _check_fields(document: Mapping[str, Any], fields: "_Fields", source: object) -> None:
    for key in sorted(fields.keys() - document.keys()):
        raise damaged(f"{source}: {key!r} is missing")
    for key in sorted(document.keys() - fields.keys()):
        raise damaged(f"{source}: {key!r} is an unknown field")
    for key, (kind, fits) in fields.items():
        if not fits(document[key]):
            raise damaged(f"{source}: {key!r} must be {kind}")


def _is_text(value: object) -> bool:
    # Styles come from strangers, and these texts go to the terminal: no escape sequences.
    return isinstance(value, str) and value.isprintable()


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).utcoffset() == timedelta(0)
    except ValueError:
        return False


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _is_list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, value))


_Fields = dict[str, tuple[str, Callable[[Any], bool]]]

_TEXT = ("printable text", _is_text)
_NAME = ("a style name", lambda value: isinstance(value, str) and is_style_name(value))
_SHA256 = ("a sha256 in hexadecimal", _is_sha256)

_REFERENCE_FIELDS: _Fields = {"file": _TEXT, "source": _TEXT, "sha256": _SHA256}
_ORIGIN_FIELDS: _Fields = {
    "file": _TEXT,
    "sha256": _SHA256,
    "url": ("printable text or null", lambda value: value is None or _is_text(value)),
}
_BLEND_FIELDS: _Fields = {
    **dict.fromkeys(("first", "second"), _NAME),
    **dict.fromkeys(("first_sha256", "second_sha256"), _SHA256),
    "amount": (
        "a number, or an object of numbers",
        lambda value: (
            _is_number(value)
            or (isinstance(value, dict) and all(map(str.isdecimal, value)) and all(map(_is_number, value.values())))
        ),
    ),
}
_TRAINING_FIELDS: _Fields = {
    "critic_sha256": _TEXT,
    "references": ("a list of objects", _is_list_of(lambda value: isinstance(value, dict))),
    "settings": ("an object", lambda value: isinstance(value, dict) and all(map(_is_text, value))),
    "seed": ("a whole number", lambda value: type(value) is int),
    "device": _TEXT,
    "precision": _TEXT,
    "seconds": ("a number", _is_number),
    "losses": ("a list of numbers", _is_list_of(_is_number)),
}
_UNKNOWN_FIELDS: _Fields = {
    **{name: ("null where it was not trained", lambda value: value is None) for name in _TRAINING_FIELDS},
    **{name: ("empty where it was not trained", lambda value: value == []) for name in ("references", "losses")},
    "settings": ("empty where it was not trained", lambda value: value == {}),
}
_RECORD_FIELDS: _Fields = {
    "name": _NAME,
    "base": _TEXT,
    "base_sha256": _TEXT,
    "base_fingerprint": ("a list of numbers or null", lambda value: value is None or _is_list_of(_is_number)(value)),
    "origin": ("an object or null", lambda value: value is None or isinstance(value, dict)),
    "blend": ("an object or null", lambda value: value is None or isinstance(value, dict)),
    "created": ("a time in UTC", _is_time),
    "jojo_version": _TEXT,
    "weights_sha256": _SHA256,
}
