"""The documentation says what the code does, as far as a machine can tell."""

import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path

from conftest import Jojo

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
SHELL = ("", "sh", "bash", "console")
"""Languages of the blocks that hold commands; one without a language does."""


def test_reference_is_what_the_code_says() -> None:
    for name, written in runpy.run_path(str(ROOT / "docs" / "generate.py"))["pages"]().items():
        committed = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
        assert committed == written, "run 'make docs'"


def test_commands_and_options_exist(jojo: Jojo) -> None:
    commands = [(page.name, words) for page in PAGES for words in commands_in(page)]
    assert commands
    # --help is answered once the words before it were understood.
    wrong = [(page, shlex.join(words)) for page, words in commands if jojo(*words, "--help").code]
    assert not wrong


def test_links_lead_somewhere() -> None:
    dead = []
    for page in PAGES:
        text = without_code(page.read_text(encoding="utf-8"))
        for path, heading in re.findall(r"\]\((?!\w+:)([^)#\s]*)#?([^)\s]*)\)", text):
            target = page.parent / path if path else page
            if not target.exists() or (heading and heading not in headings(target)):
                dead.append((page.name, path, heading))
    assert not dead


def commands_in(page: Path) -> Iterator[list[str]]:
    """Yield what follows `jojo` on the command lines of a page."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
        if language in SHELL:
            for line in block.replace("\\\n", " ").splitlines():
                for words in simple_commands(line.removeprefix("$ ")):
                    if words[0] == "jojo":
                        yield words[1:]


def simple_commands(line: str) -> Iterator[list[str]]:
    """Yield the commands of a line of shell, without variables before them and redirections after them."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set("();<>|&"):
            if words:
                yield words
            words = []
        elif words or not re.match(r"\w+=", word):
            words.append(word)


def headings(page: Path) -> set[str]:
    """Return the headings of a page as links name them."""
    found = re.findall(r"^#+ (.*)", without_code(page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def without_code(text: str) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
