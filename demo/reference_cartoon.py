"""The reference picture cartoon.png: a boy from an animated film."""

from __future__ import annotations

import numpy as np
from drawing import Shape, both, curve, ellipse, mirror, pen
from PIL import Image
from relief import (
    Light,
    Plane,
    X,
    Y,
    blurred,
    bump,
    dim,
    facing,
    finish,
    hollows,
    knob,
    lay,
    lock,
    moved,
    puffed,
    ramp,
    stencil,
    unit,
)

LIGHT = Light((-0.55, -0.55, 0.8), (0.9, -0.35, 0.1), (110, 130, 150))
SKIN = ((84, 36, 44), (146, 64, 58), (200, 110, 88), (230, 158, 126), (242, 188, 154), (248, 208, 180))
HAIR = ((26, 10, 10), (58, 24, 16), (104, 48, 26), (150, 78, 38), (196, 118, 62))
SHIRT = ((30, 10, 30), (110, 20, 34), (190, 44, 44), (232, 84, 62), (250, 130, 96))


def skin(z: Plane, blush: Plane, *, reach: float = 16) -> Plane:
    """The colours of skin on the height field `z`, redder where `blush` is."""
    normal = facing(z)
    open_ = hollows(z, reach, 22) * hollows(z, 5, 9)
    colour = ramp(LIGHT.diffuse(normal) * (0.35 + 0.65 * open_), *SKIN)
    colour *= 1 - blush[..., None] * np.array([0.02, 0.2, 0.17], dtype=np.float32)
    # An oily sheen over a soft one; both break off in the hollows.
    gloss = 0.06 * LIGHT.gloss(normal, 9) + 0.12 * LIGHT.gloss(normal, 45)
    lit: Plane = colour + (gloss * open_)[..., None] * np.array([1, 0.9, 0.8], dtype=np.float32) + LIGHT.edge(normal)
    return lit


def head(outline: Shape) -> Plane:
    """The height field of the face."""
    z = 0.72 * puffed(stencil(outline))
    for s in (-1, 1):
        z += 18 * bump(512 + s * 160, 630, 95, 75) - 26 * bump(512 + s * 127, 480, 100, 80)
        z += 12 * bump(512 + s * 120, 385, 120, 36)
    z += 24 * bump(512, 530, 32, 90) + 18 * bump(512, 722, 120, 62) + 20 * bump(512, 856, 90, 60)
    for s in (-1, 1):
        z = knob(z, 512 + s * 40, 622, 27, 22, 26, blend=7)
    z = knob(z, 512, 604, 50, 44, 56, blend=12)
    z -= 9 * bump(512, 672, 13, 24)
    z += (
        10 * bump(487, 710, 36, 12)
        + 10 * bump(537, 710, 36, 12)
        + 15 * bump(512, 750, 60, 18)
        - 5 * bump(512, 790, 56, 20)
    )
    # Lids: a fold around each eye.
    for s in (-1, 1):
        r = np.hypot((X - 512 - s * 127) / 86, (Y - 476) / 73)
        upper = 1 / (1 + np.exp((Y - 448) / 10)) * np.exp(-(((X - 512 - s * 127) / 74) ** 4))
        z += (8 + 5 * upper) * np.exp(-(((r - 1.08) / 0.2) ** 2)) - 6 * np.exp(-(((r - 1.42) / 0.09) ** 2)) * upper
    for path, widths, depth in (
        ("412,712 430,724 464,733 512,738 564,731 602,718 622,704", (2, 7, 9, 9, 9, 7, 2), 12.0),
        ("398,690 398,712 408,730", (2, 12, 2), 9.0),
        ("636,682 636,704 626,722", (2, 12, 2), 9.0),
    ):
        z -= depth * blurred(stencil(pen(curve(path), widths)), 3.5)
    return z


