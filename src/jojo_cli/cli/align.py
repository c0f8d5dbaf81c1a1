"""`jojo align`: FFHQ crops of the faces in photos."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jojo_cli.cli.options import Face, Json, Overwrite, Photos, Quiet, ResultPath, Verbose

if TYPE_CHECKING:
    from PIL.Image import Image

    from jojo_cli.cli.batch import Open, Work
    from jojo_cli.cli.plan import Job


def align(
    photos: Photos,
    output: ResultPath = None,
    face: Face = "largest",
    size: Annotated[int, typer.Option(min=32, max=4096, help="Side of a crop in pixels.")] = 1024,
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Cut the faces out of photos, upright and placed as in the FFHQ dataset.

    The result of photo.jpg is photo.aligned.png; a folder keeps its tree.

    Where a face reaches the border, the photo is mirrored and blurred.
    """
    from jojo_cli.cli.batch import open_photos, parse_face, run
    from jojo_cli.cli.output import Output
    from jojo_cli.cli.plan import plan

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    choice = parse_face(face)
    jobs = plan(photos, output, label="aligned", choice=choice, overwrite=overwrite, out=out)

    def start() -> "tuple[Open[Image], Work[Image]]":
        return open_photos(choice, size=size, out=out), _save

    run(jobs, start, out=out)


def _save(square: "Image", job: "Job") -> Mapping[str, Any]:
    job.save(square)
    return {}
