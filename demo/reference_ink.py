"""The reference picture ink.png: a caricature with a brush and black ink."""

from __future__ import annotations

import numpy as np
from drawing import Canvas, Points, Shape, both, curve, ellipse, mirror
from PIL import Image

PAPER, INK = (247, 243, 234), (17, 16, 20)


def spikes(edge: Shape, tips: Shape, count: int, width: float) -> list[tuple[Points, tuple[float, ...]]]:
    """Strokes from along `edge` that thin out towards `tips`, each with its widths."""
    roots, ends = (curve(line) for line in (edge, tips))
    at = np.linspace(0, 1, count)
    begin = np.stack([np.interp(at, np.linspace(0, 1, len(roots)), roots[:, k]) for k in (0, 1)], axis=1)
    end = np.stack([np.interp(at, np.linspace(0, 1, len(ends)), ends[:, k]) for k in (0, 1)], axis=1)
    t = np.linspace(0, 1, 24)[:, None]
    bow = np.array([[0.0, 1.0]]) * np.sin(np.pi * t) * 5
    return [(a + (b - a) * t + bow, (width, 0.55 * width, 0)) for a, b in zip(begin, end, strict=True)]


def eye(c: Canvas, x: float, *, left: bool) -> None:
    """One huge eye, its iris around `x`."""
    side = curve if left else mirror
    white = side("284,492 304,452 336,424 378,412 420,420 452,452 474,512 / 444,532 404,546 360,544 318,526 284,492")
    c.fill(white, (255, 255, 255))
    clip = c.mask(white)
    c.fill(ellipse(x, 474, 61, 63), INK, clip=clip)
    c.fill(ellipse(x, 476, 51, 53), PAPER, clip=clip)
    # The iris: dark above, rays that thin out below.
    for a in np.linspace(0, 2 * np.pi, 56, endpoint=False):
        way = np.array([[np.cos(a), np.sin(a)]])
        dark = 1 - np.sin(a)
        inner = 30 - 16 * dark if dark > 1 else 36 - 5 * dark
        ray = np.array([[x, 476]]) + way * np.linspace(56, inner, 12)[:, None]
        c.pen(ray, (5 + 1.6 * dark, 3 + 2 * dark, 0), INK, clip=clip)
    c.fill(ellipse(x, 475, 27, 28), INK, clip=clip)
    c.fill(f"{x - 62},400 {x + 62},400 / {x + 60},462 {x},440 {x - 60},462 / {x - 62},400", INK, clip=clip)
    c.fill(ellipse(x - 21, 453, 17, 19), (255, 255, 255), clip=clip)
    c.fill(ellipse(x + 19, 500, 8, 8), (255, 255, 255), clip=clip)
    # Upper lid with a wing, lashes, the crease above, the lower lid.
    c.fill(
        side(
            "474,518 468,474 448,434 414,406 372,397 328,408 298,432 278,456 260,460 236,446 / 250,474 266,490 286,496 "
            "/ 306,462 340,438 380,428 418,436 450,464 474,518"
        ),
        INK,
    )
    for path, width in (
        ("300,436 270,420 250,396", 12),
        ("318,420 292,398 276,370", 11),
        ("344,408 322,382 310,352", 10),
        ("372,402 358,376 352,348", 8),
    ):
        c.pen(side(path), (width, 0.7 * width, 0), INK)
    c.pen(side("290,500 320,530 360,548 404,549 442,535 470,517"), (5, 4, 3.5, 5, 3, 1), INK)
    for path in ("312,528 300,540 294,554", "332,540 324,554 320,568", "356,549 352,562 351,576"):
        c.pen(side(path), (5, 3.5, 0), INK)
    c.pen(side("474,516 458,508 452,520"), (2, 4, 0), INK)
    c.pen(side("296,398 334,378 380,372 424,382 462,420"), (0, 4, 6, 5, 0), INK)


