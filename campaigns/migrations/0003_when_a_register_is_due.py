from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_path_byte_order")]

    operations = [
        migrations.AddField(
            model_name="sessionunit",
            name="due_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
