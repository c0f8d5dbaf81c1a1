"""A style between two others."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jojo_cli.errors import UsageError
from jojo_cli.studio.preview import preview_sheet
from jojo_cli.styles import Blend, Style, StyleRecord
from jojo_cli.stylize.draw import changed_weights, generator_between
from jojo_cli.stylize.strength import Strength

if TYPE_CHECKING:
    from jojo_cli.studio.studio import Studio


def blend(studio: "Studio", first: str, second: str, name: str, amount: Strength, *, overwrite: bool) -> Style:
    """Register a style between two others, and return it; arguments and errors as in `Studio.blend_styles`."""
    store = studio.styles
    with store.reserve(name, overwrite=overwrite):
        bases = [store.load(one).record.base for one in (first, second)]
        if bases[0] != bases[1]:
            raise UsageError(
                f"styles {first!r} and {second!r} are of different bases: {' and '.join(bases)}",
                hint="blend styles of one base: 'jojo styles list' says which are",
            )
        one, other = studio.style(first), studio.style(second)
        base = one.base
        generator = generator_between(one.generator, other.generator, amount)
        record = StyleRecord(
            name=name,
            base=base.name,
            base_sha256=base.sha256,
            base_fingerprint=base.fingerprint,
            blend=Blend(
                first,
                one.style.record.weights_sha256,
                second,
                other.style.record.weights_sha256,
                {str(since): share for since, share in amount.items()} if isinstance(amount, Mapping) else amount,
            ),
        )
        preview = preview_sheet(base, generator, (), ())
        return store.create(record, changed_weights(base, generator), {"preview.png": preview}, overwrite=overwrite)
