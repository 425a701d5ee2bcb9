"""This week's work that concerns classes and service."""

from django.contrib import admin
from django.urls import reverse

from campaigns.admin.filters import sessions_in
from campaigns.models import ServiceTask
from campaigns.queries import task_states
from organizations.admin.week import counted
from organizations.admin_site import WeekTile
from organizations.models import User


def tiles(user: User) -> list[WeekTile]:
    sessions = reverse("admin:campaigns_trainingsession_changelist")
    tasks = reverse("admin:campaigns_servicetask_changelist")
    week, missing = (counted(sessions_in(user, word)) for word in ("week", "missing"))
    of_week = (f"本周{week}场", f"{sessions}?state=week")
    of_missing = (f"{missing}场课上过了未点名", f"{sessions}?state=missing")
    mine = ServiceTask.objects.visible_to(user)
    counts = [
        (f"{words}{counted(mine.filter(task_states()[word][1]))}件", f"{tasks}?progress={word}")
        for word, words in (("open", "办理中"), ("overdue", "超期"))
    ]
    if not user.keeps_records:
        seen = WeekTile(1, "场次", "calendar3", sessions, [of_week, of_missing])
        return [seen, WeekTile(4, "办实事", "house-heart", tasks, counts)]
    return [
        WeekTile(1, "记一堂课", "calendar3", f"{sessions}add/", [of_week]),
        WeekTile(2, "点名", "check-circle", f"{sessions}?state=missing", [of_missing]),
        WeekTile(4, "记实事", "house-heart", f"{tasks}add/", counts),
    ]


admin.site.week.append(tiles)
