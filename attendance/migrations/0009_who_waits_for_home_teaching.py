"""Of whom nothing is asked waits for home teaching too; as in 0007, a recount would wait while a unit is frozen."""

from django.db import migrations
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce


def fill(apps, schema_editor):
    people = apps.get_model("attendance", "Standing").objects.filter(
        left=False, home_on=None, unit=OuterRef("unit")
    )
    listed = people.filter(Q(required=False) | Q(is_home_bound=True)).order_by().values("unit")
    waiting = Subquery(listed.annotate(n=Count("pk")).values("n"))
    apps.get_model("attendance", "Tally").objects.update(home_waiting=Coalesce(waiting, 0))


class Migration(migrations.Migration):
    dependencies = [("attendance", "0008_who_changed_the_roster")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
