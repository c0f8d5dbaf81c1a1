"""Faces in pictures: find them, choose among them, cut the FFHQ crop."""

from jojo_cli.faces.align import crop_face, face_quad
from jojo_cli.faces.detect import (
    Face,
    FaceChoice,
    FaceFinder,
    NoFaceError,
    Points,
    choose_faces,
    find_quads,
    needs_finder,
    parse_face_choice,
    parse_points,
)

__all__ = [
    "Face",
    "FaceChoice",
    "FaceFinder",
    "NoFaceError",
    "Points",
    "choose_faces",
    "crop_face",
    "face_quad",
    "find_quads",
    "needs_finder",
    "parse_face_choice",
    "parse_points",
]
