"""Faces through the scenes of a film: smooth, without lag, and never across a cut."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from jojo_cli.faces import face_quad
from jojo_cli.faces.align import FloatArray
from jojo_cli.faces.follow import Sight
from jojo_cli.faces.proportions import ORDINARY
from jojo_cli.faces.tracks import Seen, find_tracks, smoothed

STEP = 0.04


def face(x: float, y: float = 100.0, side: float = 80.0) -> FloatArray:
    """Return landmarks around a place."""
    return np.array((x, y)) + side * (ORDINARY - 0.5)


def film(frames: Sequence[Mapping[int, FloatArray]], *, cuts: Sequence[int] = ()) -> list[Seen]:
    """Return what was seen in frames: landmarks by who."""
    return [
        Seen(number * STEP, number == 0 or number in cuts, [Sight(who, landmarks) for who, landmarks in faces.items()])
        for number, faces in enumerate(frames)
    ]


def middles(quads: FloatArray) -> FloatArray:
    middle: FloatArray = quads.mean(axis=1)
    return middle


def test_face_that_moves_evenly_is_where_it_is() -> None:
    """Also in the first and the last frame: nothing is late."""
    landmarks = [face(100 + 3 * number, 100 - number, side=80 + number) for number in range(30)]
    (track,) = find_tracks(film([{1: one} for one in landmarks]), "largest")
    assert track.frames.tolist() == list(range(30))
    np.testing.assert_allclose(track.quads, [face_quad(one) for one in landmarks], atol=1e-6)
    assert (track.shares == 1).all()


def test_trembling_is_taken_off() -> None:
    rng = np.random.default_rng(0)
    landmarks = [face(100) + rng.normal(0, 1.5, (1, 2)) + rng.normal(0, 1.0, (68, 2)) for _ in range(100)]
    (track,) = find_tracks(film([{1: one} for one in landmarks]), "largest")
    found = np.stack([face_quad(one) for one in landmarks])

    def tremble(values: FloatArray) -> float:
        return float(np.abs(np.diff(values, axis=0)).mean())

    assert tremble(middles(track.quads)) < 0.4 * tremble(middles(found))
    axes, raw = (quads[:, 3] - quads[:, 0] for quads in (track.quads, found))
    assert tremble(axes) < 0.2 * tremble(raw)


def test_squares_stay_squares() -> None:
    rng = np.random.default_rng(0)
    frames = [{1: face(100) + rng.normal(0, 3, (68, 2))} for _ in range(20)]
    (track,) = find_tracks(film(frames), "largest")
    across, down = track.quads[:, 3] - track.quads[:, 0], track.quads[:, 1] - track.quads[:, 0]
    np.testing.assert_allclose(down, np.stack([-across[:, 1], across[:, 0]], axis=1), atol=1e-9)


def test_short_gap_is_filled() -> None:
    frames = [{1: face(100 + 2 * number)} if not 10 <= number < 18 else {} for number in range(30)]
    (track,) = find_tracks(film(frames), "largest")
    assert track.frames.tolist() == list(range(30))
    np.testing.assert_allclose(middles(track.quads)[14], middles(np.stack([face_quad(face(128))]))[0], atol=0.1)
    assert (track.shares == 1).all()


def test_long_gap_stays_empty_and_the_face_fades() -> None:
    frames = [{1: face(100)} if not 20 <= number < 40 else {} for number in range(60)]
    (track,) = find_tracks(film(frames), "largest")
    assert track.frames.tolist() == [*range(20), *range(40, 60)]
    assert track.place(25) is None
    shares = dict(zip(track.frames.tolist(), track.shares.tolist(), strict=True))
    assert [round(shares[number], 1) for number in (15, 16, 17, 18, 19)] == [1, 0.8, 0.6, 0.4, 0.2]
    assert [round(shares[number], 1) for number in (40, 41, 42, 43, 44)] == [0.2, 0.4, 0.6, 0.8, 1]
    assert (shares[0], shares[59]) == (1, 1)


def test_nothing_is_smoothed_across_a_cut() -> None:
    frames = [{1: face(100)} if number < 20 else {2: face(300, side=120)} for number in range(40)]
    before, after = find_tracks(film(frames, cuts=[20]), "largest")
    assert (before.scene, after.scene) == (0, 1)
    np.testing.assert_allclose(before.quads, np.broadcast_to(face_quad(face(100)), before.quads.shape), atol=1e-6)
    np.testing.assert_allclose(after.quads[0], face_quad(face(300, side=120)), atol=1e-6)
    assert (before.shares == 1).all()
    assert (after.shares == 1).all()


def test_who_is_chosen() -> None:
    frames = [{1: face(100, side=60), 2: face(300, side=100)} for _ in range(20)]
    assert [round(track.quads[0].mean()) for track in find_tracks(film(frames), "largest")] == [
        round(face_quad(face(300, side=100)).mean())
    ]
    assert len(find_tracks(film(frames), "all")) == 2
    (second,) = find_tracks(film(frames), 2)
    np.testing.assert_allclose(second.quads[0], face_quad(face(100, side=60)), atol=1e-6)
    assert find_tracks(film(frames), 3) == []


def test_person_who_comes_back_is_drawn_again() -> None:
    """As another face, for nobody followed it; but one in the back takes nobody's place."""
    frames = [{1: face(100)} if number < 30 else {} if number < 50 else {2: face(300)} for number in range(90)]
    for number in range(30, 50):
        frames[number] = {3: face(200, side=20)}
    tracks = find_tracks(film(frames), "largest")
    assert sorted(int(track.frames[0]) for track in tracks) == [0, 50]


def test_what_is_seen_for_a_moment_is_no_face() -> None:
    frames = [{1: face(100), **({2: face(300)} if number in (10, 11) else {})} for number in range(40)]
    assert len(find_tracks(film(frames), "all")) == 1


def test_face_of_a_scene_of_one_frame_is_one() -> None:
    assert len(find_tracks(film([{1: face(100)}]), "largest")) == 1


def test_best_frame_is_large_and_from_the_front() -> None:
    def aside(landmarks: FloatArray, amount: float) -> FloatArray:
        landmarks = landmarks.copy()
        landmarks[27:36, 0] += amount
        return landmarks

    frames = [{1: aside(face(100), abs(number - 12))} for number in range(25)]
    frames[20] = {1: aside(face(100, side=100), 12)}
    (track,) = find_tracks(film(frames), "largest")
    assert track.best == 12
    np.testing.assert_allclose(track.quad, face_quad(frames[12][1]))


def test_no_face() -> None:
    assert find_tracks(film([{} for _ in range(5)]), "largest") == []


@pytest.mark.parametrize("at", [0.0, 0.41, 1.0, 5.0, -3.0])
def test_smoothing_of_few_values(at: float) -> None:
    """A line goes through what is near; far from everything it is the nearest one."""
    times, values = np.array([0.0, 0.4, 1.0]), np.array([[0.0], [0.4], [1.0]])
    wanted = at if 0 <= at <= 1 else min(max(at, 0), 1)
    assert smoothed(times, values, at, 0.1)[0] == pytest.approx(wanted, abs=0.02)
