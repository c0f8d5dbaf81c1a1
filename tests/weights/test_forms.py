"""Weights that were published in several forms, and files that nobody published."""

import json
import os
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from weights_kit import Server, answer, cut, entry_of, file_of, form_of, good, running_server, web_of

from jojo_cli.errors import CheckpointError, JojoError
from jojo_cli.events import Event, Note
from jojo_cli.formats import CONVERTERS
from jojo_cli.weights import download
from jojo_cli.weights.catalog import Entry, Form
from jojo_cli.weights.manager import ModelManager

BOTH = b"generator and discriminator" * 1000
SHARED = b"the same two in another layout" * 1000
ALONE = b"generator alone" * 1000


def read_pickled(files: Mapping[str, Path]) -> dict[str, torch.Tensor]:
    """Convert, for the tests, what NVIDIA publishes."""
    return {"pickled": _read(files)}


def read_plain(files: Mapping[str, Path]) -> dict[str, torch.Tensor]:
    """Convert, for the tests, what others publish."""
    return {"plain": _read(files)}


def read_nothing(files: Mapping[str, Path]) -> dict[str, torch.Tensor]:
    """Refuse to convert."""
    raise CheckpointError(f"{', '.join(files)} has another key")


def _read(files: Mapping[str, Path]) -> torch.Tensor:
    (path,) = files.values()
    return torch.tensor(list(path.read_bytes()[:8]))