def eye(picture: Plane, x: float, *, left: bool) -> None:
    """One big eye, its iris around `x`."""
    side = curve if left else mirror
    opening = stencil(side("300,492 310,448 342,415 386,404 430,416 458,452 468,500 446,531 404,546 356,541 318,521 z"))
    ball = np.sqrt(np.clip(1 - ((X - 512 + (127 if left else -127)) / 118) ** 2 - ((Y - 478) / 112) ** 2, 0.02, 1))
    white = ramp(ball * 1.02, (120, 84, 84), (190, 160, 156), (236, 226, 220), (250, 248, 246))
    y, size = 474, 56
    r, angle = np.hypot(X - x, Y - y) / size, np.arctan2(Y - y, X - x)
    inside = np.clip((1 - r) * size + 0.5, 0, 1)
    lay(white, np.clip((1.1 - r) * 10, 0, 1) ** 2, (120, 90, 84), 0.35)
    # Light enters at the upper left and gathers at the lower right.
    gather = np.clip(0.45 + 0.32 * (X - x) / size + 0.62 * (Y - y) / size, 0, 1)
    fibre = 0.5 + 0.25 * np.sin(angle * 31 + 2 * np.sin(angle * 7)) + 0.25 * np.sin(angle * 53 + 1)
    glow = (0.2 + 0.8 * gather) * (0.75 + 0.35 * fibre * r)
    iris = ramp(np.clip(glow, 0, 1), (8, 26, 30), (14, 78, 84), (40, 150, 140), (140, 226, 190), (220, 255, 220))
    iris *= np.clip(1 - np.clip((r - 0.8) / 0.2, 0, 1) ** 1.5 * 0.85, 0, 1)[..., None]
    lay(iris, np.clip((0.46 - r) * 22, 0, 1), (6, 6, 10))
    lay(white, inside, iris)
    # The shadow of the upper lid, then reflections on top of it.
    above = moved(1 - opening, 0, 16) * (Y < 500)
    dim(white, np.clip(blurred(above, 9) * 1.1, 0, 1), (120, 86, 92))
    lay(white, stencil(ellipse(x - 20, y - 20, 15, 17), 0.8), (255, 255, 255), 0.97)
    lay(white, stencil(ellipse(x + 22, y + 24, 7, 7), 1.2), (255, 255, 250), 0.6)
    lay(white, stencil(side("456,492 470,494 464,514 452,512 z"), 3), (226, 130, 116), 0.7)
    lay(picture, opening, white)
    # Lid edges: wet and light below, dark lashes above.
    lay(
        picture,
        stencil(pen(side("304,500 322,524 358,543 402,548 446,533"), (2, 4, 5, 4, 2)), 1.2),
        (240, 166, 140),
        0.8,
    )
    lid = pen(side("300,504 309,453 341,416 386,402 432,414 460,451 470,508"), (1, 11, 15, 14, 11, 7, 0))
    lay(picture, stencil(lid, 1.2), (38, 14, 14), 0.95)


def strands(
    picture: Plane,
    covered: Plane,
    path: Shape,
    width: float,
    random: np.random.Generator,
    *,
    sharp: float = 0.6,
    blunt: float = 0,
) -> None:
    """One chunky lock of hair with its shadow on what is `covered` already; the lock is too from then on."""
    part = lock(path, width, sharp=sharp, blunt=blunt)
    under = picture[part.box]
    dim(under, np.clip(moved(blurred(part.mask, 8), 4, 9) * 0.8 * covered[part.box] - part.mask, 0, 1), (60, 30, 34))
    u, t = part.across, part.along
    waves = sum(a * np.sin(f * u + random.uniform(0, 6) + 2 * t) for a, f in ((0.10, 9), (0.07, 17), (0.05, 31)))
    bend = np.clip(u + waves * 0.9, -1, 1)
    dome = np.stack([(X[part.box] - 520) / 420, (Y[part.box] - 420) / 470, np.full_like(u, 0.55)], axis=-1)
    across = np.stack([-part.spine[..., 1], part.spine[..., 0], np.zeros_like(u)], axis=-1)
    normal = unit(unit(dome) * np.sqrt(1.02 - bend**2)[..., None] + 0.8 * across * bend[..., None])
    open_ = (0.45 + 0.55 * np.sqrt(1.001 - u**2)) * (0.55 + 0.45 * np.clip(t / 0.25, 0, 1))
    colour = ramp(np.clip(LIGHT.diffuse(normal) * open_ * (1 + 0.5 * waves), 0, 1), *HAIR)
    shine = LIGHT.gloss(normal, 14) * 0.34 * (0.6 + 2.2 * np.clip(waves + 0.1, 0, 1)) * open_
    colour = colour + shine[..., None] * np.array([1, 0.72, 0.45], dtype=np.float32) + 0.7 * LIGHT.edge(normal)
    lay(under, part.mask, colour.astype(np.float32))
    np.maximum(covered[part.box], part.mask, out=covered[part.box])


def bust(picture: Plane) -> None:
    """Neck and pullover."""
    lay(picture, stencil("372,936 / 388,924 / 636,924 / 652,936 / 640,1010 / 384,1010", 1), (96, 20, 32))
    neck = stencil("384,760 396,880 392,950 384,1010 380,1060 / 644,1060 640,1010 632,950 628,880 640,760")
    z = 0.8 * puffed(neck) + 10 * bump(512, 900, 40, 90)
    lay(picture, neck, skin(z, 0.2 * neck))
    dim(
        picture,
        blurred(neck * stencil("330,700 380,850 440,930 530,968 620,970 680,940 / 720,700"), 12) * neck,
        (130, 62, 66),
    )
    body = stencil(both("512,1010 570,1006 640,976 / 760,990 880,1016 980,1060 1010,1200 / 512,1200"))
    z = 0.5 * puffed(body) + 6 * np.sin((X - 512) / 60 + Y / 40) * bump(512, 1040, 400, 60)
    lay(picture, body, ramp(LIGHT.diffuse(facing(z, 3)), *SHIRT) + LIGHT.edge(facing(z, 3)))
    collar = stencil(pen(both("512,1012 570,1006 628,976 652,930"), (14, 48, 56, 58, 56, 48, 14)))
    dim(picture, np.clip(moved(blurred(collar, 9), 0, 12) - collar, 0, 1), (110, 50, 60))
    normal = facing(puffed(collar) + 1.6 * np.sin(np.arctan2(Y - 820, X - 512) * 110))
    lay(picture, collar, ramp(LIGHT.diffuse(normal), *SHIRT) + LIGHT.edge(normal))