def face(c: Canvas) -> Points:
    """Neck, ears and the face without its features; the outline of the face is returned."""
    neck = "420,770 424,880 412,950 366,990 250,1020 140,1040 / 884,1040 774,1020 658,990 612,950 600,880 604,770"
    c.fill(neck, PAPER)
    clip = c.mask(neck)
    # The shadow of the chin ends in strokes of the brush.
    c.fill("400,780 424,860 474,914 524,948 560,958 590,940 620,900 / 620,780", INK, clip=clip)
    for line, widths in spikes("452,884 500,926 560,950", "440,940 492,976 548,1000", 9, 15):
        c.pen(line, widths, INK, clip=clip)
    c.pen("426,800 425,850 425,890 412,950 366,990 250,1020 120,1040", (9, 8, 6, 7, 9, 8, 8), INK)
    c.pen("598,800 599,850 599,890 612,950 658,990 774,1020 904,1040", (12, 9, 9, 12, 10, 10), INK)
    c.pen("470,1016 440,1000 400,1000 340,1014", (0, 6, 4, 0), INK)
    c.pen("554,1016 584,1000 624,1000 684,1014", (0, 6, 5, 0), INK)
    c.pen("488,1030 502,1004 506,982", (4, 4, 0), INK)
    for side, press in ((curve, 1.0), (mirror, 1.3)):
        ear = side("262,474 236,458 214,466 206,496 214,540 228,580 244,612 264,622 280,604")
        c.fill(ear, PAPER)
        c.pen(ear, (2, 7 * press, 8 * press, 7 * press, 8 * press, 5, 2), INK)
        c.pen(side("256,490 234,480 224,500 232,536 240,560"), (0, 5, 6, 3, 0), INK)
        c.pen(side("260,530 244,536 242,556 252,580 248,596"), (0, 5, 6, 5, 0), INK)
        # Earrings.
        c.fill(side("246,616 254,622 250,632 242,628 z"), INK)
        c.pen(side("247,630 246,650"), (4, 4), INK)
        c.fill(side("246,644 262,684 268,714 246,736 224,714 230,684 / 246,644"), INK)
        c.pen(side("238,682 232,704 240,722"), (0, 7, 0), PAPER)
    outline = both("512,908 532,904 556,887 602,846 666,780 722,704 758,622 772,540 774,430 762,320 700,190 512,140")
    c.fill(outline, PAPER)
    return outline


def hair(c: Canvas) -> None:
    """Swept up from a parting on the right into a knot, with the white of the paper for its shine."""
    knot = curve("512,134 436,118 404,86 420,44 476,18 548,10 622,22 670,54 672,96 632,122 570,136 z")
    c.fill(knot, INK)
    for path in ("420,60 404,36 376,30", "668,70 700,60 716,36", "640,36 668,18 700,14", "470,22 452,8 430,6"):
        c.pen(path, (12, 6, 0), INK)
    for path, width in (
        ("438,96 444,60 490,36 556,30", 12),
        ("466,112 474,78 524,58 584,52", 8),
        ("612,42 648,62 650,92", 10),
        ("520,118 560,100 620,98", 7),
    ):
        c.pen(path, (0, width, 0.8 * width, 0), PAPER)
    c.fill(
        "262,486 238,452 222,390 220,310 248,216 316,142 420,104 530,94 640,106 732,156 790,236 806,330 800,410 "
        "784,456 762,486 / 766,420 752,360 724,300 690,252 650,222 630,214 / 588,240 520,268 440,286 366,304 306,342 "
        "272,398 262,486",
        INK,
    )
    for path, width in (
        ("606,190 520,228 420,254 330,292 270,352 246,420", 14),
        ("590,172 500,204 400,232 310,280 256,346", 7),
        ("560,156 460,176 360,214 288,272 246,340", 18),
        ("520,146 430,160 340,204 282,256", 7),
        ("470,130 400,140 330,178", 11),
        ("650,190 712,240 756,310 776,390", 14),
        ("672,180 734,234 776,310 788,370", 7),
        ("650,132 716,172 766,236 788,300", 13),
        ("560,118 610,122 660,140", 8),
    ):
        c.pen(path, (0, 0.7 * width, width, 0.5 * width, 0), PAPER)
    # Thin dark strands over the shine, and loose ones.
    for path in (
        "600,186 470,240 336,286 256,396",
        "570,150 440,200 330,256 256,356",
        "654,178 740,262 786,380",
        "640,124 740,194 798,320",
    ):
        c.pen(path, (4, 3, 4, 3), INK)
    for path, widths in (
        ("238,370 250,430 251,500 256,556 266,600", (6, 24, 15, 9, 0)),
        ("256,470 268,530 280,572 300,596", (12, 8, 5, 0)),
        ("788,360 778,430 775,500 770,556 758,604", (6, 28, 17, 11, 0)),
        ("630,206 606,262 560,304 512,322", (12, 10, 6, 0)),
        ("236,300 206,330 192,372", (8, 4, 0)),
        ("790,250 820,270 840,310", (9, 4, 0)),
        ("430,108 380,100 340,112", (8, 4, 0)),
    ):
        c.pen(path, widths, INK)


