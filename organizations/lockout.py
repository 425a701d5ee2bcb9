"""Who may not try a password for a while. django-axes counts and forgets; this says what is counted.

An account on one device is locked after 5 failures: whoever mistypes locks only themselves, and a room of
thirty behind one address is thirty devices. A stranger takes a new device for each try, so the account itself
locks after 20 failures, but only for devices from which it never came in: on the morning of a class the
organizer's own phone still opens. Browsers without our cookie are one device together. An address locks
nothing.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from organizations.devices import device_of
from organizations.fields import digest
from organizations.models import User


def pair(request, credentials=None) -> list[list[str]]:
    """What django-axes counts by: account and device, which stands where the browser names itself."""
    return [["username", "user_agent"]]


def name_digest(request, credentials=None) -> str:
    """Under what the failures of a typed account name are kept. Not the name: people type passwords there."""
    typed = (credentials or {}).get("username") or request.POST.get("username", "")
    return kept_name(typed)


def kept_name(username: str) -> str:
    return digest(f"login:{username.strip()}")


def recent(username: str):
    """The failures of one account name that still count."""
    since = timezone.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    return AccessAttempt.objects.filter(username=kept_name(username), attempt_time__gte=since)


def failures(username: str) -> int:
    return recent(username).aggregate(n=Sum("failures_since_start"))["n"] or 0


def is_held(username: str) -> bool:
    """Whether some device, or every unknown one, is turned away from this account just now."""
    return bool(held_among([username]))


def held_among(usernames: Iterable[str]) -> set[str]:
    """Which of these are turned away just now, in one query."""
    kept = {kept_name(username): username for username in usernames}
    since = timezone.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    recently = AccessAttempt.objects.filter(username__in=kept, attempt_time__gte=since)
    counts: dict[str, list[int]] = defaultdict(list)
    per_device = recently.order_by().values("username", "user_agent")
    for row in per_device.annotate(n=Sum("failures_since_start")):
        counts[row["username"]].append(row["n"])
    return {kept[name] for name, failed in counts.items() if too_many(failed)}


def too_many(counts: list[int]) -> bool:
    """Failures by device: so many that one of them, or every unknown one, is turned away."""
    most_of_all = settings.LOGIN_FAILURES_OF_ONE_ACCOUNT
    return bool(counts) and (max(counts) >= settings.AXES_FAILURE_LIMIT or sum(counts) >= most_of_all)


def release(username: str) -> int:
    """Forget the failures of an account; how many there were."""
    count = failures(username)
    AccessAttempt.objects.filter(username=kept_name(username)).delete()
    return count


class DeviceHandler(AxesDatabaseHandler):
    """Failures per account and device; `user_agent`, which anybody can make up, holds the device's number."""

    def get_failures(self, request, credentials=None) -> int:
        """As many as lock: on this device, or of the whole account where the device is unknown to it."""
        self.name_device(request)
        here = super().get_failures(request, credentials)
        username = (credentials or {}).get("username") or request.POST.get("username", "")
        if here >= settings.AXES_FAILURE_LIMIT or self.is_known(request, username):
            return here
        everywhere = failures(username) >= settings.LOGIN_FAILURES_OF_ONE_ACCOUNT
        return max(here, settings.AXES_FAILURE_LIMIT) if everywhere else here

    def user_login_failed(self, sender, credentials, request=None, **kwargs):
        self.name_device(request)
        super().user_login_failed(sender, credentials, request, **kwargs)

    def user_logged_in(self, sender, request, user, **kwargs):
        """The failures on this device are forgiven; what strangers tried elsewhere still counts."""
        self.name_device(request)
        super().user_logged_in(sender, request, user, **kwargs)

    @staticmethod
    def name_device(request) -> None:
        if request is not None:
            request.axes_user_agent = device_of(request).number

    @staticmethod
    def is_known(request, username: str) -> bool:
        # The same queries for a name that exists and one that does not.
        pk = User.objects.filter(username=username.strip()).values_list("pk", flat=True).first()
        return pk is not None and device_of(request).knows(pk)
