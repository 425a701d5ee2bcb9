from django.db import migrations

AT_ONCE = 2000


def fill(apps, schema_editor):
    """The field decrypts; only the last four digits are kept in clear."""
    Member = apps.get_model("organizations", "Member")
    waiting = Member.objects.exclude(phone_digest="").order_by("pk").only("pk", "phone")
    chunk = list(waiting[:AT_ONCE])
    while chunk:
        for member in chunk:
            member.phone_tail = member.phone[-4:]
        Member.objects.bulk_update(chunk, ["phone_tail"], batch_size=500)
        chunk = list(waiting.filter(pk__gt=chunk[-1].pk)[:AT_ONCE])


def drop_unstored_imports(apps, schema_editor):
    """Their checked lines went with the column `rows`: nothing is left that could be stored."""
    apps.get_model("organizations", "ImportBatch").objects.filter(state="CHECKED").update(state="DROPPED")


class Migration(migrations.Migration):
    dependencies = [("organizations", "0004_rosters_in_pieces_and_people_who_change")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(drop_unstored_imports, migrations.RunPython.noop, elidable=True),
    ]
