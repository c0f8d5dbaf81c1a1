"""Teach a generator to draw a family of faces as one picture: step 3 of JoJoGAN (arXiv 2112.11641)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL.Image import Image
from torch import Tensor, nn

from jojo_cli.bases.base import Base
from jojo_cli.bases.regions import REGIONS, states_of
from jojo_cli.bases.settings import FinetuneSettings
from jojo_cli.bases.views import FACE, WHOLE, View, closer_views, resized, shrink, whole_view
from jojo_cli.device import is_out_of_memory
from jojo_cli.errors import JojoError
from jojo_cli.faces.align import FloatArray
from jojo_cli.faces.proportions import displacement
from jojo_cli.images import to_image
from jojo_cli.nets.generator import STYLE_PARTS, Generator, State
from jojo_cli.nets.ops import Features
from jojo_cli.stylize.analogy import Analogy, Likeness, Match, Shades, place_distance, texture_distance, trusted
from jojo_cli.stylize.boldness import Face, gains
from jojo_cli.stylize.detail import Limit, contrasts
from jojo_cli.stylize.draw import draw, shown
from jojo_cli.stylize.finish import coarse, finished
from jojo_cli.stylize.irises import iris_colour
from jojo_cli.stylize.losses import Targets, combs, ms_ssim, structure_distance, weave
from jojo_cli.stylize.mixing import codes_at, mix_codes, random_w, sample_code
from jojo_cli.stylize.optimizer import RowAdam
from jojo_cli.stylize.overlay import Overlay, Teeth, lay, with_teeth
from jojo_cli.stylize.steps import OnStep
from jojo_cli.stylize.strokes import strokes
from jojo_cli.stylize.tints import tints
from jojo_cli.stylize.tones import tones

FindLandmarks = Callable[[Image], FloatArray]
"""Returns the landmarks [68,2] of the face of an FFHQ crop, x and y in shares of its side."""

SPARE = 2.0
"""How many times the contrast that those of the reference have on average a place may have: lines are thin."""

SAMPLES, TRUNCATION = 6, 0.7
"""How many random faces tell how boldly a style draws, and how far they are from the mean face."""

COLOR = 3.0
"""Weight of how far colours that shall be kept have changed, as a mean absolute difference."""


@dataclass(frozen=True)
class Reference:
    """A picture to learn from, and its code."""

    image: Tensor  # [1,3,R,R], RGB in [-1,1]
    w_plus: Tensor  # [1,L,D]
    landmarks: FloatArray | None = None  # [68,2], x and y in shares of the side, where they are known


@dataclass(frozen=True)
class Finetuned:
    """A generator that draws in the style of its references."""

    generator: Generator
    losses: tuple[float, ...]  # one a step


def finetune(
    base: Base,
    references: Sequence[Reference],
    settings: FinetuneSettings,
    *,
    start: Generator | None = None,
    find_landmarks: FindLandmarks | None = None,
    on_step: OnStep = lambda step, loss: None,
) -> Finetuned:
    """Return a copy of the base's generator that draws codes around each reference's as that reference.

    Each step takes the next references, mixes the code of each with a random one (eq. 2), and brings what the generator
    draws from it nearer to the picture in the eyes of the critic. Where the settings say so, steps in between show
    strangers: they are to look drawn by the same hand, and to stay themselves.

    As many are drawn at once as the device has memory for: gradients add up, so that their number changes the time a
    step takes, and not what is learnt.

    Args:
        base: not changed.
        references: at least one.
        settings: how.
        start: what to go on from, of the same base; None is the base's own generator.
        find_landmarks: of crops that the base draws; without it, references are not laid on strangers.
        on_step: told after every step.

    Raises:
        JojoError: the loss is no longer a number, or the device has no memory for a single picture.
    """
    with base.device.enough_memory():
        return _finetune(base, references, settings, start, find_landmarks, on_step)


def _finetune(
    base: Base,
    references: Sequence[Reference],
    settings: FinetuneSettings,
    start: Generator | None,
    find_landmarks: FindLandmarks | None,
    on_step: OnStep,
) -> Finetuned:
    rng = torch.Generator().manual_seed(settings.seed)
    lesson = _Lesson(base, references, settings, find_landmarks)
    generator = (start or base.generator).clone()
    # What is learnt is drawn in place, in a face's own codes, and as it is.
    for part in STYLE_PARTS:
        setattr(generator, part, None)
    optimizer = _optimizer(_groups(generator, base, settings), settings)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share_of_rate(step, settings))
    batch = min(settings.batch or len(references), len(references))
    at_once = min(batch, base.device.at_once)
    losses: list[float] = []
    faces: list[_Face] = []
    for step in range(settings.steps):
        turn, again = divmod(step, settings.looks)
        if not again:
            which = [(turn * batch + i) % len(references) for i in range(batch)]
            strange = bool(settings.strangers) and turn % settings.strangers == 0
            faces = [lesson.stranger(i, rng) if strange else lesson.variant(i, rng) for i in which]
        view = lesson.choose_view(rng)
        while True:
            optimizer.zero_grad(set_to_none=True)
            try:
                losses.append(_backward(lesson, generator, faces, view, at_once))
                break
            except RuntimeError as error:
                if at_once == 1 or not is_out_of_memory(error):
                    raise
            at_once //= 2  # out here, where the error is gone, and the tensors that it held
            base.device.give_back_memory()
        if not isfinite(losses[-1]):
            raise JojoError(f"the loss is no longer a number at step {step + 1}", hint="try a lower --lr")
        optimizer.step()
        schedule.step()
        on_step(step + 1, losses[-1])
    generator.displacement = _displacement(references, settings.proportions, base.device.torch_device)
    if not settings.preserve_color:
        generator.palette = torch.stack([reference.w_plus for reference in references]).mean(dim=0)
    generator.requires_grad_(False)
    if settings.tints or settings.strokes or settings.boldness:
        with torch.no_grad():
            _finish(base, generator, references, settings)
    return Finetuned(generator, tuple(losses))


def _displacement(references: Sequence[Reference], amount: float, device: torch.device) -> Tensor | None:
    """Return what gives faces the proportions of the references [1,2,G,G], if their landmarks are known."""
    known = [reference.landmarks for reference in references if reference.landmarks is not None]
    if not known or not amount:
        return None
    return torch.from_numpy(displacement(np.mean(known, axis=0), amount))[None].to(device)


def _finish(base: Base, generator: Generator, references: Sequence[Reference], settings: FinetuneSettings) -> None:
    """Lay some faces that the generator draws beside the references, and give it what it lacks."""
    codes = [sample_code(base, seed, TRUNCATION) for seed in range(SAMPLES)]
    wanted = [Face(coarse(reference.image), _regions(base, reference)) for reference in references]

    def look(code: Tensor) -> Face:
        regions, _ = shown(base, generator, states_of(generator, code)) or (None, None)
        return Face(coarse(draw(base, generator, code)), regions)

    learnt = [look(code) for code in codes]

    def so_far() -> list[Face]:
        return [face._replace(image=finished(face.image, generator, face.regions)) for face in learnt]

    device = base.device.torch_device
    if settings.tints and not settings.preserve_color:
        generator.tints = tints(wanted, learnt)
        generator.irises = _irises(references)
    if settings.strokes:
        generator.strokes = strokes(settings.strokes).to(device)
    if settings.boldness:
        generator.gains = gains(wanted, so_far(), settings.boldness).to(device)
        spread = tones(wanted, so_far(), settings.boldness)
        generator.tones = None if spread is None else spread.to(device)


def _irises(references: Sequence[Reference]) -> Tensor | None:
    """Return the colour [3] of the irises of those references that show some."""
    known = [iris_colour(one.image, one.landmarks) for one in references if one.landmarks is not None]
    colours = [colour for colour in known if colour is not None]
    return torch.stack(colours).mean(dim=0) if colours else None


def _regions(base: Base, reference: Reference) -> Tensor | None:
    """Return which regions a reference shows for sure [1,4,G,G]."""
    if not base.load_regions:
        return None
    regions = base.load_regions()(states_of(base.generator, reference.w_plus))
    return trusted(regions, reference.image)[None]


class _Drawn(NamedTuple):
    """Pictures [N,3,S,S], and what the critic sees of the whole."""

    images: Tensor
    seen: Features


@dataclass(frozen=True)
class _Face:
    """A face that is to be drawn as a reference, or, if it is a stranger, like it."""

    reference: int
    w_plus: Tensor  # [1,L,D]
    seed: int  # of its fresh noise, and of how a stranger is looked at
    plain: _Drawn | None  # by the base, if it is to be kept near that
    match: Match | None = None  # of a stranger: where the reference shows its parts
    overlay: Overlay | None = None  # of a stranger: the reference laid on it, where it can be
    limit: Limit | None = None  # of a stranger: how much detail it may have
    shades: Shades | None = None  # of a stranger: which colours its places shall have


_Viewed = tuple[float, View, Features]
"""How much what is seen through a view counts, the view, and what the critic sees of pictures [N]."""


class _Lesson:
    """What a generator is to learn: the references, how their codes vary, and how a drawing is judged."""

    def __init__(
        self,
        base: Base,
        references: Sequence[Reference],
        settings: FinetuneSettings,
        find_landmarks: FindLandmarks | None,
    ) -> None:
        self.base = base
        self.find_landmarks = find_landmarks
        self.references = references
        self.settings = settings
        # Among the reference's own family, it is the codes that vary which say what keeps its colours.
        self.grey = settings.preserve_color and bool(settings.strangers)
        resolution = base.generator.resolution
        critic = base.load_critic(settings.loss)
        self.critic = critic.net
        self.whole = View(critic.side, critic.side)
        self.small = whole_view(resolution)
        # Half of them on the face, where it matters most what is drawn.
        areas = [(scale, area) for scale in settings.closer_scales for area in (WHOLE, FACE)] if settings.closer else []
        self.closer = [views for views in (closer_views(resolution, *area) for area in areas) if views]
        images = [self.tinted(reference.image) for reference in references]
        views = {self.whole, *(view for views in self.closer for view in views)}
        with base.device.autocast():
            self.targets = Targets(critic.net, images, views) if settings.strangers != 1 else None
            self.analogies = [self._analogy(reference, views) for reference in references if settings.strangers]
        self.teeth = [
            Teeth.like(reference.image, reference.landmarks)
            if settings.overlay and reference.landmarks is not None
            else None
            for reference in references
        ]
        self.kept = bool(settings.identity or settings.structure)
        # Of strangers, all codes do, and of what is near the reference the fine ones.
        self.varied = None if settings.vary is None else codes_at(base, settings.vary)
        self.recogniser = base.load_recogniser() if settings.identity else None

    def tinted(self, images: Tensor) -> Tensor:
        """Return images [N,3,S,S] as the critic shall see them: without the colours that photos shall keep."""
        return images - _chroma(images) if self.grey else images

    def _analogy(self, reference: Reference, views: Iterable[View]) -> Analogy:
        natural: list[State] = []
        self.base.generator.synthesis(reference.w_plus, states=natural)
        scales = {view.scale for view in views}
        find_regions = self.base.load_regions() if self.base.load_regions else None
        return Analogy(self.critic, self.tinted(reference.image), natural, scales, find_regions)

    def variant(self, reference: int, rng: torch.Generator) -> _Face:
        """Return a face whose code is around that of a reference."""
        base, settings = self.base, self.settings
        keep = settings.preserve_color and not self.grey
        varied = self.varied or (base.varied_codes_preserving_color if keep else base.varied_codes)
        w_plus = self._towards_random(self.references[reference].w_plus, settings.widen, rng)
        w_plus = mix_codes(w_plus, random_w(base, rng)[:, None], varied, settings.alpha)
        plain = self.plain(w_plus) if self.kept and not settings.strangers else None
        return _Face(reference, w_plus, _seed(rng) if settings.fresh_noise else 0, plain)

    def stranger(self, reference: int, rng: torch.Generator) -> _Face:
        """Return a face whose code is far from that of a reference, but for what it takes of its colours."""
        own = self.references[reference].w_plus
        w_plus = self._towards_random(own, self.settings.apart * self.settings.alpha, rng, self.varied)
        if not self.settings.preserve_color:
            w_plus = mix_codes(w_plus, own, self.base.varied_codes, self.settings.color)
        states: list[State] = []
        plain, seed = self.plain(w_plus, states), _seed(rng)
        with torch.no_grad(), self.base.device.autocast():
            likeness = self.analogies[reference].compare(states)
            match = self.analogies[reference].match(likeness, torch.Generator().manual_seed(seed))
            overlay = self._overlay(reference, plain.images, likeness)
        with torch.no_grad():  # as exact as they are
            bare = self._bare(reference, overlay)
            limit = self._limit(reference, plain.images, likeness, match, bare) if self.settings.excess else None
            shades = self._shades(reference, match, bare) if self.settings.shades else None
        return _Face(reference, w_plus, seed, plain, match, overlay, limit, shades)

    def _overlay(self, reference: int, images: Tensor, likeness: Likeness) -> Overlay | None:
        """Return a reference laid on a face that the base drew, where the landmarks of both can be known."""
        landmarks, analogy = self.references[reference].landmarks, self.analogies[reference]
        if not self.settings.overlay or landmarks is None or not self.find_landmarks:
            return None
        if analogy.regions is None or likeness.regions is None:
            return None
        other = self.find_landmarks(to_image(images[0]))
        face, inner, other_face = (x[REGIONS.index("face")] for x in (*analogy.regions, likeness.regions))
        at = partial(analogy.likeness_at, likeness)
        overlay = lay(self.references[reference].image, face, inner, landmarks, other_face, other, at)
        teeth = self.teeth[reference]
        return with_teeth(overlay, teeth, images, other) if teeth else overlay

    def _bare(self, reference: int, overlay: Overlay | None) -> Tensor:
        """Return how much of each place is left over by a reference that is laid on a face [1,1,G,G], 0 to 1."""
        grid = self.analogies[reference].grid
        image = self.references[reference].image
        return 1 - shrink(overlay.weights, grid) if overlay else image.new_ones(1, 1, grid, grid)

    def _limit(self, reference: int, images: Tensor, likeness: Likeness, match: Match, bare: Tensor) -> Limit:
        """Return how much detail a face that the base drew may have; a reference laid on it says itself how much."""
        analogy = self.analogies[reference]
        natural, drawn = contrasts(self.tinted(images), analogy.grid), analogy.contrasts_of(match)
        if likeness.regions is not None:  # what is behind somebody is the reference's alone
            natural = natural * (1 - resized(likeness.regions[None], analogy.grid)[:, [REGIONS.index("background")]])
        return Limit(torch.maximum(natural, SPARE * drawn), bare)

    def _shades(self, reference: int, match: Match, bare: Tensor) -> Shades:
        """Return which colours the places of a face shall have; a reference laid on it says itself which."""
        shades = self.analogies[reference].shades_of(match)
        return shades._replace(counts=shades.counts * bare)

    def _towards_random(
        self, w_plus: Tensor, amount: float, rng: torch.Generator, codes: Sequence[int] | None = None
    ) -> Tensor:
        """Return w_plus with some of its codes, or all, moved to those of a random face."""
        codes = codes or range(self.base.generator.codes)
        return mix_codes(w_plus, random_w(self.base, rng)[:, None], codes, amount)

    def noise(self, face: _Face) -> torch.Generator:
        """Return what draws the noise of a face, from its beginning."""
        return torch.Generator(self.base.device.torch_device).manual_seed(face.seed)

    def choose_view(self, rng: torch.Generator) -> View | None:
        """Return one of the closer views, if there are any."""
        if not self.closer:
            return None
        views = self.closer[int(torch.randint(len(self.closer), (), generator=rng))]
        return views[int(torch.randint(len(views), (), generator=rng))]

    def loss(self, generator: Generator, faces: Sequence[_Face], closer: View | None) -> Tensor:
        """Return how far what is drawn of faces, all strangers or none, is from what it shall be, on average."""
        settings = self.settings
        w_plus = torch.cat([face.w_plus for face in faces])  # [N,L,D]
        noise = [self.noise(face) for face in faces] if settings.fresh_noise else None
        views = [(1.0, self.whole), *([(settings.closer, closer)] if closer else [])]
        at_least = closer.scale if closer else self.whole.scale
        with self.base.device.autocast():
            drawn = generator.synthesis(w_plus, at_least=at_least, noise=noise)
            seen = [(weight, view, self.critic.features(view(self.tinted(drawn)))) for weight, view in views]
        terms = self.unlike_reference(faces, seen) if faces[0].match else self.error(faces, drawn, seen)
        if plain := _together([face.plain for face in faces if face.plain]):
            terms += self.estrangement(_Drawn(drawn, seen[0][2]), plain)
        if settings.weave:
            terms.append(settings.weave * weave(drawn))
        if settings.combs:
            terms.append(settings.combs * combs(drawn))
        for i, face in enumerate(faces):
            one = drawn[i : i + 1]
            if face.limit:
                terms.append(settings.excess * face.limit.excess(self.tinted(one)) / len(faces))
            if face.shades:
                terms.append(settings.shades * face.shades.distance(self.tinted(one)) / len(faces))
            if face.overlay:
                own = [(weight, view, tuple(x[i : i + 1] for x in features)) for weight, view, features in seen]
                terms += [term / len(faces) for term in self.unlike_overlay(face.overlay, one, own)]
        return torch.stack(terms).sum()

    def plain(self, w_plus: Tensor, states: list[State] | None = None) -> _Drawn:
        """Return what the base draws of w_plus [N,L,D]; what it draws them through is added to `states`."""
        with torch.no_grad(), self.base.device.autocast():
            images = self.base.generator.synthesis(w_plus, states=states)
            seen = self.critic.features(self.whole(self.tinted(images))) if self.settings.structure else ()
            return _Drawn(images, seen)

    def error(self, faces: Sequence[_Face], drawn: Tensor, seen: Sequence[_Viewed]) -> list[Tensor]:
        """Return how far pictures [N,3,S,S] are from their references, term by term."""
        settings = self.settings
        which = [face.reference for face in faces]
        assert self.targets  # without strangers, or between them
        with self.base.device.autocast():
            terms = [
                weight * self.critic.distance(features, self.targets.wanted(view, which)).mean()
                for weight, view, features in seen
            ]
        if settings.pixels or settings.ms_ssim:
            drawn = self.tinted(drawn)
            picture = torch.cat([shrink(self.tinted(self.references[i].image), drawn.shape[-1]) for i in which])
            terms.append(settings.pixels * F.l1_loss(drawn, picture))
            if settings.ms_ssim:
                terms.append(settings.ms_ssim * (1 - ms_ssim(self.small(drawn), self.small(picture))))
        return terms

    def unlike_reference(self, faces: Sequence[_Face], seen: Sequence[_Viewed]) -> list[Tensor]:
        """Return how far strangers are from being drawn like their references, term by term."""
        settings = self.settings
        terms = []
        for i, face in enumerate(faces):
            assert face.match
            rng = torch.Generator().manual_seed(face.seed)
            with torch.no_grad(), self.base.device.autocast():
                examples = [self.analogies[face.reference].example(face.match, view) for _, view, _ in seen]
            for (weight, _, features), example in zip(seen, examples, strict=True):
                own = tuple(layer[i : i + 1] for layer in features)
                places, texture = place_distance(own, example), texture_distance(own, example, rng)
                terms.append(weight * (settings.places * places + settings.texture * texture) / len(faces))
        return terms

    def unlike_overlay(self, overlay: Overlay, drawn: Tensor, seen: Sequence[_Viewed]) -> list[Tensor]:
        """Return how far one picture [1,3,S,S] is from the reference laid on it, term by term."""
        settings = self.settings
        wanted = self.tinted(overlay.over(drawn))
        terms = [settings.overlay_pixels * F.l1_loss(self.tinted(drawn), wanted)]
        # The closest view there is: strokes are what it is about.
        weight, view, features = seen[-1]
        if overlay.speaks_in(view):
            with torch.no_grad(), self.base.device.autocast():
                target = self.critic.features(view(wanted))
            terms.append(weight * settings.overlay * self.critic.distance(features, target).mean())
        return terms

    def estrangement(self, styled: _Drawn, plain: _Drawn) -> list[Tensor]:
        """Return how far faces went from those that the base draws of the same codes, term by term."""
        settings = self.settings
        terms = []
        if self.grey:
            kept, natural = (_chroma(self.whole(images)) for images in (styled.images, plain.images))
            terms.append(COLOR * F.l1_loss(kept, natural))
        if settings.structure:
            terms.append(settings.structure * structure_distance(styled.seen, plain.seen, self.whole.size))
        if self.recogniser:
            with torch.no_grad():
                natural = self.recogniser(plain.images)
            alike = F.cosine_similarity(self.recogniser(styled.images), natural).mean()
            terms.append(settings.identity * (1 - alike))
        return terms


def _chroma(images: Tensor) -> Tensor:
    """Return the colours of images [N,3,S,S] beyond their grey."""
    return images - images.mean(dim=1, keepdim=True)


def _together(drawn: Sequence[_Drawn]) -> _Drawn | None:
    """Return pictures that were drawn one at a time as one batch; None of none."""
    if len(drawn) < 2:
        return drawn[0] if drawn else None
    seen = tuple(map(torch.cat, zip(*(d.seen for d in drawn), strict=True)))
    return _Drawn(torch.cat([d.images for d in drawn]), seen)


def _seed(rng: torch.Generator) -> int:
    return int(torch.randint(2**62, (), generator=rng))


def _backward(lesson: _Lesson, generator: Generator, faces: Sequence[_Face], view: View | None, at_once: int) -> float:
    """Add the gradients of a step to the generator's, and return its loss; `at_once` pictures are held in memory."""
    total = 0.0
    for first in range(0, len(faces), at_once):
        some = faces[first : first + at_once]
        loss = lesson.loss(generator, some, view) * len(some) / len(faces)
        total += loss.item()
        loss.backward()  # type: ignore[no-untyped-call]
    return total


def _optimizer(groups: list[dict[str, Any]], settings: FinetuneSettings) -> torch.optim.Optimizer:
    if settings.rate_by_row:
        return RowAdam(groups, lr=settings.rate, beta=0.99)
    return torch.optim.Adam(groups, lr=settings.rate, betas=(0.0, 0.99))


def _share_of_rate(step: int, settings: FinetuneSettings) -> float:
    """Return the share of the rate at a step: all of it, then down to 0 in the last steps."""
    return min(1.0, (1 - step / settings.steps) / settings.decay) if settings.decay else 1.0


def _groups(generator: nn.Module, base: Base, settings: FinetuneSettings) -> list[dict[str, Any]]:
    """Return what may change, each tensor with its rate: the base's share, by the tensor's size if that is set."""
    groups = []
    for name, parameter in generator.named_parameters():
        share = next((share for part, share in base.rates.items() if part in name), 1.0)
        if not share:
            continue
        size = max(parameter.detach().square().mean().sqrt().item(), 1e-3) if settings.rate_by_size else 1.0
        groups.append({"params": [parameter.requires_grad_(True)], "lr": settings.rate * share * size})
    return groups
