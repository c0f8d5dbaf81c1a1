"""The proportions of a face, given to a picture of another one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from jojo_cli.faces.proportions import GRID, MIRRORED, ORDINARY, displacement

EYES = np.r_[36:48]


def larger_eyes(factor: float) -> NDArray[np.float64]:
    """Return the landmarks of an ordinary face with eyes of another size."""
    face = ORDINARY.copy()
    for eye in (face[36:42], face[42:48]):
        eye += (factor - 1) * (eye - eye.mean(axis=0))
    return face


def looked_at(field: NDArray[np.float32], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where a picture is looked at to draw its points [K,2]."""
    columns, rows = np.clip((points * GRID).astype(int), 0, GRID - 1).T
    return points + field[:, rows, columns].T


def test_landmarks_come_to_where_they_are_wanted() -> None:
    wanted = larger_eyes(1.5)
    field = displacement(wanted, 1.0)
    away = np.linalg.norm(looked_at(field, wanted) - ORDINARY, axis=1)
    assert np.linalg.norm(wanted - ORDINARY, axis=1)[EYES].mean() > 0.01
    assert away[EYES].mean() < 0.004


@pytest.mark.parametrize("amount", [0.0, 0.5])
def test_amount_says_how_far(amount: float) -> None:
    wanted = larger_eyes(1.3)
    whole, part = displacement(wanted, 1.0), displacement(wanted, amount)
    assert np.abs(part).max() == pytest.approx(amount * np.abs(whole).max(), rel=0.2, abs=1e-9)


def test_ordinary_face_changes_nothing() -> None:
    assert np.abs(displacement(ORDINARY, 1.0)).max() < 1e-6


def test_border_stays() -> None:
    field = displacement(larger_eyes(1.5), 1.0)
    border = np.concatenate([field[:, 0], field[:, -1], field[:, :, 0], field[:, :, -1]], axis=1)
    assert np.abs(border).max() < 0.2 * np.abs(field).max()


def test_face_that_looks_aside_moves_nobody_aside() -> None:
    aside = ORDINARY + np.array([0.05, 0.0])
    assert np.abs(displacement(aside, 1.0)).max() < 1e-6


def test_both_halves_move_alike() -> None:
    one_eye = ORDINARY.copy()
    one_eye[36:42] += 0.5 * (one_eye[36:42] - one_eye[36:42].mean(axis=0))
    right, down = displacement(one_eye, 1.0)
    assert np.allclose(right, -right[:, ::-1], atol=1e-5)
    assert np.allclose(down, down[:, ::-1], atol=1e-5)


def test_mirrored_numbers_are_the_same_points_of_the_other_side() -> None:
    assert np.array_equal(MIRRORED[MIRRORED], np.arange(68))
    other_side = np.stack([1 - ORDINARY[:, 0], ORDINARY[:, 1]], axis=1)
    assert np.allclose(other_side[MIRRORED], ORDINARY, atol=1e-3)


@pytest.mark.parametrize("factor", [5.0, 20.0, -3.0])
def test_picture_never_folds(factor: float) -> None:
    right, down = displacement(larger_eyes(factor), 1.0)
    assert np.diff(right, axis=1).min() * GRID > -1
    assert np.diff(down, axis=0).min() * GRID > -1
