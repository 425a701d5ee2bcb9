"""The site of the ledger (台账): its front page, its door, and what it leaves to the workbench."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.i18n import JavaScriptCatalog

from organizations.models import User


@dataclass(frozen=True)
class WeekTile:
    """One thing an organizer does this week, above the models: where it is done, and what waits there.

    `place`: the order. `counts`: (words, address of exactly these).
    """

    place: int
    label: str
    icon: str
    url: str
    counts: Sequence[tuple[str, str]] = ()


class OurWords(JavaScriptCatalog):
    """What Django's scripts say, in our words: its own catalogue reads the places of apps only."""

    def get_paths(self, packages):
        return [*super().get_paths(packages), *settings.LOCALE_PATHS]


class LedgerSite(admin.AdminSite):
    """One admin site for active accounts that read records; login and passwords are the workbench's.

    `week`: functions of an account that give its tiles; each app adds its own.
    """

    site_title = "海州冬训台账"
    site_header = "海州冬训台账"
    index_title = "台账"
    site_url = "/"
    enable_nav_sidebar = False

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.week: list[Callable[[User], Sequence[WeekTile]]] = []

    def index(self, request, extra_context=None):
        tiles = [tile for of in self.week for tile in of(request.user)]
        tiles.sort(key=lambda tile: tile.place)
        return super().index(request, {"tiles": tiles, **(extra_context or {})})

    def admin_view(self, view, cacheable=False):
        """Who is logged in and may not read records gets 403, not a second login page."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request, *args, **kwargs):
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied
            return inner(request, *args, **kwargs)

        return guarded

    def i18n_javascript(self, request, extra_context=None):
        return OurWords.as_view(packages=["django.contrib.admin"])(request)

    @method_decorator(login_not_required)
    @method_decorator(never_cache)
    def login(self, request, extra_context=None):
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def logout(self, request, extra_context=None):
        return redirect("admin:index")

    def password_change(self, request, extra_context=None):
        return redirect("organizations:password_change")

    def get_urls(self):
        # Only pages we mean to offer: no second password page, no redirects by content type.
        dropped = {"password_change_done", "view_on_site"}
        return [pattern for pattern in super().get_urls() if getattr(pattern, "name", "") not in dropped]
