from django.db import migrations

from organizations import triggers


class Migration(migrations.Migration):
    dependencies = [("attendance", "0001_initial")]

    operations = [
        migrations.RunPython(triggers.byte_order("attendance_tally"), migrations.RunPython.noop),
    ]
