import json
from typing import Any

import pytest
from style_samples import make_record

from jojo_cli import __version__
from jojo_cli.errors import CheckpointError
from jojo_cli.styles import Blend, Origin, ReferenceRecord, StyleRecord

SHA256 = "a" * 64
FIELDS = make_record(weights_sha256=SHA256).to_dict()
IMPORTED = StyleRecord(
    name="ink",
    base="tiny",
    base_sha256="b" * 64,
    origin=Origin.of("models/ink\x1b.pt", SHA256, url="https://example.org/ink.pt"),
    weights_sha256=SHA256,
)


def read(document: object) -> StyleRecord:
    return StyleRecord.from_json(json.dumps(document), source="x/style.json")


def test_record_survives_json() -> None:
    record = make_record(weights_sha256=SHA256)
    assert StyleRecord.from_json(record.to_json(), source="style.json") == record
    assert record.jojo_version == __version__
    assert record.created.endswith("+00:00")
    assert record.steps == 2


def test_imported_record_survives_json() -> None:
    assert StyleRecord.from_json(IMPORTED.to_json(), source="style.json") == IMPORTED
    assert IMPORTED.origin
    assert IMPORTED.origin.file == "ink?.pt"
    assert IMPORTED.steps is None


def test_blended_record_survives_json() -> None:
    for amount in (0.25, {"64": 1.0}):
        blend = Blend("a", SHA256, "b", SHA256, amount)
        record = StyleRecord(name="ab", base="tiny", base_sha256="b" * 64, blend=blend, weights_sha256=SHA256)
        assert StyleRecord.from_json(record.to_json(), source="style.json") == record
        assert record.steps is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("first", "-x"), ("second", None), ("first_sha256", "1"), ("amount", "1"), ("amount", {"x": 1})],
)
def test_bad_blend_is_named(field: str, value: object) -> None:
    blend = {"first": "a", "first_sha256": SHA256, "second": "b", "second_sha256": SHA256, "amount": 0.5}
    with pytest.raises(CheckpointError, match=rf"x/style\.json: blend: '{field}' must be"):
        read({**IMPORTED.to_dict(), "origin": None, "blend": blend | {field: value}})


def test_record_of_schema_1_is_read() -> None:
    assert read({key: value for key, value in FIELDS.items() if key != "blend"} | {"schema": 1}).blend is None


@pytest.mark.parametrize("more", [["1"], 3, [0], [True]])
def test_steps_of_a_training_that_went_on_are_numbers(more: object) -> None:
    with pytest.raises(CheckpointError, match="'more' must be a list of numbers"):
        read({**FIELDS, "settings": {"more": more}})


def test_record_from_before_there_were_imports_is_read() -> None:
    record = read({key: value for key, value in FIELDS.items() if key != "origin"})
    assert record == make_record(weights_sha256=SHA256, created=record.created)
    assert record.origin is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", 0),
        ("seconds", 0.0),
        ("device", "cpu"),
        ("losses", [0.5]),
        ("losses", None),
        ("references", FIELDS["references"]),
        ("settings", {"steps": 2}),
        ("origin", []),
        ("origin", None),  # then a seed is missing, and the rest
    ],
)
def test_imported_record_claims_no_training(field: str, value: object) -> None:
    with pytest.raises(CheckpointError, match=r"x/style\.json: '\w+' must be"):
        read({**IMPORTED.to_dict(), field: value})


@pytest.mark.parametrize(
    ("origin", "problem"),
    [
        ({}, "'file' is missing"),
        ({"file": "\x1b", "sha256": SHA256, "url": None}, "'file' must be printable text"),
        ({"file": "a.pt", "sha256": "", "url": None}, "'sha256' must be"),
        ({"file": "a.pt", "sha256": SHA256, "url": 1}, "'url' must be printable text or null"),
        ({"file": "a.pt", "sha256": SHA256, "url": None, "by": "me"}, "'by' is an unknown field"),
    ],
)
def test_bad_origin_is_named(origin: dict[str, Any], problem: str) -> None:
    with pytest.raises(CheckpointError, match=rf"x/style\.json: origin: {problem}"):
        read({**IMPORTED.to_dict(), "origin": origin})


def test_reference_keeps_the_name_without_folder_and_escape_sequences() -> None:
    reference = ReferenceRecord.of(3, "/home/me/a\x1b[2J\udc80.png", SHA256)
    assert (reference.file, reference.source) == ("reference-3.png", "a?[2J?.png")


def test_unknown_schema_is_of_a_newer_jojo() -> None:
    with pytest.raises(CheckpointError, match=r"x/style\.json: written by a newer jojo") as caught:
        read({"schema": 3, "colour": "blue"})
    assert "update jojo" in str(caught.value.hint)


@pytest.mark.parametrize("schema", [None, "1", 0, True, 1.5])
def test_schema_must_be_known(schema: object) -> None:
    with pytest.raises(CheckpointError, match=r"x/style\.json: 'schema' must be from 1 to 2"):
        read({**FIELDS, "schema": schema})


@pytest.mark.parametrize("field", sorted(FIELDS.keys() - {"schema", "origin", "base_fingerprint", "blend"}))
def test_missing_field_is_named(field: str) -> None:
    with pytest.raises(CheckpointError, match=rf"x/style\.json: '{field}' is missing"):
        read({key: value for key, value in FIELDS.items() if key != field})


def test_unknown_field_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"x/style\.json: 'colour' is an unknown field"):
        read({**FIELDS, "colour": "blue"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "../x"),
        ("name", None),
        ("created", "yesterday"),
        ("created", "2026-01-01T00:00:00"),
        ("created", "2026-01-01T00:00:00+01:00"),
        ("jojo_version", 1),
        ("base", "\x1b]0;hello\x07"),
        ("base_sha256", 5),
        ("critic_sha256", []),
        ("references", {}),
        ("references", ["ref.png"]),
        ("settings", []),
        ("settings", {"\x1b[2J": 1}),
        ("seed", True),
        ("seed", 1.5),
        ("device", "cpu\n"),
        ("precision", 16),
        ("seconds", "1"),
        ("losses", 0.5),
        ("losses", [True]),
        ("weights_sha256", ""),
    ],
)
def test_field_of_the_wrong_type_is_named(field: str, value: object) -> None:
    with pytest.raises(CheckpointError, match=rf"x/style\.json: '{field}' must be"):
        read({**FIELDS, field: value})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"file": "../preview.png"}, "'file' must be 'reference-1.png'"),
        ({"file": "reference-2.png"}, "'file' must be 'reference-1.png'"),
        ({"source": "\x1b"}, "'source' must be"),
        ({"sha256": "A" * 64}, "'sha256' must be"),
        ({"size": 3}, "'size' is an unknown field"),
    ],
)
def test_bad_reference_is_named(change: dict[str, Any], problem: str) -> None:
    reference = FIELDS["references"][0] | change
    with pytest.raises(CheckpointError, match=rf"x/style\.json: reference 1: {problem}"):
        read({**FIELDS, "references": [reference]})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\xfd",
        b"[" * 100_000,
        b'{"seconds": NaN}',
        b'{"seed": 1e999}',
        b'{"a": "\\ud800"}',
    ],
    ids=["empty", "half", "array", "bytes", "deep", "nan", "infinite", "surrogate"],
)
def test_what_is_not_a_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(CheckpointError, match=r"x/style\.json: (not JSON|must hold a JSON object)"):
        StyleRecord.from_json(text, source="x/style.json")
