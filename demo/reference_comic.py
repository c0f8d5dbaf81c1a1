"""The reference picture comic.png: a hero of a comic book."""

from __future__ import annotations

import numpy as np
from drawing import SCALE, SIZE, Canvas, Shape, both, curve, ellipse, mirror
from PIL import Image, ImageChops, ImageDraw

YELLOW, ORANGE, INK = (255, 206, 40), (255, 168, 30), (16, 14, 24)
SKIN, LIGHT, DOT, WHITE = (255, 202, 156), (255, 228, 194), (226, 92, 62), (255, 252, 244)
HAIR, BLUE, CYAN, RED, LIP = (20, 26, 70), (38, 84, 190), (70, 178, 232), (214, 32, 44), (216, 110, 92)


def dots(gap: float, radius: float) -> Image.Image:
    """A stencil [SIZE * SCALE square] of round dots in rows at 45 degrees, `gap` pixels apart."""
    stencil = Image.new("L", (SIZE * SCALE, SIZE * SCALE))
    pencil = ImageDraw.Draw(stencil)
    step, r = gap * SCALE / np.sqrt(2), radius * SCALE
    for j, y in enumerate(np.arange(0, SIZE * SCALE, step)):
        for x in np.arange(j % 2 * step, SIZE * SCALE, 2 * step):
            pencil.ellipse((x - r, y - r, x + r, y + r), fill=255)
    return stencil


def feathers(c: Canvas, edge: Shape, reach: tuple[float, float], count: int, width: float, clip: Image.Image) -> None:
    """Wedges of ink from points along `edge`, long in its middle, all in the direction `reach`."""
    line = curve(edge)
    for k, i in enumerate(np.linspace(0, len(line) - 1, count).astype(int)):
        size = 0.55 + 0.45 * np.sin(np.pi * (k + 0.5) / count)
        t = np.linspace(-0.2, 1, 20)[:, None]
        c.pen(line[i] + t * np.array(reach) * size + [0, 6] * t**2, (width, 0.6 * width, 0), INK, clip=clip)


def bust(c: Canvas) -> None:
    """Neck, shirt, tie and jacket."""
    neck = "332,740 336,900 316,960 250,1030 / 774,1030 708,960 688,900 694,740"
    c.fill(neck, SKIN)
    clip = c.mask(neck)
    c.fill("320,800 372,880 440,940 520,964 580,960 600,1040 / 800,1040 800,800", DOT, clip=clip)
    c.fill("330,800 392,880 452,922 520,934 600,926 640,950 664,1040 / 800,1040 / 720,760", INK, clip=clip)
    feathers(c, "640,944 654,1000 662,1040", (-60, 14), 6, 16, clip)
    c.pen("336,830 338,880 330,916 316,950", (8, 9, 10, 8), INK)
    c.pen("692,800 690,880 696,916 712,950", (10, 14, 16, 10), INK)
    c.pen("400,884 420,940 460,990 492,1030", (0, 9, 8, 4), INK, clip=clip)
    c.fill("316,930 262,976 / 232,1040 / 512,1040 / 470,1016 / 380,985 316,930", WHITE)
    c.fill("708,930 762,976 / 792,1040 / 512,1040 / 554,1016 / 644,985 708,930", (206, 220, 240))
    c.fill("468,1012 / 512,1004 / 556,1012 / 548,1040 / 476,1040 / 468,1012", RED)
    c.pen("318,928 372,980 470,1024 / 452,1050", (6, 10, 11, 9), INK)
    c.pen("706,928 652,980 554,1024 / 572,1050", (8, 13, 14, 11), INK)
    for x in (318, 706):
        c.fill(ellipse(x, 929, 6, 6), INK)
    c.pen("470,1014 512,1006 554,1014", (7, 7, 7), INK)
    for side, colour in ((curve, CYAN), (mirror, BLUE)):
        c.fill(side("318,928 270,958 150,990 40,1024 / 20,1050 / 300,1050 / 276,1010 / 266,978 / 318,928"), colour)
    c.fill("770,968 840,986 960,1010 1004,1050 / 830,1050 / 800,1010 770,968", HAIR)
    c.pen("318,928 264,976", (7, 10), INK)
    c.pen("264,974 278,1012 292,1050", (10, 10, 8), INK)
    c.pen("706,928 760,976", (9, 14), INK)
    c.pen("760,974 746,1012 732,1050", (13, 12, 10), INK)
    c.pen("322,924 270,958 150,990 20,1030", (7, 11, 12, 12), INK)
    c.pen("702,924 754,958 874,990 1004,1030", (10, 15, 15, 15), INK)


