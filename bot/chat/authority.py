"""Who somebody is here: the role that settings and platform grant them, and how far it reaches."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bot.domain import ChannelKind, Person, Place, Role
from bot.platforms.formatting import readable
from bot.settings import Settings

_OWN: Final = ("terminal", "web")
"""Platforms of this machine alone; whoever gets that far is no stranger."""


def known_as(settings: Settings, person: Person, place: Place) -> Person:
    """The person with the role that counts here, and with a name that fits a prompt.

    Anybody can make a server, invite a bot to it and be its admin. So what a platform grants counts
    only in the communities that the settings name, if they name any.
    """
    home = f"{place.platform}:{place.community}"
    counts = place.platform in _OWN or not settings.communities or home in settings.communities
    name = " ".join(readable(person.name).replace(":", " ").split())[:40]
    granted = replace(
        person,
        id=readable(person.id),
        name=name or "member",
        role=person.role if counts else Role.MEMBER,
    )
    return replace(granted, role=settings.role_of(granted))


def is_at_home(person: Person) -> bool:
    """Whether the person sits at this machine, where nobody takes anything from anybody else."""
    return person.platform in _OWN


def is_private(place: Place) -> bool:
    """Whether what is said in a place is seen by the one who asked alone, on any platform."""
    return place.kind is ChannelKind.DIRECT or place.platform in _OWN


def reaches_everywhere(settings: Settings, person: Person) -> bool:
    """Whether the person may look at replies of all communities, and not of their own only."""
    if is_at_home(person):
        return True
    return settings.role_of(replace(person, role=Role.MEMBER)).may_act_as(Role.MODERATOR)
