"""The catalog: what ships is complete, what is misspelt is refused."""

from pathlib import Path

import pytest

from jojo_cli.bases import BASES
from jojo_cli.errors import JojoError
from jojo_cli.weights.catalog import Package, Web, download_size, load_catalog

VALID = f"""
[[entry]]
id = "one"
purpose = "p"
licence = "l"
consequence = "c"

[[entry.form]]
format = "raw"

[[entry.form.file]]
name = "a.dat"
bytes = 3
sha256 = "{"a" * 64}"

[[entry.form.source]]
kind = "package"
name = "tiny"
version = "1.0"
file = "tiny-1.0-py3-none-any.whl"
bytes = 100
sha256 = "{"b" * 64}"
members = {{ "a.dat" = "tiny/a.dat" }}

[[entry.form.source]]
kind = "https"
[[entry.form.source.file]]
name = "a.dat"
url = "https://example.org/files/a.dat.bz2"
unpack = "bz2"
bytes = 2
sha256 = "{"c" * 64}"
"""


def test_the_shipped_catalog_has_what_the_bases_need() -> None:
    catalog = load_catalog()
    for base in BASES.values():
        assert {*base.needs(), *base.optional()} <= set(catalog)
    assert catalog["mobilestylegan-ffhq"].output == "model.safetensors"
    assert catalog["dlib-landmarks-68"].output == "shape_predictor_68_face_landmarks.dat"


def test_every_shipped_weight_can_be_had() -> None:
    entries = load_catalog().values()
    assert [entry.id for entry in entries if not entry.ways] == ["restyle-psp-ffhq"]
    assert all(entry.origin for entry in entries if not entry.ways)


def test_generator_and_discriminator_come_with_one_download() -> None:
    catalog = load_catalog()
    generator, discriminator = catalog["stylegan2-ffhq"], catalog["stylegan2-ffhq-discriminator"]
    assert download_size([generator, discriminator]) == download_size([generator]) == 381624121
    ways = {way.downloads[0].sha256 for way in discriminator.ways}
    assert ways < {way.downloads[0].sha256 for way in generator.ways}  # the generator is published alone too


def test_a_distribution_that_serves_two_weights_counts_once() -> None:
    catalog = load_catalog()
    both = [catalog["dlib-landmarks-68"], catalog["dlib-face-recognition"]]
    assert download_size(both) == download_size(both[:1])


def test_both_kinds_of_source_are_read(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text(VALID)
    package, web = load_catalog(path)["one"].forms[0].sources
    assert isinstance(package, Package)
    assert package.members == {"a.dat": "tiny/a.dat"}
    assert isinstance(web, Web)
    assert web.files["a.dat"].packed
    assert web.files["a.dat"].file.name == "a.dat.bz2"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('licence = "l"', 'licence = "l"\nlicense = "l"', "entry 'one': unknown key 'license'"),
        ('licence = "l"', "", "entry 'one': key 'licence' is missing"),
        ('licence = "l"', 'licence = ""', "'licence' must be of type str and not empty"),
        ('id = "one"', 'id = "../one"', "'id' can't be '../one'"),
        ('format = "raw"', 'format = "zip"', "'format' can't be 'zip'"),
        ('name = "a.dat"\nbytes', 'name = "../a"\nbytes', "'name' can't be '../a'"),
        ("bytes = 3", "bytes = true", "'bytes' must be of type int"),
        ("bytes = 3", "bytes = 0", "'bytes' must be of type int and not empty"),
        ("bytes = 3", "bytes = 3\nabout_bytes = 3", "file 'a.dat': unknown key 'bytes'"),
        ('licence = "l"', 'licence = "l"\norigin = "o"', "either a form has a source, or the entry an origin"),
        ("[[entry.form]]", '[[entry.form]]\nformat = "e4e"\n[[entry.form]]', "kept under different names"),
        ("a" * 64, "a" * 63, "file 'a.dat': 'sha256' can't be"),
        ('kind = "package"', 'kind = "drive"', "'kind' can't be 'drive'"),
        ('name = "tiny"', 'name = "tiny --index-url x"', "'name' can't be 'tiny --index-url x'"),
        ('{ "a.dat" =', '{ "b.dat" =', "must hold the files of the form"),
        ("https://", "http://", "is not https"),
        ('unpack = "bz2"', 'unpack = "tar"', "'unpack' can't be 'tar'"),
        ('unpack = "bz2"', "", "unknown key 'bytes'"),
        ("[[entry]]", "[[entry]]\n[[entry]]", "entry None: key 'id' is missing"),
        ("[[entry]]", "extra = 1\n[[entry]]", "catalog: unknown key 'extra'"),
        ("[[entry]]", "[[entry", "can't be read"),
    ],
)
def test_what_the_catalog_may_not_say_is_an_error(tmp_path: Path, old: str, new: str, reason: str) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text(VALID.replace(old, new, 1))
    with pytest.raises(JojoError) as error:
        load_catalog(path)
    assert reason in str(error.value)


def test_an_id_stands_for_one_entry(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text(VALID + VALID)
    with pytest.raises(JojoError, match="two entries have the same id"):
        load_catalog(path)


def test_a_weight_without_a_hash_has_a_place_where_its_authors_offer_it(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    head = VALID[: VALID.index("[[entry.form]]")]
    path.write_text(f'{head}origin = "https://example.org"\n[[entry.form]]\nformat = "e4e"\n')
    entry = load_catalog(path)["one"]
    assert (entry.ways, entry.downloads, entry.size) == ((), (), 0)
    path.write_text(f'{head}[[entry.form]]\nformat = "e4e"\n')
    with pytest.raises(JojoError, match="a form has a source, or the entry an origin"):
        load_catalog(path)


def test_a_raw_weight_is_one_file(tmp_path: Path) -> None:
    second = VALID[VALID.index("[[entry.form.file]]") : VALID.index("[[entry.form.source]]")].replace("a.dat", "b.dat")
    members = '"b.dat" = "tiny/b.dat", "a.dat" ='
    path = tmp_path / "catalog.toml"
    text = VALID[: VALID.index('[[entry.form.source]]\nkind = "https"')].replace('"a.dat" =', members)
    path.write_text(text.replace("[[entry.form.source]]", second + "[[entry.form.source]]"))
    with pytest.raises(JojoError, match="exactly one file"):
        load_catalog(path)
