"""The reference picture sketch.png: a pencil drawing."""

from __future__ import annotations

import numpy as np
from drawing import SIZE, Canvas, Points, Shape, both, curve, ellipse, even, mirror, normals, ribbon, smooth
from PIL import Image, ImageFilter

PAPER, GRAPHITE = (246, 242, 233), (38, 37, 42)


class Sheet(Canvas):
    """A sheet of paper and a pencil in a hand that trembles a little."""

    def __init__(self, seed: int) -> None:
        """A blank sheet; `seed` decides the tremble and the grain."""
        super().__init__(PAPER)
        self.random = np.random.default_rng(seed)

    def tremble(self, line: Points, size: float) -> Points:
        """`line` moved smoothly by about `size` pixels."""
        knots = self.random.normal(0, size, (5, 2))
        knot, t = np.divmod(np.linspace(0, 3.999, len(line))[:, None], 1)
        before, t = knot[:, 0].astype(int), t * t * (3 - 2 * t)
        moved: Points = line + knots[before] * (1 - t) + knots[before + 1] * t
        return moved

    def line(self, line: Shape, width: float, *, opacity: float = 0.6, passes: int = 2) -> None:
        """A contour, gone over `passes` times."""
        for _ in range(passes):
            self.stroke(self.tremble(curve(line), 1.3), width, GRAPHITE, ends=(0.15, 0.1), opacity=opacity)

    def smudge(self, shape: Shape, opacity: float, *, blur: float = 8, clip: Image.Image | None = None) -> None:
        """A soft tone inside `shape`."""
        soft = self.mask(shape, blur=blur, clip=clip)
        self.image.paste(GRAPHITE, (0, 0), soft.point(lambda v: v * opacity))

    def hatch(
        self,
        shape: Shape,
        angle: float,
        opacity: float,
        *,
        gap: float = 7,
        blur: float = 8,
        clip: Image.Image | None = None,
    ) -> None:
        """Strokes inside `shape`, `angle` degrees from the horizontal, `gap` pixels apart."""
        soft = self.mask(shape, blur=blur, clip=clip)
        along = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        across = np.array([-along[1], along[0]])
        middle = curve(shape).mean(0)
        length, depth = np.abs((curve(shape) - middle) @ np.stack([along, across], axis=1)).max(0)
        t = np.linspace(-1, 1, 24)[:, None]
        for offset in np.arange(-depth, depth, gap):
            bow = offset + self.random.normal(0, gap / 5) + length * 0.05 * (1 - t**2)
            stroke = self.tremble(middle + along * length * t + across * bow, 0.8)
            dark = opacity * self.random.uniform(0.7, 1)
            self.stroke(stroke, 0.3 * gap, GRAPHITE, ends=(0.5, 0.5), opacity=dark, clip=soft)

    def stubble(self, shape: Shape, count: int, opacity: float, *, clip: Image.Image | None = None) -> None:
        """Short hairs scattered over `shape`, leaning away from the middle of the face."""
        soft = self.mask(shape, blur=14, clip=clip)
        low, high = curve(shape).min(0), curve(shape).max(0)
        for x, y in self.random.uniform(low, high, (count, 2)):
            lean = (x - SIZE / 2) / 30 + self.random.normal(0, 2.5)
            dark = opacity * self.random.uniform(0.5, 1)
            hair = np.linspace([x, y], [x + lean, y + 9], 5)
            self.stroke(hair, 2.2, GRAPHITE, ends=(0.8, 0.2), opacity=dark, clip=soft)

    def lock(self, path: str, width: float, *, wave: float, tone: float, strands: int) -> None:
        """A wavy lock of hair along `path`, root to tip, with the light on its first bend."""
        n = 160
        t = np.linspace(0, 1, n)
        spine = even(curve(path), n)
        length = n * np.hypot(*(spine[1] - spine[0]))
        ripple = wave * np.sqrt(t) * np.sin(0.033 * length * t + self.random.uniform(0, 2 * np.pi))
        spine = even(spine + normals(spine) * ripple[:, None], n)
        body = ribbon(spine, width, (0.1, 0))
        left, right = body[:n], body[n:][::-1]
        self.fill(body, PAPER)
        self.smudge(body, tone, blur=6, clip=self.mask(body))
        # Most strands stop before the light or start after it.
        spans, odds = [(0, 50), (0, 40), (62, n), (75, n), (0, n)], [0.3, 0.15, 0.25, 0.2, 0.1]
        for _ in range(strands):
            u = self.random.beta(0.7, 0.7)
            strand = self.tremble(left * (1 - u) + right * u, 1.5)
            begin, end = (self.random.choice(spans, p=odds) + self.random.uniform(-15, 15, 2)).clip(0, n).astype(int)
            dark = (0.35 + 0.5 * (2 * u - 1) ** 2) * self.random.uniform(0.6, 1)
            self.stroke(strand[begin:end], self.random.uniform(1.4, 3.6), GRAPHITE, ends=(0.2, 0), opacity=dark)
        self.line(left, 3.5)
        self.line(right, 3.5)
        for _ in range(2):
            self.stroke(self.tremble(spine, 10), 2, GRAPHITE, opacity=0.5)

    def finish(self) -> Image.Image:
        """The picture, reduced to `SIZE`, with the tooth of the paper in it."""
        drawn, paper = np.asarray(super().finish(), dtype=np.float64), np.array(PAPER, dtype=np.float64)
        noise = Image.fromarray(self.random.integers(0, 256, (SIZE, SIZE), dtype=np.uint8))
        grain = np.asarray(noise.filter(ImageFilter.GaussianBlur(0.8)))[..., None] / 127.5 - 1
        darkness = (1 - drawn / paper) * (0.95 + 0.35 * grain) + 0.02 * grain
        return Image.fromarray((paper * (1 - darkness)).clip(0, 255).astype(np.uint8))


