"""The reference picture oil.png: a portrait in oil."""

from __future__ import annotations

import numpy as np
from brushwork import Painting, Pass, along_edges, flow
from drawing import SIZE, Shape, both, curve, ellipse, mirror, pen
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

LIGHT = Light((-0.8, -0.42, 0.62), (0.95, 0.1, 0.0), (70, 36, 22))
SKIN = ((44, 20, 16), (88, 42, 30), (150, 84, 58), (204, 138, 100), (236, 184, 142), (252, 220, 182))
HAIR = ((20, 8, 6), (58, 21, 12), (110, 43, 20), (158, 74, 36), (214, 138, 84))
DRESS = ((8, 14, 14), (14, 34, 32), (26, 62, 54), (52, 100, 82), (96, 146, 118))
LASH = (34, 14, 10)


def skin(z: Plane, blush: Plane) -> Plane:
    """The colours of skin on the height field `z`, redder where `blush` is."""
    normal = facing(z, 2)
    open_ = hollows(z, 18, 26) * hollows(z, 6, 12)
    colour = ramp(LIGHT.diffuse(normal) * (0.3 + 0.7 * open_), *SKIN)
    colour *= 1 - blush[..., None] * np.array([0.0, 0.17, 0.15], dtype=np.float32)
    gloss = 0.07 * LIGHT.gloss(normal, 8) + 0.12 * LIGHT.gloss(normal, 30)
    lit: Plane = colour + (gloss * open_)[..., None] * np.array([1, 0.92, 0.8], dtype=np.float32) + LIGHT.edge(normal)
    return lit


def head(outline: Shape) -> Plane:
    """The height field of the face."""
    z = 0.72 * puffed(stencil(outline))
    for s in (-1, 1):
        z += 16 * bump(512 + s * 158, 596, 80, 70) - 22 * bump(512 + s * 122, 466, 92, 52)
        z += 10 * bump(512 + s * 115, 405, 110, 30) + 15 * bump(512 + s * 127, 480, 64, 38)
        z -= 7 * bump(512 + s * 150, 730, 60, 80) + 8 * bump(512 + s * 46, 462, 20, 40)
    z += 27 * bump(512, 540, 30, 96) + 15 * bump(512, 730, 110, 66) + 20 * bump(512, 858, 70, 48)
    for s in (-1, 1):
        z = knob(z, 512 + s * 40, 622, 21, 23, 24, blend=6)
    z = knob(z, 512, 606, 36, 36, 32, blend=9)
    z -= 8 * bump(512, 674, 12, 24)
    z += (
        9 * bump(484, 716, 36, 13)
        + 9 * bump(540, 716, 36, 13)
        + 15 * bump(512, 758, 62, 19)
        - 9 * bump(512, 800, 62, 18)
    )
    z -= 11 * blurred(stencil(pen(curve("420,729 466,735 512,740 558,735 604,729"), (2, 7, 7, 7, 2))), 3)
    return z