def cartoon() -> Image.Image:
    """A boy with tousled brown hair and green eyes, modelled in soft light."""
    random = np.random.default_rng(4)
    covered = np.zeros_like(X)
    glow = np.exp(-(((X - 380) / 560) ** 2) - ((Y - 420) / 560) ** 2)
    picture = ramp(glow, (28, 52, 74), (58, 104, 124), (128, 176, 178))
    for x, y, r, tone in (
        (120, 220, 90, (240, 214, 160)),
        (900, 300, 120, (90, 150, 180)),
        (920, 800, 90, (220, 150, 110)),
        (90, 700, 110, (120, 170, 160)),
    ):
        lay(picture, stencil(ellipse(x, y, r, r), 38), tone, 0.3)
    for path, width in (
        ("470,90 300,150 226,300 214,430 246,560", 120),
        ("570,90 730,140 806,290 814,430 780,560", 120),
    ):
        strands(picture, covered, path, width, random)
    bust(picture)
    for side in (curve, mirror):
        ear = stencil(side("274,470 248,440 216,436 196,464 196,512 212,560 232,600 256,616 284,600"))
        z = 0.6 * puffed(ear) - 26 * blurred(stencil(side("262,474 238,460 220,476 222,520 240,560 254,578 z")), 4)
        z += 14 * blurred(stencil(pen(side("256,500 242,520 244,550"), (4, 12, 4))), 3)
        lay(picture, ear, skin(z, 0.8 * ear))
    outline = both("512,912 556,908 600,890 648,850 700,784 742,704 766,620 778,530 780,430 762,300 690,190 512,150")
    face = stencil(outline)
    blush = sum(bump(512 + s * 165, 626, 80, 60) for s in (-1, 1)) + bump(512, 606, 60, 40)
    z = head(outline)
    colour = skin(z, np.clip(blush, 0, 1) * 0.8)
    # Lips, nostrils, freckles.
    lips = stencil(
        "440,728 474,708 496,701 512,705 528,701 552,706 586,722 / 560,756 534,768 512,769 490,767 464,756 440,728", 4.5
    )
    dim(colour, lips, (244, 182, 170))
    for s in (-1, 1):
        dim(colour, stencil(ellipse(512 + s * 25, 640, 12, 6), 2.5), (84, 26, 26))
    dim(
        colour,
        stencil(pen(curve("410,712 420,720 460,733 512,738 566,731 612,714 626,700"), (1, 4, 5, 5, 5, 4, 1)), 1),
        (96, 30, 34),
    )
    for x, y in random.normal(0, 1, (36, 2)).clip(-1.7, 1.7) * [32, 16]:
        for s in (-1, 1):
            fx = 512 + s * 136 + x * (1 + 0.2 * s)
            freckle = stencil(ellipse(fx, 606 + y + 3 * s, *random.uniform(1.6, 3.2, 2)), 0.9)
            dim(colour, freckle * 0.5, (214, 144, 108))
    lay(picture, face, colour)
    np.maximum(covered, face, out=covered)
    for x, left in ((391, True), (633, False)):
        eye(picture, x, left=left)
    for side in (curve, mirror):
        strands(picture, covered, side("476,368 414,341 346,336 278,370"), 38, random, sharp=0.8, blunt=0.2)
    # Hair: a crown of locks from a whorl at the top right.
    cap = (
        "262,430 236,380 226,300 260,180 350,104 480,66 600,66 720,110 790,210 806,310 784,420 766,430 / "
        "756,330 700,262 600,236 480,240 360,270 296,330 262,430"
    )
    dim(picture, moved(stencil(cap, 16), 0, 26) * face * 0.75, (150, 76, 74))
    lay(picture, stencil(cap), (52, 22, 16))
    for path, width in (
        ("480,90 340,100 250,170 196,270 188,330", 84),
        ("600,86 730,100 816,180 850,290 846,340", 84),
        ("440,96 310,160 244,280 232,390 250,480", 96),
        ("610,84 740,150 800,250 808,370 788,480", 96),
        ("500,84 360,130 280,230 254,340 268,430", 90),
        ("630,90 730,160 780,270 786,360 772,440", 90),
        ("600,130 560,66 490,34 410,44", 66),
        ("610,130 640,60 700,26 770,44", 60),
        ("640,100 520,100 390,150 300,240 268,330 272,400", 96),
        ("650,106 540,120 430,176 346,256 318,330 326,372", 92),
        ("660,110 570,140 480,200 414,270 400,336", 88),
        ("650,100 730,160 756,240 744,330 752,370", 80),
        ("666,110 690,170 690,240 662,306", 74),
        ("660,110 610,150 546,212 508,276 506,312", 82),
        ("664,106 650,160 616,226 590,284", 74),
    ):
        strands(picture, covered, path, width, random)
    return finish(picture)
