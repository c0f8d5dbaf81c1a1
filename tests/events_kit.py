"""A listener that remembers."""

from jojo_cli.events import Announcement, Caution, Ended, Event, Note, Progress


class Story:
    """What a listener was told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Note)]

    @property
    def cautions(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Caution)]

    @property
    def announced(self) -> list[str]:
        """What was to be fetched: name, licence and folder."""
        announcements = [event for event in self.events if isinstance(event, Announcement)]
        return [f"{file.name} {file.licence} {a.folder}" for a in announcements for file in a.downloads]

    @property
    def titles(self) -> list[str]:
        """What was worked on, in the order in which it began; all of it must have ended."""
        titles = list(dict.fromkeys(event.title for event in self.events if isinstance(event, Progress)))
        ended = [event.title for event in self.events if isinstance(event, Ended)]
        assert sorted(titles) == sorted(set(ended))
        return titles


def interrupt(event: Event) -> None:
    """Press Ctrl-C when something has come."""
    if isinstance(event, Progress) and event.done:
        raise KeyboardInterrupt
