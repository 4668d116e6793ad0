"""Discord's rate limits, as far as a chat bot meets them: so many calls a window and channel."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.wire.discord.calls import EDIT, SEND, matches

COUNT = 5
SECONDS = 5.0
_BUCKETS = {"edit": EDIT, "send": SEND}


@dataclass(frozen=True, slots=True)
class Share:
    """What a call took of its bucket. `retry_after` is 0 if it may go on."""

    headers: dict[str, str]
    retry_after: float


@dataclass
class Limits:
    """Five sends and five edits in five seconds a channel, as a live server answers today."""

    _windows: dict[str, tuple[float, int]] = field(default_factory=dict)

    def take(self, method: str, path: str, now: float) -> Share:
        """Count a call that arrives now (seconds)."""
        name = next((n for n, (m, p) in _BUCKETS.items() if matches(m, p, method, path)), None)
        if name is None:
            return Share({}, 0.0)
        key = f"{name}:{path.split('/')[2]}"
        start, used = self._windows.get(key, (now, 0))
        if now >= start + SECONDS:
            start, used = now, 0
        left = start + SECONDS - now
        over = used >= COUNT
        self._windows[key] = (start, used if over else used + 1)
        headers = {
            "X-RateLimit-Bucket": f"bucket-{name}",
            "X-RateLimit-Limit": str(COUNT),
            "X-RateLimit-Remaining": str(0 if over else COUNT - used - 1),
            "X-RateLimit-Reset-After": f"{left:.3f}",
        }
        return Share(headers, left if over else 0.0)
