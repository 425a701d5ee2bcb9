from django.db import migrations

from organizations import triggers


class Migration(migrations.Migration):
    dependencies = [("organizations", "0001_initial")]

    operations = [
        migrations.RunPython(triggers.byte_order("organizations_organization"), migrations.RunPython.noop),
        migrations.RunPython(triggers.byte_order("organizations_auditevent"), migrations.RunPython.noop),
        migrations.RunPython(triggers.install, triggers.remove),
    ]
