from django.db import migrations
from django.db.models import Count, OuterRef, Subquery


def fill(apps, schema_editor):
    """Heads counted before were kept with the class; where it has one branch they are that branch's."""
    Session = apps.get_model("campaigns", "TrainingSession")
    SessionUnit = apps.get_model("campaigns", "SessionUnit")
    counted = Session.objects.filter(counted_heads__isnull=False).annotate(n=Count("parts")).filter(n=1)
    heads = Session.objects.filter(pk=OuterRef("session")).values("counted_heads")
    SessionUnit.objects.filter(session__in=counted.values("pk")).update(counted_heads=Subquery(heads))


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0012_heads_of_a_branch")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