@pytest.fixture(autouse=True)
def formats(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("read_pickled", "read_plain", "read_nothing"):
        monkeypatch.setitem(CONVERTERS, name, f"{__name__}:{name}")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("ATTEMPTS", "FEW_ATTEMPTS"):
        monkeypatch.setattr(download, name, 1)
    with running_server() as server:
        for path, body in (("/both.pkl", BOTH), ("/shared.pt", SHARED), ("/alone.pt", ALONE)):
            server.serve(path, good(body))
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "models"


@pytest.fixture
def notes() -> list[str]:
    return []


Manage = Callable[..., ModelManager]


@pytest.fixture
def manage(folder: Path, notes: list[str]) -> Manage:
    """Give a manager of the entries given; `notes` has what it says."""

    def make(*entries: Entry) -> ModelManager:
        def listen(event: Event) -> None:
            if isinstance(event, Note):
                notes.append(event.text)

        return ModelManager(folder, listener=listen, catalog={entry.id: entry for entry in entries})

    return make


def web_form(server: Server, name: str, body: bytes, format: str) -> Form:
    return form_of({name: body}, web_of(f"{server.address}/{name}", name, body), format=format)


def networks(server: Server, *, pickled: str = "read_pickled") -> tuple[Entry, Entry]:
    """Return a generator that was published with its discriminator in two layouts, and once alone."""
    together = (web_form(server, "both.pkl", BOTH, pickled), web_form(server, "shared.pt", SHARED, "read_plain"))
    alone = web_form(server, "alone.pt", ALONE, "read_plain")
    return entry_of("generator", *together, alone), entry_of("discriminator", *together)


def keys(models: ModelManager, id: str) -> list[str]:
    return list(load_file(models.path(id)))


def record(models: ModelManager, id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(models.path(id).with_name("record.json").read_text())
    return found


def installed(models: ModelManager) -> list[str]:
    return [status.entry.id for status in models.statuses() if status.state == "installed"]


def written(path: Path, body: bytes) -> Path:
    path.write_bytes(body)
    return path


# Fetching


def test_two_weights_in_one_file_cost_one_download(server: Server, manage: Manage) -> None:
    models = manage(*networks(server))
    models.ensure("generator")
    assert installed(models) == ["generator", "discriminator"]
    models.ensure("discriminator")
    assert len(server.ranges) == 1


def test_the_next_form_is_fetched_when_the_first_is_gone(server: Server, manage: Manage, notes: list[str]) -> None:
    server.serve("/both.pkl", answer(b"", status=404))
    models = manage(*networks(server))
    models.ensure("generator")
    assert keys(models, "generator") == ["plain"]
    assert record(models, "generator")["inputs"] == {"shared.pt": file_of("", SHARED).sha256}
    assert record(models, "generator")["format"] == "read_plain"
    assert notes == [f"{server.address}/both.pkl: the server answers 404; trying {server.address}/shared.pt"]
    # What comes along is made of what is there, and asks no server again.
    assert installed(models) == ["generator", "discriminator"]
    assert len(server.ranges) == 2


def test_a_form_that_can_not_be_read_is_not_downloaded_from_elsewhere(
    server: Server, manage: Manage, notes: list[str]
) -> None:
    models = manage(*networks(server, pickled="read_nothing"))
    models.ensure("generator")
    assert keys(models, "generator") == ["plain"]
    assert set(notes) == {f"both.pkl has another key; trying {server.address}/shared.pt"}
    assert keys(models, "discriminator") == ["plain"]
    assert len(server.ranges) == 2


def test_what_does_not_come_along_is_no_failure(server: Server, manage: Manage, notes: list[str]) -> None:
    server.serve("/both.pkl", answer(b"", status=404))
    server.serve("/shared.pt", answer(b"<html>quota exceeded</html>"))
    models = manage(*networks(server))
    models.ensure("generator")
    assert installed(models) == ["generator"]
    assert "sends a web page instead of the file" in notes[1]
    assert notes[2:] == ["weight 'discriminator' did not come along; 'jojo models pull discriminator' fetches it"]
    assert len(server.ranges) == 3
    with pytest.raises(JojoError, match="weight 'discriminator' can't be fetched"):
        models.ensure("discriminator")


def test_a_download_that_breaks_off_goes_on_at_the_next_place(server: Server, manage: Manage) -> None:
    body = BOTH * 10
    server.serve("/one", cut(body, 100_000))
    server.serve("/two", good(body))
    sources = [web_of(f"{server.address}/{place}", "both.pkl", body) for place in ("one", "two")]
    models = manage(entry_of("generator", form_of({"both.pkl": body}, *sources, format="read_pickled")))
    models.ensure("generator")
    assert server.ranges[0] is None
    assert (server.ranges[1] or "").startswith("bytes=")
    assert record(models, "generator")["source"] == f"{server.address}/two"


def test_a_weight_that_nobody_published_a_hash_of_says_where_it_is(manage: Manage) -> None:
    origin = "https://example.org/w"
    models = manage(entry_of("net", Form("read_plain", (), ()), origin=origin))
    with pytest.raises(JojoError) as error:
        models.pull(["net"])
    assert str(error.value) == "weight 'net' can't be fetched: nobody published the sha256 of its file"
    assert error.value.hint == f"get it with a browser from {origin}, then 'jojo models import FILE --as net'"


def test_offline_names_each_file_once_whatever_the_mirrors(server: Server, folder: Path) -> None:
    mirror = web_of(f"{server.address}/mirror", "both.pkl", BOTH)
    form = web_form(server, "both.pkl", BOTH, "read_pickled")
    first = Form(form.format, form.files, (*form.sources, mirror))
    entry = entry_of("generator", first, web_form(server, "alone.pt", ALONE, "read_plain"))
    with pytest.raises(JojoError) as error:
        ModelManager(folder, offline=True, catalog={"generator": entry}).ensure("generator")
    places = [line.rpartition(" ")[2] for line in (error.value.hint or "").splitlines()[1:]]
    assert places == [f"{server.address}/both.pkl", f"{server.address}/alone.pt"]


# Importing what is known


def test_a_file_of_any_form_is_imported_and_gives_all_it_holds(
    server: Server, manage: Manage, tmp_path: Path, notes: list[str]
) -> None:
    models = manage(*networks(server))
    assert models.import_files([written(tmp_path / "x", SHARED)]) == ["generator", "discriminator"]
    assert keys(models, "discriminator") == ["plain"]
    assert record(models, "generator")["published"] is True
    assert notes == []


def test_a_generator_without_its_discriminator_says_so(
    server: Server, manage: Manage, tmp_path: Path, notes: list[str]
) -> None:
    models = manage(*networks(server))
    assert models.import_files([written(tmp_path / "x", ALONE)]) == ["generator"]
    assert notes == [
        "weight 'generator' came without 'discriminator', which is tested; 'jojo models pull discriminator' fetches it"
    ]
    models.pull(["discriminator"])
    notes.clear()
    models.import_files([written(tmp_path / "x", ALONE)])
    assert notes == []


def test_a_web_page_is_called_one(server: Server, manage: Manage, tmp_path: Path) -> None:
    models = manage(*networks(server))
    page = written(tmp_path / "x.pt", b"<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title>")
    with pytest.raises(JojoError, match=re.escape(f"{str(page)!r} is a web page")):
        models.import_files([page])
    with pytest.raises(JojoError, match="it is a web page"):
        ModelManager(models.folder).import_as(page, "e4e-ffhq")


# Importing what nobody published


def test_an_unknown_file_is_read_as_what_the_user_says(
    server: Server, manage: Manage, tmp_path: Path, notes: list[str]
) -> None:
    models = manage(*networks(server))
    path = written(tmp_path / "mine.pt", b"another copy")
    with pytest.raises(JojoError) as error:
        models.import_files([path])
    assert "'jojo models import FILE --as ID'" in (error.value.hint or "")
    assert models.import_as(path, "generator") == ["generator"]
    sha256 = file_of("", b"another copy").sha256
    assert keys(models, "generator") == ["plain"]
    assert record(models, "generator")["published"] is False
    assert record(models, "generator")["inputs"] == {"mine.pt": sha256}
    assert [note for note in notes if sha256 in note]
    assert [note for note in notes if "--as discriminator reads that, if the file holds it" in note]
    assert [status.state for status in models.verify(["generator"])] == ["installed"]
    models.pull(["generator"])
    assert server.ranges == []
    weights = models.path("generator")
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert [status.state for status in models.verify(["generator"])] == ["damaged"]


def test_the_kind_of_the_file_says_which_form_it_is(server: Server, manage: Manage, tmp_path: Path) -> None:
    models = manage(*networks(server))
    models.import_as(written(tmp_path / "mine.pt", b"\x80\x04ctorch_utils.persistence"), "discriminator")
    assert keys(models, "discriminator") == ["pickled"]
    models.import_as(written(tmp_path / "mine.pkl", b"another copy"), "discriminator")
    assert keys(models, "discriminator") == ["plain"]


def test_a_weight_without_a_published_hash_is_imported(manage: Manage, tmp_path: Path) -> None:
    models = manage(entry_of("net", Form("read_plain", (), ()), origin="https://example.org/w"))
    models.import_as(written(tmp_path / "x.pt", b"weights"), "net")
    assert installed(models) == ["net"]


def test_a_known_file_is_what_it_is_whatever_the_user_says(server: Server, manage: Manage, tmp_path: Path) -> None:
    models = manage(*networks(server))
    with pytest.raises(JojoError, match="is not weight 'discriminator' but 'generator'"):
        models.import_as(written(tmp_path / "x.pt", ALONE), "discriminator")
    assert models.import_as(written(tmp_path / "x.pkl", SHARED), "discriminator") == ["generator", "discriminator"]
    assert record(models, "discriminator")["published"] is True


def test_a_weight_that_is_kept_as_it_came_needs_the_published_file(manage: Manage, tmp_path: Path) -> None:
    models = manage(entry_of("net", form_of({"a.dat": ALONE}, web_of("https://example.org/a", "a.dat", ALONE))))
    with pytest.raises(JojoError, match="weight 'net' can't be made of another file than the published"):
        models.import_as(written(tmp_path / "a.dat", b"another"), "net")


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("id", ["stylegan2-ffhq", "stylegan2-ffhq-discriminator", "e4e-ffhq", "restyle-psp-ffhq"])
@pytest.mark.parametrize("save", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_a_file_that_would_run_code_is_refused(folder: Path, tmp_path: Path, id: str, save: Any) -> None:
    path = tmp_path / "x.pt"
    save({"g_ema": Hostile(tmp_path / "ran"), "state_dict": Hostile(tmp_path / "ran")}, path)
    models = ModelManager(folder)
    with pytest.raises(CheckpointError, match=r"x\.pt is not a checkpoint of tensors"):
        models.import_as(path, id)
    assert not (tmp_path / "ran").exists()
    assert installed(models) == []


def test_a_file_that_is_not_the_weight_says_what_it_lacks(server: Server, manage: Manage, tmp_path: Path) -> None:
    models = manage(entry_of("net", web_form(server, "alone.pt", ALONE, "read_nothing")))
    path = written(tmp_path / "x.pt", b"another net")
    with pytest.raises(CheckpointError) as error:
        models.import_as(path, "net")
    assert str(error.value) == f"{str(path)!r} can't be read as weight 'net': x.pt has another key"
    assert error.value.hint == "'jojo models pull net' fetches it"
    assert installed(models) == []


def test_others_may_read_what_is_installed(server: Server, manage: Manage) -> None:
    path = manage(*networks(server)).ensure("generator")
    assert path.stat().st_mode == path.with_name("record.json").stat().st_mode


def test_two_versions_of_jojo_keep_what_each_makes_in_its_way(server: Server, manage: Manage, tmp_path: Path) -> None:
    older = manage(entry_of("net", web_form(server, "alone.pt", ALONE, "read_plain")))
    older.import_as(written(tmp_path / "x.pt", b"another copy"), "net")
    newer = manage(entry_of("net", web_form(server, "alone.pt", ALONE, "read_pickled")))
    assert [status.state for status in newer.statuses()] == ["missing"]
    newer.ensure("net")
    assert keys(newer, "net") == ["pickled"]
    assert keys(older, "net") == ["plain"]  # neither replaces the other's
    newer.remove("net")
    assert (installed(newer), installed(older)) == ([], ["net"])


def test_what_a_newer_jojo_says_besides_does_not_matter(server: Server, manage: Manage) -> None:
    models = manage(*networks(server))
    record = models.ensure("generator").with_name("record.json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"signed_by": "somebody"}))
    assert "generator" in installed(models)


@pytest.mark.parametrize("text", ["[]", "{}", "null", "no JSON"])
def test_a_record_that_is_none_is_damage(text: str, server: Server, manage: Manage) -> None:
    models = manage(*networks(server))
    models.ensure("generator").with_name("record.json").write_text(text)
    assert "generator" not in installed(models)
    assert models.ensure("generator").is_file()
