"""The reference picture poster.png: a screen print."""

from __future__ import annotations

import numpy as np
from drawing import Canvas, both, curve, ellipse, mirror
from PIL import Image

TEAL, PALE_TEAL, WHITE = (24, 138, 140), (66, 172, 164), (255, 248, 234)
MUSTARD, OCHRE = (246, 182, 44), (208, 128, 30)
LIGHT, SKIN, SHADE, DEEP = (255, 226, 186), (250, 194, 142), (226, 126, 84), (176, 72, 66)
INK, NAVY, BLUE, SKY = (12, 14, 40), (24, 30, 78), (44, 82, 146), (98, 158, 196)
RED, CRIMSON, PINK, ROSE = (214, 40, 52), (150, 20, 52), (250, 136, 120), (246, 160, 124)


def poster() -> Image.Image:
    """A woman with a bob, as a screen print: flat colours and hard shadows."""
    c = Canvas(TEAL)
    c.fill(ellipse(512, 470, 455, 455), PALE_TEAL)

    # Hair behind the head, neck, pullover.
    c.fill("430,70 620,80 800,250 850,600 800,860 700,900 512,890 330,900 220,860 170,600 220,250 430,70", INK)
    neck = "384,800 392,900 378,962 300,1000 180,1030 / 512,1100 / 844,1030 724,1000 646,962 632,900 640,800"
    c.fill(neck, SKIN)
    c.fill("380,800 400,872 470,930 540,962 610,968 630,1040 / 900,1040 / 660,780", SHADE, clip=c.mask(neck))
    c.stroke("470,1000 500,1012 512,1030", 5, DEEP, ends=(0.2, 0.8))
    c.fill(both("512,1022 540,1021 628,1000 672,962 / 762,978 894,1004 964,1030"), MUSTARD)
    c.fill("640,990 672,962 / 762,978 894,1004 964,1030 / 640,1030 600,1010 640,990", OCHRE)
    c.stroke(both("512,1022 540,1021 628,1000 672,962"), 8, NAVY, ends=(0.6, 0.6))

    # Face, with its own shadow and that of the hair: parted on the left, tips turned in below the jaw.
    face = both(
        "512,908 556,904 598,886 646,846 698,786 742,716 768,640 782,550 788,460 780,350 740,240 650,170 512,150"
    )
    sweep = curve(
        "416,150 470,196 580,236 680,310 742,400 768,500 774,600 764,700 736,790 672,884 / "
        "770,906 856,840 902,720 900,570 880,400 836,270 750,150 620,76 500,60 420,84"
    )
    curtain = curve(
        "416,150 350,214 292,300 260,400 248,500 248,600 260,700 292,790 356,884 / 256,906 "
        "168,836 126,720 130,570 150,400 196,270 268,160 350,90 430,66 500,60"
    )
    c.fill(face, SKIN)
    in_face = c.mask(face)
    c.fill(
        "640,150 668,250 690,340 706,400 690,440 700,520 712,560 690,610 668,670 652,740 620,800 "
        "570,846 536,870 520,920 / 820,920 820,150",
        SHADE,
        clip=in_face,
    )
    c.fill("258,586 300,606 350,608 398,622 396,648 356,668 308,650 274,620 / 258,586", ROSE, clip=in_face)
    c.fill("270,560 310,566 360,556 420,560 / 380,592 330,594 270,560", LIGHT, clip=in_face)
    c.fill("330,330 372,262 420,226 / 500,262 560,312 / 480,300 400,306 330,330", LIGHT, clip=in_face)
    c.fill(np.add(sweep, (-22, 26)), SHADE, clip=in_face)
    c.fill(np.add(curtain, (10, 16)), SHADE, clip=in_face)

    # Nose.
    c.fill(
        "598,396 562,430 548,470 540,530 540,580 556,612 546,638 520,646 512,654 530,664 560,656 "
        "580,640 584,616 570,590 564,530 572,470 586,440 / 598,396",
        SHADE,
    )
    c.fill("512,430 518,500 520,560 514,572 506,560 504,500 512,430", LIGHT)
    c.fill(ellipse(508, 604, 13, 10), LIGHT)
    for side, colour in ((curve, DEEP), (mirror, NAVY)):
        c.stroke(side("448,604 440,622 446,640 462,644"), 7, colour, ends=(0, 0.4))
        c.fill(side("468,640 482,630 498,640 484,645 z"), NAVY)
    c.stroke("494,650 512,656 530,650", 5, DEEP)

    # Eyes.
    white = "308,474 330,448 366,432 404,438 432,464 450,494 / 424,504 384,510 340,500 308,474"
    for side, lid, x in ((curve, SHADE, 378), (mirror, DEEP, 646)):
        c.fill(side("300,470 316,432 350,408 398,406 434,434 452,492 / 366,440 300,470"), lid)
        c.fill(side(white), WHITE)
        in_eye = c.mask(side(white))
        c.fill(side("300,440 460,440 / 450,480 400,456 360,452 320,468 300,480"), SKY, clip=in_eye)
        c.fill(ellipse(x, 468, 39, 41), NAVY, clip=in_eye)
        c.fill(ellipse(x, 471, 32, 34), BLUE, clip=in_eye)
        c.fill(ellipse(x, 484, 23, 18), SKY, clip=in_eye)
        c.fill(ellipse(x, 468, 17, 18), NAVY, clip=in_eye)
        c.fill(ellipse(x - 13, 455, 9, 10), WHITE, clip=in_eye)
        c.fill(side("450,494 436,484 430,494 438,502 z"), PINK)
        c.fill(
            side(
                "268,424 296,444 318,438 / 340,424 372,416 410,426 440,458 456,500 / 434,470 404,446 "
                "366,438 334,452 308,480 / 284,460 268,424"
            ),
            NAVY,
        )
        c.stroke(side("310,478 340,502 384,512 424,506 450,496"), 5, NAVY, ends=(0.6, 0.2))
        c.stroke(side("318,424 352,400 396,398 432,422"), 5, NAVY)
        c.fill(side("276,398 318,362 372,352 446,374 / 452,394 / 380,378 326,384 276,398"), NAVY)

    # Mouth.
    c.fill("460,800 512,790 564,800 584,812 550,826 512,822 480,816 z", SHADE)
    c.fill(both("512,700 534,692 572,708 606,722 / 574,764 540,782 512,784"), RED)
    c.fill(both("512,700 534,692 572,708 606,722 / 562,732 536,731 512,738"), CRIMSON)
    c.fill("466,748 490,744 508,750 490,760 472,758 z", PINK)
    c.stroke(both("512,738 536,731 562,733 602,724 618,716"), 7, NAVY, ends=(0.3, 0.3))

    # Jaw, and the hair in front.
    c.stroke(face, 10, NAVY, ends=(0.9, 0.9))
    c.fill(curtain, NAVY)
    c.fill(sweep, NAVY)
    for path, width, colour in (
        ("470,104 590,124 700,200 780,310 826,440", 44, BLUE),
        ("520,160 620,200 716,290 780,400 808,520", 20, BLUE),
        ("858,520 866,620 852,730 800,830 740,876", 40, BLUE),
        ("812,600 812,700 784,790 730,850", 16, BLUE),
        ("560,112 670,164 750,250 800,350", 14, SKY),
        ("870,600 860,700 828,780", 12, SKY),
        ("372,124 290,210 234,320 204,450 196,560", 40, BLUE),
        ("366,180 298,268 254,376", 14, BLUE),
        ("166,600 172,710 216,810 290,872", 34, BLUE),
        ("214,620 226,720 262,800", 14, BLUE),
        ("330,160 264,250 222,360", 12, SKY),
    ):
        c.stroke(path, width, colour)
    c.stroke("416,150 420,110 436,78", 8, INK, ends=(0.3, 0))
    return c.finish()
