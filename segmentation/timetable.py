"""When a scheduled destination is due next: pure, and right on the days on which clocks change."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def next_at(schedule: str, at: time | None, weekday: int | None, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return the first instant after now at which local time and weekday are these, or None without a schedule."""
    if not schedule or at is None:
        return None
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(9))
    instants = (
        datetime.combine(day, at, zone) for day in days if schedule == "daily" or day.isoweekday() == (weekday or 1)
    )
    return next((one for one in instants if one.timestamp() > now.timestamp()), None)
