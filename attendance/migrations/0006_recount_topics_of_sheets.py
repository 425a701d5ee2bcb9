"""The new columns are derived: the recount fills them. Until it ran, pages say that it is under way."""

from django.db import migrations
from django.utils import timezone


def ask(apps, schema_editor):
    campaigns = apps.get_model("campaigns", "Campaign").objects
    campaigns.filter(roster_drawn_on__isnull=False).update(recount_due_at=timezone.now())


class Migration(migrations.Migration):
    dependencies = [("attendance", "0005_topics_of_sheets")]

    operations = [migrations.RunPython(ask, migrations.RunPython.noop)]
