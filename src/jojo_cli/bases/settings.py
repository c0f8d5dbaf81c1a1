"""The settings of inversion and finetuning: a base holds the ones that suit it, a style the ones it was made with."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from jojo_cli.errors import CheckpointError, UsageError

Method = Literal["hybrid", "encoder", "optimize", "mean"]
Space = Literal["z", "w", "w+"]

Settings = TypeVar("Settings", "InvertSettings", "FinetuneSettings")

NOISE_STEPS = 40

_TRAIN_ANEW = "train it anew from its references"

STYLEGAN2_FFHQ = "stylegan2-ffhq"
"""The w of the base of this name, which is that of others, too."""


@dataclass(frozen=True)
class InvertSettings:
    """How to find a picture's code."""

    method: Method  # mean: the mean code, whatever the picture; hybrid: optimise the encoder's code
    space: Space = "w+"  # where to look: a z, one w for all codes, or a w for each
    psi: float = 1.0  # share of the encoder's code that is kept, the rest is the mean code's: less is more plausible
    steps: int = 0  # of optimisation
    natural: bool = False  # whether steps are natural gradients, which only w+ has, and not Adam's
    rate: float = 0.1  # share of a natural gradient, or of Adam in standard deviations of the codes
    pull: float = 0.0  # weight of the distance to the mean code, in a hybrid to the encoder's: more is more plausible
    spread: float = 0.0  # weight of the distance between the codes of one w+, likewise
    pixels: float = 0.35  # weight of the mean squared error beside LPIPS
    identity: float = 0.0  # weight of the squared distance of the face descriptors
    encoder: str | None = None  # which of the base's; None: its first
    noise: int = 0  # steps in which noise is found after the code


@dataclass(frozen=True)
class InvertChoice:
    """What the user says of how to find codes; None is what suits the base.

    Raises:
        UsageError: the choices do not fit together.
    """

    method: Method | None = None  # hybrid, encoder, optimize or mean
    steps: int | None = None  # of optimisation, 1 or more
    space: Space | None = None  # z, w or w+
    encoder: str | None = None  # one of the base's
    noise: bool = False  # find noise, too, which holds what no code says: nearly the photo, and little of it restyled

    def __post_init__(self) -> None:
        if self.steps and self.method in ("encoder", "mean"):
            hint = "--method hybrid refines what the encoder finds, --method optimize starts from the mean"
            raise UsageError(f"--method {self.method} has no steps to choose", hint=hint)
        if self.space == "z" and self.method != "optimize":
            raise UsageError("only optimisation finds a z", hint="add --method optimize")
        if self.encoder and self.method in ("optimize", "mean"):
            raise UsageError(f"--method {self.method} asks no encoder", hint="leave out --encoder, or --method")

    def among(self, ways: Sequence[InvertSettings]) -> InvertSettings:
        """Return the first of a base's ways that fits what was chosen, with what else was chosen."""
        way = next(way for way in ways if self._fits(way))
        return replace(
            way,
            steps=self.steps or way.steps,
            space=self.space or way.space,
            encoder=self.encoder or way.encoder,
            noise=NOISE_STEPS if self.noise else way.noise,
        )

    def _fits(self, way: InvertSettings) -> bool:
        return (
            self.method in (None, way.method)
            and bool(way.steps or not self.steps)
            and (way.method in ("hybrid", "encoder") or not self.encoder)
            and not (way.natural and self.space not in (None, "w+"))
        )


