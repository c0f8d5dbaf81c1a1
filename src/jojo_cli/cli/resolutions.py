"""What options say by resolution: the side, in pixels, of what a code or a part of the network draws."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jojo_cli.errors import UsageError

if TYPE_CHECKING:
    from jojo_cli.stylize.strength import Strength

SIDES = tuple(4 << octave for octave in range(9))
FINEST = SIDES[-1]

NAMED = {"coarse": "4-8", "middle": "16-32", "fine": f"64-{FINEST}"}
"""As StyleGAN's paper calls them (arXiv 1812.04948, section 3.1)."""


def parse_strength(text: str) -> "Strength":
    """Return the strength that is written as a number, or as PIXELS:AMOUNT,PIXELS:AMOUNT.

    Raises:
        UsageError: it is none.
    """
    try:
        if ":" not in text:
            return _amount(text)
        pairs = [part.split(":") for part in text.split(",")]
        return {int(since): _amount(amount) for since, amount in pairs}
    except ValueError:
        hint = "write a number from 0 to 1, or from which pixels on it is what: 64:1,512:0.3"
        raise UsageError(f"{text!r} is no strength", hint=hint) from None


def strength_text(strength: "Strength | Mapping[str, float]") -> str:
    """Return a strength as `parse_strength` reads it; JSON has its pixels as text."""
    if not isinstance(strength, Mapping):
        return str(strength)
    return ",".join(f"{since}:{amount}" for since, amount in strength.items())


def _amount(text: str) -> float:
    amount = float(text)
    if not 0 <= amount <= 1:
        raise ValueError(text)
    return amount


def parse_sides(text: str) -> tuple[int, ...]:
    """Return the resolutions that are written as numbers, ranges (64-, 8-32), coarse, middle or fine.

    Raises:
        UsageError: they are none.
    """
    sides: list[int] = []
    for part in text.split(","):
        first, dash, last = NAMED.get(part, part).partition("-")
        try:
            since = int(first)
            until = int(last or FINEST) if dash else since
        except ValueError:
            since, until = 1, 0
        sides += [side for side in SIDES if since <= side <= until]
        if not (since in SIDES and until in SIDES and since <= until):
            hint = f"write {', '.join(map(str, SIDES))}, ranges of them (64-, 8-32), coarse, middle or fine"
            raise UsageError(f"{part!r} is no resolution", hint=hint)
    return tuple(sorted(set(sides)))


def parse_amounts(texts: Sequence[str]) -> tuple[tuple[int, float], ...]:
    """Return the resolutions and amounts that are written as RANGE=AMOUNT, a range as in `parse_sides`.

    Raises:
        UsageError: they are none.
    """
    amounts: dict[int, float] = {}
    for text in texts:
        sides, _, amount = text.partition("=")
        try:
            share = _amount(amount)
        except ValueError:
            raise UsageError(f"{text!r} is no RANGE=AMOUNT", hint="for instance coarse=0.5, or 64-=1") from None
        amounts |= dict.fromkeys(parse_sides(sides), share)
    return tuple(sorted(amounts.items()))
