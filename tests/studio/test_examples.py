"""The examples of the Python reference run, one after the other, as they stand there."""

import re
from pathlib import Path

import face_kit
import pytest
from face_kit import photo

fake_finder = face_kit.fake_finder
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "python.md"


@pytest.mark.usefixtures("fake_finder")
def test_examples_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fake_finder: None,
    tiny_base: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jojo_cli.bases.EMBEDDED_BASE", tiny_base)
    photo(Path("ref.png"))
    photo(Path("photos/me.png"))
    photo(Path("group.jpg"), faces=2)
    train, draw, code, cancel = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    exec(train, {})
    assert capsys.readouterr().out == "photos/me.png ok redrawn/me.ink.png\n"
    assert Path("redrawn/me.ink.png").exists()
    exec(draw, {})
    assert len(list(Path().glob("face-?-*.png"))) == 6
    exec(code, {})
    assert Path("between.png").exists()
    exec(cancel, {})
    assert capsys.readouterr().out.endswith("training sketch: 2 of 78 steps\nnothing was kept\n")