def ears(c: Canvas, *, left: bool) -> None:
    """One ear."""
    side = curve if left else mirror
    ear = side("262,446 238,424 212,430 202,470 208,530 222,580 238,616 258,626 276,610")
    c.fill(ear, SKIN if left else DOT)
    c.fill(side("258,470 236,458 226,490 234,540 246,566 258,580 / 270,520 258,470"), DOT if left else INK)
    c.pen(ear, (4, 9, 11, 10, 9, 10, 9, 5) if left else (6, 13, 15, 14, 13, 13, 12, 6), INK)
    c.pen(side("256,462 232,452 222,482 228,530"), (0, 6, 7, 0), INK)
    c.pen(side("256,520 240,528 240,556 250,590"), (0, 7, 7, 0), INK)


def eye(c: Canvas, x: float, *, left: bool) -> None:
    """One narrowed eye with its brow, the iris around `x`."""
    side = curve if left else mirror
    white = side("312,490 336,470 372,460 410,464 436,480 452,498 / 424,508 384,512 344,506 312,490")
    c.fill(white, WHITE if left else (216, 226, 240))
    clip = c.mask(white)
    c.fill(ellipse(x, 480, 31, 31), INK, clip=clip)
    c.fill(ellipse(x, 482, 25, 26), BLUE, clip=clip)
    c.fill(ellipse(x, 493, 18, 12), CYAN, clip=clip)
    c.fill(ellipse(x, 480, 13, 13), INK, clip=clip)
    c.fill(side("300,440 460,440 / 456,496 410,474 370,471 336,480 310,496"), INK, clip=clip)
    c.fill(ellipse(x - 10, 473, 7, 7), WHITE, clip=clip)
    c.pen(side("292,494 314,484 340,465 374,454 412,458 440,475 458,504"), (3, 12, 13, 12, 12, 9, 0), INK)
    c.pen(side("318,496 346,510 384,516 424,511 448,500"), (0, 6, 7, 5, 0), INK)
    c.pen(side("314,458 342,440 380,433 420,440 448,462"), (0, 5, 7, 6, 0), INK)
    c.pen(side("330,534 370,546 412,540 440,526"), (0, 5, 5, 0), INK)
    c.fill(side("470,436 440,412 384,396 330,394 270,424 / 300,372 344,360 400,368 452,392 476,408 / 470,436"), INK)


def features(c: Canvas) -> None:
    """Nose and mouth, and the lines of the cheeks."""
    c.fill(
        "560,446 546,500 546,560 556,600 586,620 590,640 570,656 544,650 512,668 / 530,630 524,560 534,480 560,446", INK
    )
    c.fill("548,600 560,606 574,624 574,640 560,640 548,624 z", DOT)
    c.pen("460,446 470,480 474,520", (0, 5, 0), INK)
    c.pen("446,600 434,622 440,646 464,650", (0, 9, 10, 0), INK)
    c.fill("462,652 478,640 496,648 492,658 476,658 z", INK)
    c.pen("478,656 496,664 512,670 530,664 552,654", (0, 8, 9, 8, 0), INK)
    c.pen("486,608 500,622 522,620", (0, 5, 0), INK)
    c.pen("418,640 396,680 388,716", (0, 8, 0), INK)
    c.pen("606,640 630,680 638,716", (0, 9, 0), INK)
    # Mouth.
    c.fill(both("512,716 534,709 566,718 604,730 / 560,737 512,740"), LIP)
    c.fill(both("512,740 560,738 596,734 / 566,764 536,774 512,775"), (240, 146, 120))
    c.fill("440,733 476,716 496,710 512,716 / 512,740 470,738 440,733", (240, 146, 120))
    c.pen("404,738 424,732 470,738 512,742 556,736 604,726 622,714", (0, 10, 8, 11, 9, 11, 0), INK)
    c.pen("402,722 400,738 408,752", (0, 7, 0), INK)
    c.pen("440,728 476,713 496,708 512,714 528,708 560,716 590,724", (0, 4, 5, 5, 5, 4, 0), INK)
    c.fill("456,774 486,782 520,786 562,777 602,756 / 582,792 548,806 510,806 476,796 456,774", INK)
    c.pen("514,852 508,872 512,890", (0, 9, 0), INK)