def eye(picture: Plane, x: float, *, left: bool) -> None:
    """One eye, its iris around `x`."""
    side = curve if left else mirror
    level = 1.0 if left else 0.66
    dim(
        picture,
        stencil(side("300,486 320,452 366,432 410,436 446,464 456,496 / 440,470 400,448 350,452 300,486"), 5),
        (190, 130, 110),
    )
    opening = stencil(side("310,485 334,465 370,453 408,456 434,473 452,496 / 424,509 384,514 342,505 310,484"))
    ball = np.sqrt(np.clip(1 - ((X - 512 + (127 if left else -127) - 8) / 96) ** 2 - ((Y - 478) / 80) ** 2, 0.02, 1))
    white = ramp(ball * level, (60, 36, 30), (128, 96, 84), (204, 184, 166), (240, 228, 210))
    r = np.hypot(X - x, Y - 478) / 34
    gather = np.clip(0.4 + 0.25 * (X - x) / 34 + 0.45 * (Y - 476) / 34, 0, 1) * (0.6 + 0.4 * level)
    iris = ramp(gather, (22, 16, 10), (58, 56, 30), (112, 112, 60), (178, 168, 100))
    iris *= (1 - 0.75 * np.clip((r - 0.75) / 0.25, 0, 1))[..., None]
    lay(iris, np.clip((0.42 - r) * 14, 0, 1), (8, 6, 6))
    lay(white, np.clip((1 - r) * 34 + 0.5, 0, 1), iris)
    dim(white, np.clip(blurred(moved(1 - opening, 0, 11) * (Y < 500), 5), 0, 1), (96, 62, 54))
    lay(white, stencil(ellipse(x - 11, 468, 6, 7), 0.7), (255, 250, 238), 0.95)
    lay(white, stencil(side("452,496 438,486 430,496 440,504 z"), 2), (196, 110, 92), 0.8 * level)
    lay(picture, opening, white)
    lay(
        picture,
        stencil(pen(side("318,492 344,508 384,517 424,512 448,499"), (2, 4, 5, 4, 2)), 1.2),
        (222, 152, 124),
        0.6 * level,
    )
    lay(picture, stencil(pen(side("324,502 352,514 386,521 422,516 444,504"), (0, 3, 3, 3, 0)), 1), (110, 56, 42), 0.6)
    lay(
        picture,
        stencil(pen(side("292,488 312,480 336,461 370,449 409,453 437,471 454,498"), (0, 7, 9, 9, 8, 6, 3)), 1),
        LASH,
        0.92,
    )
    lay(
        picture,
        stencil(pen(side("308,464 338,440 374,430 412,435 442,460"), (0, 5, 6, 5, 0)), 1.5),
        (104, 50, 36),
        0.75,
    )


def brow(picture: Plane, random: np.random.Generator, *, left: bool) -> None:
    """One eyebrow, hair by hair over a soft tone."""
    side = curve if left else mirror
    low, high = curve("462,402 410,394 340,390 280,418"), curve("462,396 404,377 338,373 280,416")
    lay(picture, stencil(side(np.concatenate([low, high[::-1]])), 4), (84, 40, 24), 0.75)
    marks = np.zeros((SIZE, SIZE), dtype=np.float32)
    for t, u in random.uniform(0, 1, (110, 2)):
        k = int(t * (len(low) - 1))
        root = low[k] * (1 - u) + high[k] * u
        tip = np.add(root, (-14 - 16 * t, -11 * (1 - t) ** 2 + 5 * t + 3 * u))
        marks = np.maximum(marks, stencil(pen(side(np.stack([root, (root + tip) / 2 - 1.5, tip])), (2.6, 2.4, 0))))
    lay(picture, marks, (58, 22, 12), 0.62)


def strands(picture: Plane, lines: Plane, below: Plane, path: Shape, width: float, random: np.random.Generator) -> None:
    """One lock of hair with its shadow on what is `below`; its direction goes to `lines`."""
    part = lock(path, width, sharp=0.7)
    under = picture[part.box]
    dim(under, np.clip(moved(blurred(part.mask, 7), 4, 6) * below[part.box] * 0.7 - part.mask, 0, 1), (50, 22, 20))
    u, t = part.across, part.along
    waves = sum(a * np.sin(f * u + random.uniform(0, 6) + 3 * t) for a, f in ((0.16, 7), (0.12, 15), (0.08, 27)))
    bend = np.clip(u + waves, -1, 1)
    dome = np.stack([(X[part.box] - 512) / 420, (Y[part.box] - 460) / 560, np.full_like(u, 0.6)], axis=-1)
    across = np.stack([-part.spine[..., 1], part.spine[..., 0], np.zeros_like(u)], axis=-1)
    normal = unit(unit(dome) * np.sqrt(1.02 - bend**2)[..., None] + 0.75 * across * bend[..., None])
    open_ = (0.5 + 0.5 * np.sqrt(1.001 - u**2)) * (0.6 + 0.4 * np.clip(t / 0.2, 0, 1))
    colour = ramp(np.clip(LIGHT.diffuse(normal) * open_ * (0.9 + waves), 0, 1), *HAIR)
    shine = LIGHT.gloss(normal, 10) * 0.3 * np.clip(0.6 + 3 * waves, 0, 2) * open_
    colour = colour + shine[..., None] * np.array([1, 0.66, 0.36], dtype=np.float32) + LIGHT.edge(normal)
    lay(under, part.mask, colour.astype(np.float32))
    inside = part.mask > 0.5
    lines[part.box][inside] = part.spine[inside]


