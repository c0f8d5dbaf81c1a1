import pytest

from jojo_cli.errors import UsageError
from jojo_cli.styles import check_style_name


@pytest.mark.parametrize("name", ["ink", "a", "0", "x" * 64, "ink-2_b", "console", "com10"])
def test_good_name_is_returned(name: str) -> None:
    assert check_style_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        "\u00e9",
        "\u0661",
        "../x",
        "a/b",
        "a\\b",
        "/a",
        "x" * 65,
        "ink\n",
        "-a",
        "_a",
        ".a",
        "a.b",
        "a b",
        "~",
    ],
)
def test_bad_name_is_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(UsageError, match="is not allowed") as caught:
        check_style_name(name)
    assert "a-z, 0-9" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["con", "prn", "aux", "nul", "com1", "lpt9"])
def test_name_reserved_by_windows_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="reserved by Windows"):
        check_style_name(name)