def sketch() -> Image.Image:
    """A man with wavy hair, in pencil: contours, hatched shadows, stubble."""
    c = Sheet(8)

    # Tone behind the light side, hair at the nape.
    c.hatch("40,260 250,180 300,500 / 330,900 200,960 / 90,900 70,600 40,260", 122, 0.4, gap=9, blur=30)
    for path, width in (
        ("230,330 190,480 200,600 190,720 206,820 256,905", 96),
        ("290,560 246,700 258,810 288,925", 84),
        ("320,640 296,780 316,870 318,955", 84),
        ("800,330 834,480 828,600 838,720 820,810 772,900", 96),
        ("734,560 776,700 766,810 742,925", 84),
        ("704,640 730,780 706,870 710,950", 84),
    ):
        c.lock(path, width, wave=7, tone=0.5, strands=180)

    # Neck and shirt.
    neck = both("512,1100 / 844,1010 734,970 688,920 684,850 694,760")
    c.fill(neck, PAPER)
    in_neck = c.mask(neck)
    under_chin = "340,850 400,915 470,950 560,960 620,1000 680,1010 / 720,960 690,900 690,760 / 340,760"
    c.smudge(under_chin, 0.35, blur=14, clip=in_neck)
    c.hatch(under_chin, 62, 0.55, clip=in_neck)
    c.hatch("560,900 600,1010 720,980 / 700,800 / 560,900", 118, 0.5, clip=in_neck)
    shirt = both("512,1040 / 614,1030 684,1000 728,962 / 804,990 924,1016 964,1030")
    c.fill(shirt, PAPER)
    c.hatch(shirt, 35, 0.6, blur=2)
    c.hatch(shirt, 140, 0.45, gap=8, blur=2)
    for side, width in ((curve, 6), (mirror, 5)):
        c.line(side("686,800 682,870 692,930 744,972 844,1004 934,1024"), width)
        c.line(side("728,962 684,1000 614,1030"), width - 1)
        c.line(side("714,948 670,986 600,1016"), width - 1)
        c.line(side("618,940 590,990 556,1024"), 3, opacity=0.35)

    # Ears.
    ear = "262,470 240,446 212,452 202,490 210,546 226,592 238,624 256,634 270,616"
    for side, dark in ((curve, 0.25), (mirror, 0.55)):
        c.fill(side(ear), PAPER)
        c.hatch(side(ear), 60, dark, gap=6, blur=4)
        c.line(side(ear), 5)
        c.line(side("258,478 234,468 222,486 226,530 238,566"), 3)
        c.line(side("258,520 240,530 244,566 256,584"), 3)
        c.smudge(side("262,500 240,520 246,570 262,590"), 0.4, blur=5)

    # Face.
    right = curve(
        "512,934 570,928 622,906 674,864 720,800 748,730 764,650 774,570 778,480 778,380 766,240 680,130 512,100"
    )
    c.fill(both(right), PAPER)
    in_face = c.mask(both(right))
    shadow = (
        "620,140 676,250 690,380 716,430 730,480 716,560 700,620 676,680 668,740 630,800 586,850 "
        "560,890 540,940 / 800,940 / 800,140"
    )
    c.smudge(shadow, 0.22, blur=18, clip=in_face)
    c.hatch(shadow, 58, 0.5, gap=8, blur=12, clip=in_face)
    c.hatch("740,520 720,640 690,740 630,830 600,930 / 800,900 / 800,520", 112, 0.45, gap=8, blur=12, clip=in_face)
    c.hatch("250,380 300,420 290,540 330,640 300,700 / 240,700 / 240,380", 60, 0.3, gap=9, blur=14, clip=in_face)
    c.line(both(right)[11:-70], 4.5)
    c.line(both(right)[80:-11], 7, passes=3)
    beard = both("512,670 594,676 634,700 674,740 724,700 762,600 / 780,900 512,950")
    c.smudge(beard, 0.1, blur=20, clip=in_face)
    c.stubble(beard, 2600, 0.34, clip=in_face)
    c.stubble(both("512,676 574,684 614,712 / 560,700 512,704"), 400, 0.35)
    c.stubble(both("512,796 574,810 600,900 512,926"), 400, 0.4, clip=in_face)

    # Eyes.
    white = "316,482 340,464 376,452 412,457 436,476 448,492 / 420,503 382,508 344,499 316,482"
    socket = "452,420 460,470 452,496 / 420,452 370,436 320,460 300,490 / 290,450 330,420 400,416 452,420"
    brow_low, brow_high = curve("462,424 400,412 336,408 272,430"), curve("456,388 396,376 330,376 270,424")
    for side, x, dark, angle in ((curve, 382, 0.22, 140), (mirror, 642, 0.35, 40)):
        c.smudge(side(socket), dark, blur=10)
        c.hatch(side(socket), angle, 0.4, gap=6, blur=6)
        c.fill(side(white), PAPER)
        in_eye = c.mask(side(white))
        c.smudge(side("300,440 460,440 / 450,486 400,464 350,466 300,500"), 0.4, blur=5, clip=in_eye)
        c.fill(ellipse(x, 473, 34, 35), GRAPHITE, opacity=0.85, clip=in_eye)
        c.fill(ellipse(x, 474, 30, 31), PAPER, opacity=0.75, clip=in_eye)
        for inner, outer in zip(ellipse(x, 475, 12, 12)[::3], ellipse(x, 475, 31, 31)[::3], strict=True):
            ray = c.tremble(np.linspace(inner, outer, 8), 0.8)
            c.stroke(ray, 2, GRAPHITE, ends=(0.5, 1), opacity=0.8 if outer[1] < 478 else 0.5, clip=in_eye)
        c.fill(ellipse(x, 474, 14, 15), GRAPHITE, clip=in_eye)
        c.fill(ellipse(x - 11, 463, 7, 7), PAPER, clip=in_eye)
        c.line(side("298,490 320,471 344,457 378,447 414,452 438,471 456,496"), 12, opacity=0.8, passes=3)
        c.line(side("316,484 344,502 382,511 420,506 450,494"), 3.5)
        c.line(side("450,496 440,488 430,494"), 2.5, passes=1)
        c.line(side("304,462 336,437 374,426 414,430 446,454"), 4)
        for t, u in c.random.uniform(0, 1, (260, 2)):
            k = int(t * (len(brow_low) - 1))
            root = brow_low[k] * (1 - u) + brow_high[k] * u
            tip = np.add(root, (-10 - 20 * t, -18 * (1 - t) ** 2 + 6 * t + 4 * u))
            hair = smooth(np.stack([root, (root + tip) / 2 - 2, tip]))
            c.stroke(side(hair), 3, GRAPHITE, ends=(0.6, 0), opacity=c.random.uniform(0.4, 0.85))

    # Nose.
    plane = "572,420 552,470 548,540 556,590 576,622 560,650 520,650 / 530,590 530,520 540,460 572,420"
    c.smudge(plane, 0.3)
    c.hatch(plane, 70, 0.45, gap=6, blur=5)
    c.hatch("520,600 556,596 586,616 570,648 530,650 / 546,630 520,600", 60, 0.4, gap=6, blur=5)
    c.smudge(both("512,656 574,640 / 556,664 512,676"), 0.3, blur=6)
    c.line("568,430 550,470 546,520 550,570", 3, opacity=0.4)
    c.line("450,600 441,620 447,641 464,646", 3, opacity=0.5)
    c.line("572,596 584,618 578,642 560,646", 5)
    c.line("464,646 476,638 490,646 512,658 534,646 548,638 560,646", 4)
    for side in (curve, mirror):
        c.fill(side("468,646 480,636 496,644 484,648 z"), GRAPHITE, opacity=0.9)

    # Mouth.
    upper = both("512,710 532,704 568,716 604,730 / 560,734 536,732 512,738")
    lower = both("512,738 536,732 560,734 600,732 / 572,758 540,774 512,777")
    c.fill(upper, PAPER)
    c.fill(lower, PAPER)
    c.smudge(upper, 0.55, blur=3)
    c.hatch(upper, 80, 0.5, gap=5, blur=2)
    c.smudge(lower, 0.22, blur=3)
    c.smudge("424,732 464,734 512,740 600,732 / 572,758 512,777 / 540,760 530,750 470,744 424,732", 0.25, blur=5)
    c.hatch("512,740 604,734 / 560,772 520,776 / 512,740", 75, 0.4, gap=6, blur=4)
    c.line(both("512,738 536,732 560,734 614,728"), 6, passes=3)
    c.line(both("512,710 532,704 568,716 604,730"), 2.5, opacity=0.5)
    c.line("452,758 482,774 512,778 542,774 572,758", 3.5)
    below = "456,792 512,784 568,790 / 590,800 550,818 512,822 474,814 456,792"
    c.smudge(below, 0.15)
    c.hatch(below, 150, 0.25, gap=6, blur=6)

    # Hair: parted on the right, swept over in waves.
    crown = (
        "258,500 226,420 206,330 222,220 290,120 400,64 520,48 640,60 740,110 806,200 822,310 "
        "806,420 786,520 / 790,420 790,330 750,210 690,130 600,110 500,120 420,140 350,220 "
        "300,290 288,380 270,440 240,500"
    )
    c.fill(crown, PAPER)
    c.smudge(crown, 0.6, blur=4)
    for path, width in (
        ("650,96 540,50 410,62 300,120 226,220 200,330 214,440 190,540", 84),
        ("560,80 690,56 796,130 842,250 836,360 822,460 842,550", 84),
        ("640,110 540,74 420,90 320,156 250,250 230,350 250,450 226,560", 78),
        ("600,116 690,106 766,180 802,280 796,380 808,470 790,560", 70),
        ("636,120 540,100 430,124 340,190 282,270 250,350 262,440 244,520", 70),
        ("604,126 670,134 732,196 772,280 776,370 784,440 768,520", 56),
        ("630,128 556,120 470,150 396,206 340,276 296,330 290,400 264,446", 62),
        ("620,132 566,132 500,164 446,216 410,262 376,300 356,356 372,392", 40),
    ):
        c.lock(path, width, wave=11, tone=0.25, strands=110)
    return c.finish()
