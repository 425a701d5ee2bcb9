"""Each part gets the end of its class, unless that was cancelled or voided."""

from django.db import migrations
from django.db.models import OuterRef, Subquery


def fill(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        # A province has a million parts; the limit is meant for pages.
        schema_editor.execute("SET LOCAL statement_timeout = 0")
    valid = apps.get_model("campaigns", "TrainingSession").objects.filter(
        pk=OuterRef("session_id"), cancelled_at__isnull=True, voided_at__isnull=True
    )
    parts = apps.get_model("campaigns", "SessionUnit").objects
    parts.update(due_at=Subquery(valid.values("ends_at")))


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0003_when_a_register_is_due")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
