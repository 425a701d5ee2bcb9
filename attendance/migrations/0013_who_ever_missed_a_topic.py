"""The new columns of who was already on the roster; as in 0009, a recount would wait while a unit is frozen."""

from django.db import migrations
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce


def fill(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("SET LOCAL statement_timeout = 0")
    standings = apps.get_model("attendance", "Standing").objects
    rows = apps.get_model("attendance", "Attendance").objects.filter(
        entry=OuterRef("entry"), counts=True, part="EXPECTED", status__in=["leave", "absent"]
    )
    missing = standings.filter(Q(absent__gt=0) | Q(leave__gt=0), required=True)
    for topic in apps.get_model("campaigns", "Topic").objects.filter(is_compulsory=True):
        bit = 1 << topic.bit
        about = rows.annotate(hit=F("topic_mask").bitand(bit)).filter(hit__gt=0)
        missing.filter(Exists(about), campaign=topic.campaign_id).update(missed_mask=F("missed_mask") + bit)
    owed = standings.filter(left=False, required=True, missed_mask__gt=0, unit=OuterRef("unit"))
    counted = owed.order_by().values("unit").annotate(n=Count("pk")).values("n")
    apps.get_model("attendance", "Tally").objects.update(owed=Coalesce(Subquery(counted), 0))


class Migration(migrations.Migration):
    dependencies = [("attendance", "0012_leaves_and_guests")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
