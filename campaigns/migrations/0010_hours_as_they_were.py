"""Campaigns of before get the rules their classes were counted by: as long as it took.

A class as long as its clock follows them from now on; other minutes were entered by somebody.
"""

from django.db import migrations
from django.utils import timezone

SOURCE = "折算规则启用以前的做法：按实际时长。"
CANDIDATE = "《中国共产党发展党员工作细则》：对发展对象进行短期集中培训，一般不少于3天或不少于24个学时。"
KINDS = ("FULL_DAY", "HALF_DAY", "EVENING", "HOME", "SELF_STUDY", "ONLINE", "OTHER")
FORMS = {"HOME_TEACH": "HOME", "SELF_STUDY": "SELF_STUDY", "ONLINE": "ONLINE"}
CHUNK = 5000


def kind(form, starts_at, minutes):
    if form in FORMS:
        return FORMS[form]
    if timezone.localtime(starts_at).hour >= 18:
        return "EVENING"
    return "FULL_DAY" if minutes >= 300 else "HALF_DAY" if minutes >= 150 else "OTHER"


def fill(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("SET LOCAL statement_timeout = 0")
    rules = apps.get_model("campaigns", "HoursRule").objects
    for campaign in apps.get_model("campaigns", "Campaign").objects.all():
        campaign.sources = {**campaign.sources, "hours_candidate": CANDIDATE}
        campaign.save(update_fields=["sources"])
        of_kind = {
            one: rules.create(campaign=campaign, kind=one, since=campaign.starts_on, source=SOURCE).pk
            for one in KINDS
        }
        follow(apps, campaign.pk, of_kind)


def follow(apps, campaign, of_kind):
    sessions = apps.get_model("campaigns", "TrainingSession").objects.filter(campaign=campaign)
    found = {}
    for pk, form, starts_at, ends_at, minutes in sessions.values_list(
        "pk", "form__code", "starts_at", "ends_at", "minutes"
    ).iterator():
        clock = int((ends_at - starts_at).total_seconds() // 60)
        if minutes == clock:
            found.setdefault(of_kind[kind(form, starts_at, clock)], []).append(pk)
    for rule, pks in found.items():
        for start in range(0, len(pks), CHUNK):
            sessions.filter(pk__in=pks[start : start + CHUNK]).update(hours_rule=rule)


def forget(apps, schema_editor):
    apps.get_model("campaigns", "TrainingSession").objects.update(hours_rule=None)
    apps.get_model("campaigns", "HoursRule").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0009_hours_rules")]

    operations = [migrations.RunPython(fill, forget)]
