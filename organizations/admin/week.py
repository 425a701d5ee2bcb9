"""This week's work that concerns people: the member list and the roster import."""

from django.contrib import admin
from django.urls import reverse

from organizations.admin_site import WeekTile
from organizations.models import ImportBatch, ImportState, Member, User
from organizations.paging import MOST_COUNTED


def counted(rows) -> str:
    """How many, up to where counting stays quick."""
    number = rows.order_by().values("pk")[:MOST_COUNTED].count()
    return f"{number}以上" if number == MOST_COUNTED else str(number)


def tiles(user: User) -> list[WeekTile]:
    members = reverse("admin:organizations_member_changelist")
    present = counted(Member.objects.visible_to(user).present())
    found = [WeekTile(6, "党员", "people", members, [(f"在册{present}人", members)])]
    if user.keeps_records:
        batches = reverse("admin:organizations_importbatch_changelist")
        waiting = ImportBatch.objects.manageable_by(user).filter(state=ImportState.CHECKED)
        counts = [(f"{counted(waiting)}份检查过还没存", f"{batches}?state__exact={ImportState.CHECKED}")]
        found.append(WeekTile(7, "名册导入", "upload", reverse("organizations:import_upload"), counts))
    return found


admin.site.week.append(tiles)
