"""Derived rows. Each is recounted from stored rows under the lock, never changed by a delta."""

from django.db import models

from attendance.models.roster import RosterEntry
from campaigns.models import Campaign, SessionUnit, TrainingSession, Unit


class Why(models.TextChoices):
    """Why a required entry is not trained yet: exclusive, in this order of precedence."""

    NONE = "", "—"
    ABSENT = "ABSENT", "已登记缺席"
    FLOATING = "FLOATING", "流动在外"
    HOME_BOUND = "HOME_BOUND", "居家待送学"
    LEAVE = "LEAVE", "请假（事/病/公）"
    UNMARKED = "UNMARKED", "到课未登记"
    SHORT = "SHORT", "已上课未达标准"
    NO_SESSION = "NO_SESSION", "本支部尚未开课"
    NEW = "NEW", "新转入"


class StandingQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(unit__in=Unit.objects.visible_to(user))


class Standing(models.Model):
    """Where one roster entry stands: from its entry, its Attendance rows, the campaign's rule and topics.

    `first_on`/`trained_on`: the day the trained rule was first met, by FIRST rows
    only / by all rounds; null = not. `home_on`: first counted home teaching.
    `done_on`: the day the last compulsory topic was covered. `topic_mask`: topics
    covered by any counted row. `missed_mask`: compulsory topics of a class this required
    entry missed; `makeup_mask`: those of them it has not covered. `debts`: compulsory topics not
    covered (0 for a waived entry). `minutes`: of counted attended rows. Floating and
    home-bound as on the roster, so that lists need not look there.
    """

    entry = models.OneToOneField(
        RosterEntry, primary_key=True, on_delete=models.CASCADE, related_name="standing", db_constraint=False
    )
    # Half of the table or all of it: no index by campaign alone is worth its upkeep.
    campaign = models.ForeignKey(
        Campaign, on_delete=models.DO_NOTHING, related_name="standings", db_constraint=False, db_index=False
    )
    unit = models.ForeignKey(
        Unit, on_delete=models.DO_NOTHING, related_name="standings", db_constraint=False, db_index=False
    )
    required = models.BooleanField()
    left = models.BooleanField()
    is_floating = models.BooleanField(default=False)
    is_home_bound = models.BooleanField(default=False)
    first_on = models.DateField(null=True)
    trained_on = models.DateField(null=True)
    home_on = models.DateField(null=True)
    done_on = models.DateField(null=True)
    minutes = models.PositiveIntegerField(default=0)
    attended = models.PositiveIntegerField(default=0)
    absent = models.PositiveIntegerField(default=0)
    leave = models.PositiveIntegerField(default=0)
    unmarked = models.PositiveIntegerField(default=0)
    debts = models.PositiveSmallIntegerField(default=0)
    topic_mask = models.BigIntegerField(default=0)
    missed_mask = models.BigIntegerField(default=0)
    makeup_mask = models.BigIntegerField(default=0)
    why = models.CharField("未训原因", max_length=10, choices=Why, blank=True)

    objects = StandingQuerySet.as_manager()

    class Meta:
        # The second and third hold only who is on the lists that must shrink to nothing.
        indexes = [
            models.Index(fields=["unit", "entry"], name="standing_by_unit"),
            models.Index(
                fields=["unit"],
                condition=models.Q(left=False, required=True, trained_on__isnull=True),
                name="standing_not_trained",
            ),
            models.Index(
                fields=["unit"],
                condition=models.Q(left=False, required=True) & ~models.Q(makeup_mask=0),
                name="standing_owing",
            ),
            models.Index(fields=["why", "unit"], condition=~models.Q(why=""), name="standing_by_reason"),
        ]

    def __str__(self):
        return f"{self.entry_id}"


