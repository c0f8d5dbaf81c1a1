"""The style registry: one folder a style, no index file, so nothing to corrupt or to race on."""

from jojo_cli.styles.errors import StyleExistsError, StyleNotFoundError
from jojo_cli.styles.names import check_style_name, style_name_from
from jojo_cli.styles.record import Blend, Origin, ReferenceRecord, StyleRecord
from jojo_cli.styles.store import StyleStore
from jojo_cli.styles.style import Style

__all__ = [
    "Blend",
    "Origin",
    "ReferenceRecord",
    "Style",
    "StyleExistsError",
    "StyleNotFoundError",
    "StyleRecord",
    "StyleStore",
    "check_style_name",
    "style_name_from",
]