@dataclass(frozen=True)
class FinetuneSettings:
    """How to teach a generator a style."""

    loss: str = "lpips"  # which of the base's critics compares
    steps: int = 150
    batch: int | None = 1  # references looked at in a step, in turn; None: all
    looks: int = 1  # steps in a row that show the same faces, each closer at another place
    rate: float = 0.004  # of Adam
    rate_by_size: bool = True  # whether the rate is in units of each tensor's RMS
    rate_by_row: bool = False  # whether Adam's second moments are those of rows, see `RowAdam`
    decay: float = 0.3  # share of the steps, at the end, in which the rate falls to 0
    fresh_noise: bool = False  # draw new noise for each picture
    alpha: float = 1.0  # how far the varied codes move to random ones, from 0 to 1
    widen: float = 0.0  # how far all codes move to random ones, so that faces unlike the reference take the style
    preserve_color: bool = False  # keep faces' colours: strangers are compared in grey, else fewer codes vary
    vary: tuple[int, ...] | None = None  # which codes differ from face to face, by resolution; None: the base's
    virtual: tuple[tuple[int, float], ...] = ()  # how far the reference's codes go to the mean's, by resolution
    seed: int = 0
    closer: float = 1.0  # weight of the critic on a closer view, beside 1 for the whole
    closer_scales: tuple[int, ...] = (512, 1024)  # sides of the picture that closer views are cut from, in pixels
    pixels: float = 0.1  # weight of the mean absolute difference
    ms_ssim: float = 0.0  # weight of 1 - MS-SSIM
    weave: float = 0.0  # weight of what repeats with the generator's grid, see `weave`
    combs: float = 0.0  # weight of what repeats with it in short rows, see `combs`
    proportions: float = 0.0  # how far every face goes from ordinary proportions to the reference's, 0 to 1
    tints: bool = False  # whether skin, hair and what is behind then get the reference's colours
    strokes: float = 0.0  # how far what is drawn is then smoothed along itself, 0 to 1
    boldness: float = 0.0  # how far gradients and tones are then brought to the reference's, 0 to 1
    # Strangers: faces unlike the reference, which shall not become it, but look as if drawn by the same hand.
    strangers: int = 0  # the first of so many steps shows one; 0: none does
    apart: float = 0.7  # how far all codes of a stranger move to random ones
    color: float = 0.0  # how far their fine codes then go back to the reference's
    texture: float = 0.0  # weight of how the values of features are distributed, see `texture_distance`
    places: float = 0.0  # weight of how far each place is from its like in the reference, see `place_distance`
    shades: float = 0.0  # weight of how far the colours of places are from their like's, see `Shades`
    excess: float = 0.0  # weight of detail that neither they nor the reference have, see `Limit`
    # Where landmarks are known, also from the reference laid on them, see `lay`.
    overlay: float = 0.0  # weight of the critic
    overlay_pixels: float = 0.0  # weight of the mean absolute difference
    # What keeps strangers, or all where there are none, near the base's faces of the same codes.
    identity: float = 0.0  # weight of 1 - the cosine of what a face recogniser says of the two
    structure: float = 0.0  # weight of how far their places are alike in other ways, see `structure_distance`


@dataclass(frozen=True)
class FinetuneChoice:
    """What the user says of how to teach a style; None is what suits the base."""

    steps: int | None = None  # 1 or more
    rate: float | None = None  # Adam's, more than 0
    loss: str | None = None  # one of the base's
    identity: float | None = None  # weight, from 0, of what keeps people recognisable
    structure: float | None = None  # weight, from 0, of what keeps pose, expression and shapes
    proportions: float | None = None  # how far faces take the reference's, 0 to 1
    strokes: float | None = None  # how far lines and hair are smoothed along themselves, 0 to 1
    boldness: float | None = None  # how far lines get as bold, and areas as even, as the reference's, 0 to 1
    ms_ssim: float = 0.0  # weight, from 0, of what keeps to the reference's shapes
    alpha: float = 1.0  # how much the faces trained on vary, 0 to 1
    preserve_color: bool = False  # let photos keep more of their own colours
    vary: tuple[int, ...] | None = None  # pixels at which the faces trained on differ
    virtual: tuple[tuple[int, float], ...] = ()  # pixels, and how far the reference's code goes there to the mean's
    seed: int = 0

    def among(self, ways: Sequence[FinetuneSettings]) -> FinetuneSettings:
        """Return the first of a base's ways that compares with the loss chosen, with what else was chosen."""
        way = next(way for way in ways if self.loss in (None, way.loss))
        chosen = {name: value for name, value in asdict(self).items() if value is not None and name != "loss"}
        # Only faces between strangers are compared with the reference place by place.
        strangers = 2 if self.ms_ssim and way.strangers else way.strangers
        return replace(way, **chosen, strangers=strangers)


RENAMED = {"strands": "strokes"}
"""Settings that an older jojo called otherwise."""


def recorded(kind: type[Settings], values: object, *, source: str) -> Settings:
    """Return settings from the JSON of a record; what an older jojo did not have is as it was without.

    Raises:
        CheckpointError: they are none of this jojo's.
    """
    if not isinstance(values, dict):
        raise CheckpointError(f"{source} says nothing of its settings", hint=_TRAIN_ANEW)
    types = get_type_hints(kind)
    named = {RENAMED.get(name, name): value for name, value in cast(dict[str, Any], values).items()}
    for name, value in named.items():
        if name not in types or not _is_a(types[name], value):
            raise CheckpointError(f"{source} has a setting that this jojo does not know: {name}", hint=_TRAIN_ANEW)
    try:
        return kind(**{name: _as_tuples(value) for name, value in named.items()})
    except TypeError as error:
        raise CheckpointError(f"{source} lacks a setting: {error}", hint=_TRAIN_ANEW) from error


def _is_a(kind: Any, value: object) -> bool:
    """Return whether a value of JSON is what a field's type says."""
    parts = get_args(kind)
    if get_origin(kind) is Literal:
        return value in parts
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            return False
        each = parts[:1] * len(value) if parts[-1] is Ellipsis else parts
        return len(each) == len(value) and all(map(_is_a, each, value))
    if parts:
        return any(_is_a(part, value) for part in parts)
    return type(value) in ((int, float) if kind is float else (kind,))


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list | tuple) else value
