from django.db import migrations

from organizations import triggers


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]

    operations = [
        migrations.RunPython(triggers.byte_order("campaigns_unit"), migrations.RunPython.noop),
    ]