def bust(picture: Plane) -> None:
    """Neck, shoulders and dress."""
    neck = stencil(
        "392,760 398,880 384,950 310,1000 150,1050 40,1100 / 984,1100 874,1050 714,1000 640,950 626,880 632,760"
    )
    z = 0.75 * puffed(neck) + 12 * blurred(stencil(pen(curve("440,860 470,950 500,1024"), (14, 18, 14))), 9)
    z += 10 * blurred(stencil(pen(curve("506,1010 400,996 260,1010"), (8, 18, 8))), 7)
    z += 10 * blurred(stencil(pen(curve("518,1010 624,996 764,1010"), (8, 18, 8))), 7)
    lay(picture, neck, skin(z, 0.15 * neck))
    under = stencil("370,800 420,880 500,936 580,980 640,1040 / 900,1040 / 700,720 / 370,800", 14)
    dim(picture, under * neck, (92, 58, 52))
    dress = stencil(
        "0,1010 120,992 220,972 262,960 / 300,990 360,1010 / 512,1040 / 664,1010 724,990 762,960 / "
        "804,972 904,992 1024,1010 / 1024,1100 / 0,1100"
    )
    z = 0.4 * puffed(dress) + 5 * np.sin(X / 26 + Y / 17)
    dim(picture, np.clip(moved(blurred(dress, 8), 3, 0) - dress, 0, 1), (120, 70, 60))
    lay(picture, dress, ramp(LIGHT.diffuse(facing(z, 4)), *DRESS))


LOCKS_BEHIND = (
    ("330,150 226,280 190,440 206,580 176,720 196,860 180,980 200,1060", 150),
    ("690,150 800,280 836,440 822,580 850,720 828,860 856,980 836,1060", 150),
    ("300,420 250,600 276,740 250,880 286,1010 270,1070", 110),
    ("724,420 776,600 748,740 776,880 740,1010 756,1070", 110),
)
LOCKS = (
    ("470,112 350,120 250,200 206,320 188,460 214,590 180,720 150,850 176,950", 100),
    ("500,104 640,90 760,160 826,290 842,440 822,580 850,720 878,850 852,950", 104),
    ("474,126 360,150 270,230 232,350 216,470 240,600 212,720 226,850 196,960", 96),
    ("490,120 630,116 740,190 796,310 812,450 796,600 820,720 804,850 836,960", 98),
    ("470,140 380,170 300,250 258,350 238,470 250,580 232,690 262,800 236,910", 84),
    ("490,132 610,138 706,210 764,320 784,450 776,580 794,690 764,800 792,910", 86),
    ("476,146 400,190 326,270 280,350 258,440 262,540 246,620", 66),
    ("486,142 590,160 672,232 734,330 762,440 764,540 776,630", 68),
)


