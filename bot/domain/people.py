"""People: what they may do, what they agree to, how far they are trusted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member may do. The order of declaration is the order of power."""

    MEMBER = "member"
    MODERATOR = "moderator"
    ADMIN = "admin"

    def may_act_as(self, needed: Role) -> bool:
        """Whether this role includes the rights of `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Consent:
    """What a member allows. Each step includes none of the others.

    `answered`: the bot may reply to them. `remembered`: their words may be stored and used as
    context. `trained`: replies to them may become training examples; None means that they have not
    chosen, and the CONSENT setting decides.
    """

    answered: bool = True
    remembered: bool = True
    trained: bool | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who said it, in a platform's own ids; `role` is what the platform or the settings grant.

    `role_known`: whether the platform could say it. What is not known grants nothing, and is not
    remembered.
    """

    platform: str
    id: str
    name: str
    role: Role = Role.MEMBER
    is_bot: bool = False
    role_known: bool = True

    @property
    def key(self) -> str:
        """`platform:id`, as ADMINS and MODERATORS in the settings name people."""
        return f"{self.platform}:{self.id}"


@dataclass(frozen=True, slots=True)
class Member:
    """A person whom the store knows. `trust` weighs their votes: 0 ignores them, 1 is full."""

    id: int
    platform: str
    external_id: str
    name: str
    role: Role
    consent: Consent
    trust: float = 1.0