def ink() -> Image.Image:
    """A woman with her hair up, in black ink: huge eyes, small mouth, pointed chin."""
    c = Canvas(PAPER)
    outline = face(c)
    clip = c.mask(outline)
    # The line of the face swells under the jaw; the side away from the light has the heavier one.
    c.pen(
        curve("254,470 252,550 268,630 306,710 362,784 426,850 470,890 494,905 512,908"), (5, 7, 6, 6, 8, 11, 12), INK
    )
    c.pen(
        mirror("254,470 252,550 268,630 306,710 362,784 426,850 470,890 494,905 512,908"),
        (6, 10, 11, 12, 14, 14, 12),
        INK,
    )
    for line, widths in spikes("764,622 744,678 690,752", "716,628 694,678 648,734", 7, 9):
        c.pen(line, widths, INK, clip=clip)
    eye(c, 386, left=True)
    eye(c, 638, left=False)
    # Brows, one higher than the other.
    c.fill("478,372 440,344 384,326 322,330 264,366 / 318,347 380,346 432,365 470,390 / 478,372", INK)
    c.fill("552,352 588,312 646,284 712,284 768,324 / 714,302 652,304 602,334 560,372 / 552,352", INK)
    # Nose.
    c.pen("556,440 544,500 540,556 546,592", (0, 4, 5, 0), INK)
    c.pen("474,628 466,642 474,656 486,654", (0, 7, 6, 0), INK)
    c.pen("550,624 560,640 552,656 538,654", (0, 9, 8, 0), INK)
    c.fill("480,654 490,644 502,650 492,657 z", INK)
    c.fill("522,650 534,644 545,654 532,657 z", INK)
    c.pen("496,660 512,667 528,660", (0, 5, 0), INK)
    c.pen("500,618 512,608 524,618", (0, 4, 0), INK)
    # Mouth.
    c.pen("504,682 505,694", (4, 0), INK)
    c.fill(
        "446,722 478,708 498,696 512,702 526,696 548,708 580,718 / 552,724 530,720 512,725 494,721 472,726 446,722", INK
    )
    c.fill("454,722 512,722 574,718 / 550,748 530,760 510,763 486,756 462,727", INK)
    c.pen("456,724 474,727 494,724 512,728 530,723 552,725 570,720", (0, 3, 4, 4, 4, 3, 0), PAPER)
    c.pen("480,738 496,742 520,741", (0, 7, 0), PAPER)
    c.pen("434,716 446,722 462,726", (0, 6, 4), INK)
    c.pen("592,708 580,718 562,722", (0, 7, 4), INK)
    c.pen("484,780 512,786 540,779", (0, 6, 0), INK)
    c.pen("500,876 512,870 526,876", (0, 4, 0), INK)
    c.fill(ellipse(398, 664, 6, 6), INK)
    for k in range(3):
        c.pen(f"{300 + 22 * k},606 {290 + 22 * k},{622 + 3 * k} {284 + 22 * k},640", (0, 5, 0), INK, clip=clip)
    hair(c)
    return c.finish()
