"""Fill what 0003 and 0005 added, from stored rows: the recount asked for since waits while a unit is frozen."""

from collections import defaultdict

from django.db import migrations
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

CHUNK = 500


def fill(apps, schema_editor):
    models = {name: apps.get_model("attendance", name).objects for name in ("RosterEntry", "Standing")}
    for flag in ("is_floating", "is_home_bound"):
        flagged = models["RosterEntry"].filter(**{flag: True})
        models["Standing"].filter(entry__in=flagged, **{flag: False}).update(**{flag: True})
    tallies = apps.get_model("attendance", "Tally").objects
    people = models["Standing"].filter(left=False, unit=OuterRef("unit"))
    tallies.update(
        never=counted(people, required=True, trained_on=None, attended=0),
        floating=counted(people, is_floating=True),
        home_waiting=counted(people, is_home_bound=True, home_on=None),
    )
    sessions = apps.get_model("campaigns", "TrainingSession").objects.filter(pk=OuterRef("session"))
    sheets = apps.get_model("attendance", "SessionTally").objects
    sheets.update(topic_mask=Coalesce(Subquery(sessions.values("topic_mask")), 0))
    fill_taught(tallies, sheets.filter(counts=True))


def counted(people, **condition):
    groups = people.filter(Q(**condition)).order_by().values("unit")
    return Coalesce(Subquery(groups.annotate(n=Count("pk")).values("n")), 0)


def fill_taught(tallies, sheets):
    """SQLite has no BIT_OR. Many branches were taught the same: one statement for 500 of those."""
    masks, units = defaultdict(int), defaultdict(list)
    for unit, mask in sheets.order_by().values_list("unit_id", "topic_mask").distinct():
        masks[unit] |= mask
    for unit, mask in masks.items():
        units[mask].append(unit)
    for mask, alike in units.items():
        for start in range(0, len(alike), CHUNK):
            tallies.filter(pk__in=alike[start : start + CHUNK]).update(taught_mask=mask)


class Migration(migrations.Migration):
    dependencies = [
        ("attendance", "0006_recount_topics_of_sheets"),
        ("campaigns", "0006_index_valid_sessions"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
