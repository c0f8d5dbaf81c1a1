"""Files that the user asked for, put in their place."""

import os
from pathlib import Path

import pytest

from jojo_cli.disk import put_file


def test_finished_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part, path = tmp_path / "part", tmp_path / "film.mp4"
    part.write_bytes(b"frames")
    file = part.stat().st_ino
    synced: list[tuple[int, bool]] = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append((os.fstat(number).st_ino, path.exists())))
    put_file(part, path)
    assert synced == [(file, False), (tmp_path.stat().st_ino, True)]
    assert path.read_bytes() == b"frames"