def underpainting() -> tuple[Plane, Plane, Plane]:
    """The smooth picture [SIZE,SIZE,3], the lines [SIZE,SIZE,2] of its forms, and where to paint with care."""
    random = np.random.default_rng(11)
    glow = 0.8 * bump(800, 560, 420, 520) + 0.3 * bump(240, 200, 300, 300)
    picture = ramp(glow, (24, 15, 11), (58, 36, 22), (104, 66, 36), (134, 92, 50))
    turn = 1.9 + 0.45 * np.sin(X / 130 + Y / 310) + 0.4 * np.cos(Y / 120 - X / 260)
    lines = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    mass = stencil(
        "500,80 640,76 780,170 850,340 850,560 876,720 850,860 864,1040 / 560,1040 / 500,860 / 440,1040 / 160,1040 "
        "176,860 150,720 176,560 172,340 240,180 350,96 500,80"
    )
    lay(picture, mass, HAIR[1], 0.9)
    blank = np.zeros_like(mass)
    for path, width in LOCKS_BEHIND:
        strands(picture, lines, blank, path, width, random)
    dim(picture, mass, (170, 150, 150))
    bust(picture)
    for path, width in LOCKS_BEHIND[2:]:
        strands(picture, lines, mass, path, width, random)
    outline = both(
        "512,904 552,899 592,878 636,836 684,772 724,702 750,630 764,545 766,450 756,340 716,230 640,170 512,140"
    )
    face = stencil(outline)
    z = head(outline)
    blush = (
        sum(0.65 * bump(512 + s * 155, 616, 84, 56) for s in (-1, 1))
        + 0.7 * bump(512, 612, 50, 36)
        + 0.3 * bump(512, 850, 60, 40)
    )
    colour = skin(z, np.clip(blush, 0, 1))
    # The nose keeps the light off the cheek beside it.
    dim(colour, stencil("530,470 560,520 580,580 592,626 566,648 540,640 524,600 530,530 530,470", 11), (196, 152, 138))
    lips = stencil(both("512,712 532,704 566,717 604,731 / 574,764 542,780 512,782"), 2)
    dim(colour, lips, (222, 112, 106))
    dim(colour, stencil(both("512,714 532,706 566,718 606,731 / 560,735 536,734 512,740"), 2), (206, 150, 150))
    lay(colour, stencil("466,754 486,749 506,756 490,764 472,762 z", 4), (255, 206, 190), 0.45)
    lay(
        colour,
        stencil(pen(both("512,740 536,734 560,736 602,732 616,725"), (1, 4, 5, 5, 5, 5, 5, 4, 1)), 1),
        (70, 18, 18),
        0.85,
    )
    for s in (-1, 1):
        lay(colour, stencil(ellipse(512 + s * 26, 641, 12, 5), 2.2), (46, 16, 12), 0.85)
    lay(picture, face, colour)
    for x, left in ((384, True), (642, False)):
        brow(picture, random, left=left)
        eye(picture, x, left=left)
    slope, steep = along_edges(z, 8)
    inside = (face > 0.5) & (steep > 0.05)
    lines[inside] = slope[inside]
    # The parting, the shadow of the hair on the face, then the hair in front.
    cap = (
        "262,470 230,380 220,290 270,180 360,110 480,84 620,92 740,150 806,270 806,380 772,480 / "
        "760,380 720,290 640,200 560,160 482,142 / 400,190 320,280 276,370 262,470"
    )
    dim(picture, moved(stencil(cap, 14), 10, 16) * face * 0.8, (110, 62, 52))
    lay(picture, stencil(cap), (52, 18, 10))
    for path, width in LOCKS:
        strands(picture, lines, np.maximum(mass, face), path, width, random)
    care = (
        1.1 * bump(385, 460, 110, 70) + 1.1 * bump(639, 460, 110, 70) + bump(512, 738, 120, 60) + bump(512, 620, 80, 50)
    )
    care = np.clip(care + 0.42 * blurred(face, 10), 0, 1.1)
    return picture.clip(0, 1), lines.astype(np.float32), care


def oil() -> Image.Image:
    """A woman with auburn hair against a dark ground, in strokes that follow her forms."""
    goal, lines, care = underpainting()
    broad = flow(lines, np.ones((SIZE, SIZE), dtype=np.float32), 6)
    edges, steep = along_edges(goal.mean(-1), 1.5)
    sharp = np.clip(steep * 30, 0, 1)[..., None]
    fine = flow(
        edges * sharp + broad * (1 - sharp) * np.sign((edges * broad).sum(-1, keepdims=True) + 1e-9),
        np.ones_like(care),
        2,
    )
    painting = Painting((70, 44, 28), 5)
    for brush, field in (
        (Pass(46, 0.45, 4, -1, 0.02), broad),
        (Pass(26, 0.5, 4.5, 0.03, 0.02), broad),
        (Pass(14, 0.55, 5, 0.03, 0.02), broad),
        (Pass(7.5, 0.6, 5.5, 0.05, 0.016), fine),
        (Pass(4, 0.65, 5, 0.06, 0.01), fine),
        (Pass(2.2, 0.8, 5, 0.075, 0.006), fine),
    ):
        painting.cover(goal, field, brush, care)
    # Fewer tones than a screen has make a smaller file, unseen among the strokes.
    return finish(np.floor(painting.finish(0.9) * 51 + 0.5) / 51)
