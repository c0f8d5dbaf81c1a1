"""What styled faces are judged by, none of it a loss that training follows: drawing, weave, geometry, palette.

Pictures are Pillow images in RGB; luminance is on the scale of 8 bits, 0 to 255.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Array = NDArray[np.float64]

QUANTILES = np.arange(0.5, 100, 1)
"""Of gradient magnitudes: 0.5 to 99.5 per cent."""

FLAT = 2
"""A gradient below this, in levels a pixel, looks even."""

WEAVES = (1 / 8, 1 / 4, 3 / 8, 1 / 2)
"""Frequencies, in cycles a pixel, at which blocks of 2, 4 and 8 pixels repeat: what a Haar transform weaves."""


@dataclass(frozen=True)
class Drawing:
    """How strong a picture's gradients are, octave by octave: flat areas, soft shading, clean lines."""

    octaves: tuple[Array, ...]  # quantiles of gradient magnitudes, finest first

    @classmethod
    def of(cls, picture: Image.Image) -> "Drawing":
        """Return that of the face of an FFHQ crop, looked at in 440 px."""
        side = 440
        small = picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS).convert("L")
        rows, columns = slice(round(0.20 * side), round(0.85 * side)), slice(round(0.20 * side), round(0.80 * side))
        light = np.asarray(small, dtype=float)[rows, columns]
        octaves = []
        for _ in range(3):
            octaves.append(np.percentile(np.hypot(*np.gradient(light)), QUANTILES))
            light = _halve(light)
        return cls(tuple(octaves))

    def distance(self, reference: "Drawing") -> float:
        """Return the mean difference of the quantiles, as a share of the reference's mean; 0 is drawn alike."""
        pairs = zip(self.octaves, reference.octaves, strict=True)
        return float(np.mean([np.abs(own - theirs).mean() / theirs.mean() for own, theirs in pairs]))

    @property
    def flat(self) -> float:
        """The share of the face that is even, from 0 to 1."""
        return float((self.octaves[0] < FLAT).mean())


def weave(picture: Image.Image) -> float:
    """Return how far the frequencies of a woven pattern stand out in the middle of a picture; photos have about 1.2.

    The largest ratio, over `WEAVES` along both axes, of the energy at the frequency to that 3 to 8 bins away.
    """
    size, lobe, far = 512, 2, 8  # a Hann window smears a frequency over 2 bins to each side
    left, top = (picture.width - size) // 2, (picture.height - size) // 2
    light = np.asarray(picture.convert("L").crop((left, top, left + size, top + size)), dtype=float)
    window = np.hanning(size + 1)[:-1]
    energy = np.abs(np.fft.fft2((light - light.mean()) * window[:, None] * window)) ** 2
    around = [offset for offset in range(-far, far + 1) if abs(offset) > lobe]
    ratios = []
    for spectrum in (energy.sum(axis=0), energy.sum(axis=1)):
        for place in (round(share * size) for share in WEAVES):
            ratios.append(spectrum[place] / spectrum[[(place + offset) % size for offset in around]].mean())
    return float(max(ratios))


GEOMETRY = ("eye opening", "eye width", "brow height", "mouth width", "mouth opening", "nose width", "jaw width")


def geometry(landmarks: Array) -> Array:
    """Return the proportions `GEOMETRY` of a face [7], over the distance of its eyes, from dlib's landmarks [68,2]."""

    def gap(a: int, b: int) -> float:
        return float(np.linalg.norm(landmarks[a] - landmarks[b]))

    eyes = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    brows = landmarks[17:22].mean(axis=0), landmarks[22:27].mean(axis=0)
    measures = (
        np.mean([gap(37, 41), gap(38, 40), gap(43, 47), gap(44, 46)]),
        np.mean([gap(36, 39), gap(42, 45)]),
        np.mean([np.linalg.norm(brow - eye) for brow, eye in zip(brows, eyes, strict=True)]),
        gap(48, 54),
        gap(62, 66),
        gap(31, 35),
        gap(1, 15),
    )
    return np.array(measures) / float(np.linalg.norm(eyes[0] - eyes[1]))


def moved(photo: Array, result: Array, reference: Array) -> float:
    """Return how far a face went from its photo's proportions to the reference's: 0 stayed, 1 went all the way.

    All of them [7], in standard deviations of ordinary faces.
    """
    way = reference - photo
    return float((result - photo) @ way / (way @ way))


def palette_distance(a: Image.Image, b: Image.Image) -> float:
    """Return how far the colours of two pictures are apart: the 2-Wasserstein distance of Gaussians in Lab."""
    (mean_a, covariance_a), (mean_b, covariance_b) = _palette(a), _palette(b)
    root = _root(covariance_a)
    cross = np.trace(_root(root @ covariance_b @ root))
    squared = ((mean_a - mean_b) ** 2).sum() + np.trace(covariance_a) + np.trace(covariance_b) - 2 * cross
    return float(np.sqrt(max(squared, 0)))


def spread(distances: Sequence[float], of: Sequence[float]) -> float:
    """Return how different faces still are: the mean of pairwise distances over that of other pairs; 0 is collapse."""
    return float(np.mean(distances) / np.mean(of))


def _palette(picture: Image.Image) -> tuple[Array, Array]:
    lab = ImageCms.applyTransform(picture.convert("RGB").resize((128, 128), Image.Resampling.BOX), _to_lab())
    assert lab is not None
    pixels = np.asarray(lab).reshape(-1, 3)
    # Pillow keeps a and b as signed bytes.
    pixels = np.column_stack((pixels[:, 0] * (100 / 255), pixels[:, 1:].view(np.int8)))
    return pixels.mean(axis=0), np.cov(pixels.T)


def _to_lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")


def _root(matrix: Array) -> Array:
    """Return the square root of a symmetric matrix that has no negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    root: Array = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    return root


def _halve(x: Array) -> Array:
    x = x[: x.shape[0] // 2 * 2, : x.shape[1] // 2 * 2]
    return (x[0::2, 0::2] + x[0::2, 1::2] + x[1::2, 0::2] + x[1::2, 1::2]) / 4