class SessionTally(models.Model):
    """One part of one session, counted by `session_unit`: the foot of its sign-in sheet.

    expected…unmarked count `EXPECTED` rows only; optional and visitors count who
    came of those. `attended` includes late. `counts`, `topic_mask` copy the session.
    """

    session_unit = models.OneToOneField(
        SessionUnit, primary_key=True, on_delete=models.CASCADE, related_name="tally", db_constraint=False
    )
    session = models.ForeignKey(
        TrainingSession, on_delete=models.DO_NOTHING, related_name="tallies", db_constraint=False
    )
    unit = models.ForeignKey(
        Unit, on_delete=models.DO_NOTHING, related_name="session_tallies", db_constraint=False
    )
    counts = models.BooleanField(default=True)
    topic_mask = models.BigIntegerField(default=0)
    expected = models.PositiveIntegerField(default=0)
    attended = models.PositiveIntegerField(default=0)
    late = models.PositiveIntegerField(default=0)
    leave = models.PositiveIntegerField(default=0)
    absent = models.PositiveIntegerField(default=0)
    unmarked = models.PositiveIntegerField(default=0)
    optional = models.PositiveIntegerField(default=0)
    visitors = models.PositiveIntegerField(default=0)
    minutes = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["session"],
                condition=models.Q(counts=True, unmarked__gt=0),
                name="sheet_with_unmarked",
            )
        ]

    def __str__(self):
        return f"{self.session_unit_id}"


class Tally(models.Model):
    """Sums of one branch unit, integers only. Every higher level is one SUM over a path range.

    `members` on the roster now, `due` of them required, `waived` the rest.
    `first`/`trained`/`done`/`home`: due entries with that day set;
    `waived_trained`, `waived_home`: waived entries likewise. `never`: due entries
    that came to nothing yet; `floating`: of all; `home_waiting`: of all, waived or home-bound
    and not taught at home yet. `why_*` sum to due − trained. `minutes` of due entries.
    expected…visitors: person-times from counted SessionTally rows; `taught_mask`:
    topics of those. A unit without people has no row.
    """

    unit = models.OneToOneField(
        Unit, primary_key=True, on_delete=models.CASCADE, related_name="tally", db_constraint=False
    )
    campaign = models.ForeignKey(
        Campaign, on_delete=models.DO_NOTHING, related_name="tallies", db_constraint=False, db_index=False
    )
    path = models.CharField(max_length=255)
    members = models.PositiveIntegerField(default=0)
    due = models.PositiveIntegerField(default=0)
    waived = models.PositiveIntegerField(default=0)
    first = models.PositiveIntegerField(default=0)
    trained = models.PositiveIntegerField(default=0)
    waived_trained = models.PositiveIntegerField(default=0)
    home = models.PositiveIntegerField(default=0)
    waived_home = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    debts = models.PositiveIntegerField(default=0)
    owed = models.PositiveIntegerField(default=0, help_text="缺过必训专题的人数，补上的也算")
    owing = models.PositiveIntegerField(default=0, help_text="有专题要补的人数")
    never = models.PositiveIntegerField(default=0)
    floating = models.PositiveIntegerField(default=0)
    home_waiting = models.PositiveIntegerField(default=0)
    why_absent = models.PositiveIntegerField(default=0)
    why_floating = models.PositiveIntegerField(default=0)
    why_home_bound = models.PositiveIntegerField(default=0)
    why_leave = models.PositiveIntegerField(default=0)
    why_unmarked = models.PositiveIntegerField(default=0)
    why_short = models.PositiveIntegerField(default=0)
    why_no_session = models.PositiveIntegerField(default=0)
    why_new = models.PositiveIntegerField(default=0)
    minutes = models.BigIntegerField(default=0)
    expected = models.PositiveIntegerField(default=0)
    attended = models.PositiveIntegerField(default=0)
    leave = models.PositiveIntegerField(default=0)
    absent = models.PositiveIntegerField(default=0)
    unmarked = models.PositiveIntegerField(default=0)
    optional = models.PositiveIntegerField(default=0)
    visitors = models.PositiveIntegerField(default=0)
    taught_mask = models.BigIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["campaign", "path"], name="tally_by_path")]

    def __str__(self):
        return f"{self.unit_id}"
