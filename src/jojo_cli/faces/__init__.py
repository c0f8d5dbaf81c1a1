"""Faces in pictures: find them, choose among them, cut the FFHQ crop."""

from jojo_cli.faces.align import crop_face, face_quad
from jojo_cli.faces.detect import Face, FaceChoice, FaceFinder, NoFaceError, choose_faces, parse_face_choice

__all__ = [
    "Face",
    "FaceChoice",
    "FaceFinder",
    "NoFaceError",
    "choose_faces",
    "crop_face",
    "face_quad",
    "parse_face_choice",
]
