"""What no row can be called is refused with words, never with a server error."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from campaigns.forms.sessions import first_values
from campaigns.models import TrainingSession
from campaigns.queries import current_campaign
from tests.campaigns.scene import make_session

NONSENSE = ["²", "9" * 30, "9" * 5000, "-1", "x"]
LONG = "9" * 30


@pytest.fixture
def north(client, cast):
    client.force_login(cast.north_organizer)
    return client


@pytest.mark.parametrize("text", NONSENSE, ids=["sign", "30", "5000", "minus", "letter"])
def test_no_number_is_no_row(north, cast, campaign, text):
    roster = SimpleUploadedFile("名册.xlsx", b"x")
    upload = {"organization": text, "file": roster}
    assert north.post(reverse("organizations:import_upload"), upload).status_code in (404, 422)
    assert north.get(reverse("organizations:member_list"), {"unit": text}).status_code == 404
    assert current_campaign(cast.officer, text) is None


@pytest.mark.parametrize("text", NONSENSE, ids=["sign", "30", "5000", "minus", "letter"])
@pytest.mark.parametrize("name", ["form", "topics", "units"])
def test_a_forged_choice_of_a_class_is_refused(north, campaign, branch, name, text):
    values = {**first_values(campaign, branch), "form": campaign.forms.first().pk, name: [text]}
    assert north.post(reverse("campaigns:session_new"), values).status_code == 422


def test_a_forged_choice_of_accounts_is_refused(north, cast):
    values = {"role": "ORGANIZER", "organizations": [LONG]}
    assert north.post(reverse("organizations:account_bulk"), values).status_code == 422


def test_a_forged_row_of_the_programme_is_refused(client, cast, campaign):
    client.force_login(cast.officer)
    one = {"-TOTAL_FORMS": 1, "-INITIAL_FORMS": 1}
    values = {f"{prefix}{end}": n for prefix in ("groups", "items", "topics") for end, n in one.items()}
    values |= {f"{prefix}-0-pk": LONG for prefix in ("groups", "items", "topics")}
    values |= {f"{prefix}-0-name": "名" for prefix in ("groups", "items", "topics")}
    answer = client.post(reverse("campaigns:campaign_programme", args=[campaign.pk]), values)
    assert answer.status_code == 422


def ledger_url(model, page, *args):
    return reverse(f"admin:{model}_{page}", args=args)


@pytest.mark.parametrize(
    "model, condition",
    [
        ("organizations_member", "id_digest__regex=("),
        ("organizations_member", "id_digest__startswith=a"),
        ("organizations_member", f"id__in={LONG}"),
        ("organizations_organization", "path__gt=0"),
        ("campaigns_trainingsession", f"id__in={LONG}"),
    ],
)
def test_a_list_of_the_ledger_takes_its_own_filters_only(north, cast, model, condition):
    assert north.get(ledger_url(model, "changelist") + "?" + condition).status_code == 400


def test_the_filters_beside_a_list_work(client, cast, campaign):
    client.force_login(cast.officer)
    for model, condition in [
        ("organizations_member", "category__exact=FULL&show=floating"),
        ("campaigns_lecturer", "kind__exact=EXPERT&department__id__exact=1"),
        ("campaigns_lecturer", "department__isnull=True"),
        ("campaigns_servicetask", "kind__exact=OTHER"),
    ]:
        assert client.get(ledger_url(model, "changelist") + "?" + condition).status_code == 200


def test_the_ledger_form_takes_forged_choices_and_years_with_a_sentence(north, cast, campaign, branch):
    session = make_session(cast.north_organizer, campaign, branch)
    add = ledger_url("campaigns_trainingsession", "add")
    assert north.get(add, {"host": LONG, "topics": LONG}).status_code == 200
    values = {"title": "课", "host": LONG, "form": LONG, "topics": [LONG], "round": "FIRST"}
    moments = {"starts_at": "0001-01-01T00:00", "ends_at": "9999-12-31T23:59"}
    assert north.post(add, values | moments).status_code == 200
    good = {"title": "课", "form": session.form_id, "method": "LECTURE", "round": "FIRST"}
    answer = north.post(add, good | moments | {"host": branch.pk})
    assert answer.status_code == 200 and "请核对年份" in answer.content.decode()
    assert TrainingSession.objects.count() == 1


@pytest.mark.parametrize("rows", ["groups", "items", "topics"])
@pytest.mark.parametrize("count", ["TOTAL_FORMS", "INITIAL_FORMS"])
@pytest.mark.parametrize("number", ["0", "1", "25"])
def test_a_forged_number_of_rows_of_the_programme_changes_nothing(
    client, cast, campaign, rows, count, number
):
    client.force_login(cast.officer)
    page = reverse("campaigns:campaign_programme", args=[campaign.pk])
    forms = client.get(page).context["forms"]
    shown = {"version": forms.version}
    for formset in (forms.groups, forms.items, forms.topics):
        for form in [formset.management_form, *formset]:
            for field in form:
                if field.value() not in (None, False):
                    shown[field.html_name] = field.value()
    words = list(campaign.groups.values_list("pk", "name")), list(campaign.topics.values_list("pk", "name"))
    answer = client.post(page, shown | {f"{rows}-{count}": number})
    assert answer.status_code in (302, 422)
    assert words[0] == list(campaign.groups.values_list("pk", "name"))
    assert words[1] == list(campaign.topics.values_list("pk", "name"))