def hair(c: Canvas) -> None:
    """Combed back from a parting on the left, one lock in the forehead."""
    c.fill(
        "246,480 226,400 214,300 232,200 296,116 / 372,66 500,42 620,50 730,98 800,190 816,300 800,400 778,480 / "
        "772,420 758,350 734,290 700,246 640,226 560,226 470,222 400,200 354,170 / 320,216 "
        "292,276 280,340 268,410 246,480",
        INK,
    )
    for path, widths, colour in (
        ("360,150 420,180 520,196 620,196 700,220 748,280", (0, 14, 22, 20, 14, 0), BLUE),
        ("350,134 430,150 540,156 650,162 736,214 776,300", (0, 14, 26, 26, 18, 0), BLUE),
        ("350,116 440,110 560,108 670,120 750,180 790,270", (0, 12, 20, 22, 16, 0), BLUE),
        ("380,92 460,72 560,70 650,86", (0, 10, 16, 0), BLUE),
        ("390,140 460,140 540,142 620,146 690,170", (0, 6, 10, 8, 0), CYAN),
        ("430,98 520,94 610,100 680,126", (0, 8, 8, 0), CYAN),
        ("420,172 500,184 580,186", (0, 7, 0), CYAN),
        ("310,140 264,210 246,300 250,390", (0, 18, 20, 0), BLUE),
        ("326,170 288,240 270,310 262,370", (0, 10, 10, 0), BLUE),
        ("290,170 258,232 244,290", (0, 8, 0), CYAN),
    ):
        c.pen(path, widths, colour)
    lock = "470,206 520,236 540,276 528,312 500,330 478,322 / 500,318 510,298 500,268 470,246 420,216"
    c.fill(lock, INK)
    c.pen("468,224 506,246 524,278 518,302", (0, 8, 8, 0), BLUE)
    for path, widths in (
        ("640,224 690,260 720,310 728,360", (20, 14, 8, 0)),
        ("560,220 610,240 640,270", (12, 7, 0)),
        ("292,250 296,310 286,356", (0, 10, 0)),
        ("300,112 282,96 272,70", (16, 8, 0)),
        ("800,200 828,220 838,250", (16, 8, 0)),
        ("240,380 252,440 256,500 264,540", (4, 16, 10, 0)),
        ("786,380 774,440 768,500 758,540", (4, 18, 12, 0)),
    ):
        c.pen(path, widths, INK)


def comic() -> Image.Image:
    """A square-jawed man in a suit: heavy lines, flat bright colours, dots only in the shadow of the face."""
    c = Canvas(YELLOW)
    for k in range(24):
        a = np.radians(15 * k + np.array([-3.5, 3.5]))
        ray = np.stack([512 + 900 * np.cos(a), 470 + 900 * np.sin(a)], axis=1)
        c.fill(np.concatenate([ray, [[512, 470]]]), ORANGE)
    bust(c)
    ears(c, left=True)
    ears(c, left=False)
    half = "512,918 566,918 612,910 660,878 708,832 738,796 / 756,706 768,600 778,500 780,400 770,270 700,170 512,150"
    c.fill(both(half), SKIN)
    in_face = c.mask(both(half))
    # Light, then the shadow: dots, and where it is deepest ink.
    c.fill("300,330 340,262 420,240 500,250 / 450,290 380,310 300,330", LIGHT, clip=in_face)
    c.fill("276,566 330,580 392,574 430,560 / 380,610 320,612 276,566", LIGHT, clip=in_face)
    c.fill("512,440 522,500 522,570 512,600 500,570 502,500 512,440", LIGHT, clip=in_face)
    shade = (
        "640,200 676,280 690,350 680,400 / 590,440 / 620,520 690,560 690,610 664,680 650,740 632,800 600,850 560,890 "
        "540,940 / 820,940 820,200"
    )
    c.fill(shade, DOT, clip=ImageChops.multiply(c.mask(shade, clip=in_face), dots(11, 3.6)))
    c.fill("560,446 600,440 / 640,430 700,430 / 640,450 590,480 568,520 / 560,446", DOT)
    black = "790,430 752,470 744,540 748,600 730,660 706,720 690,770 660,800 640,850 600,920 / 800,940 / 800,430"
    c.fill(black, INK, clip=in_face)
    feathers(c, "750,540 746,600 728,664 704,724 690,766", (-46, -16), 9, 14, in_face)
    c.pen(
        curve("246,420 246,500 256,600 268,706 286,796 / 316,832 364,878 412,910 458,918 512,918"),
        (9, 10, 11, 13, 15, 16, 17),
        INK,
    )
    c.pen(
        mirror("246,420 246,500 256,600 268,706 286,796 / 316,832 364,878 412,910 458,918 512,918"),
        (12, 14, 16, 18, 20, 22, 17),
        INK,
    )
    feathers(c, "280,752 292,796 324,836", (36, -10), 5, 9, in_face)
    eye(c, 386, left=True)
    eye(c, 638, left=False)
    features(c)
    hair(c)
    return c.finish()
