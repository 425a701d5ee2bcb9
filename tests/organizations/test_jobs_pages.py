"""The job pages: progress that stops, files checked again at download."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from organizations.models import AuditEvent, Job
from organizations.services import jobs
from tests.base import Cast, fixture_writes, once, query_count

pytestmark = pytest.mark.django_db


built, cast = once(Cast)


def ask(user, title="北山镇统计表"):
    return jobs.enqueue(
        kind="tests.nothing", title=title, requested_by=user, organization=user.organization, params={}
    )


def finish(job):
    jobs.publish(jobs.claim(job.pk), name="冬训统计表.xlsx", content=b"bytes")


def url(name, job):
    return reverse(f"organizations:{name}", args=[job.uuid])


def test_the_page_asks_every_two_seconds_until_the_job_is_over(cast, client):
    job = ask(cast.north_organizer)
    client.force_login(cast.north_organizer)
    assert 'hx-trigger="every 2s"' in client.get(url("job_detail", job)).content.decode()
    finish(job)
    shown = client.get(url("job_status", job)).content.decode()
    assert "hx-trigger" not in shown and "下载 冬训统计表.xlsx" in shown


def test_a_long_wait_says_what_it_waits_for(cast, client):
    job = ask(cast.north_organizer)
    client.force_login(cast.north_organizer)
    assert "还在等后台处理程序" not in client.get(url("job_status", job)).content.decode()
    with fixture_writes():
        Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(seconds=70))
    assert "还在等后台处理程序" in client.get(url("job_status", job)).content.decode()


def test_a_failed_job_says_why(cast, client):
    job = ask(cast.north_organizer)
    jobs.fail(jobs.claim(job.pk), "名册还没建好，请先建名册。")
    client.force_login(cast.north_organizer)
    assert "请先建名册" in client.get(url("job_detail", job)).content.decode()


def test_the_file_comes_with_its_chinese_name_and_is_in_the_audit(cast, client):
    job = ask(cast.north_organizer)
    finish(job)
    client.force_login(cast.north_organizer)
    response = client.get(url("job_file", job))
    assert response.content == b"bytes" and response["Cache-Control"] == "no-store"
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''%E5%86%AC")
    assert AuditEvent.objects.filter(action="job.downloaded", actor=cast.north_organizer).count() == 1


def test_scope_and_role_are_read_at_download(cast, client):
    job = ask(cast.north_organizer)
    finish(job)
    client.force_login(cast.north_organizer)
    with fixture_writes():
        cast.north_organizer.role = "RECORDER"
        cast.north_organizer.save()
    assert client.get(url("job_file", job)).status_code == 404
    with fixture_writes():
        cast.north_organizer.role, cast.north_organizer.organization = "ORGANIZER", cast.south
        cast.north_organizer.save()
    assert client.get(url("job_file", job)).status_code == 404


def test_an_expired_file_is_said_to_be_gone(cast, client):
    job = ask(cast.north_organizer)
    finish(job)
    with fixture_writes():
        job.refresh_from_db()
        job.file.delete()
    client.force_login(cast.north_organizer)
    assert "保留期" in client.get(url("job_detail", job)).content.decode()
    assert client.get(url("job_file", job)).status_code == 404


def test_jobs_of_the_other_township_do_not_exist(cast, client):
    job = ask(cast.south_organizer, "南河金丝雀统计表")
    finish(job)
    client.force_login(cast.north_organizer)
    for name in ("job_detail", "job_status", "job_file"):
        assert client.get(url(name, job)).status_code == 404
    assert "金丝雀" not in client.get(reverse("organizations:job_list")).content.decode()


def test_the_list_costs_the_same_for_one_and_for_three(cast, client):
    client.force_login(cast.north_organizer)
    for title in ("甲表", "乙表", "丙表"):
        ask(cast.north_organizer, title)
    url = reverse("organizations:job_list")
    assert query_count(client, url, q="甲") == query_count(client, url)
