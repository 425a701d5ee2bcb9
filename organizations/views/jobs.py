from datetime import timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from organizations.models import Job
from organizations.paging import key_page
from organizations.services import downloads

PATIENCE = timedelta(minutes=1)


def visible_jobs(user):
    return Job.objects.visible_to(user).select_related("requested_by", "organization")


@require_GET
def job_list(request):
    """What was asked of the background, newest first."""
    text = request.GET.get("q", "").strip()
    rows = visible_jobs(request.user).filter(title__contains=text)
    context = {"page": key_page(request, rows, "-id"), "query": text}
    return render(request, "organizations/job_list.html", context)


def job_context(request, job: Job) -> dict:
    waits = job.state == Job.State.PENDING and timezone.now() - job.created_at > PATIENCE
    return {"job": job, "waits_for_worker": waits, "may_download": may_download(request.user, job)}


def may_download(user, job: Job) -> bool:
    """The role is read now, not when the job was asked for."""
    return job.state == Job.State.READY and job.file_id is not None and user.exports_reports


@require_GET
def job_detail(request, uuid):
    """One job: how far it is, its file, or why it was not done."""
    job = get_object_or_404(visible_jobs(request.user), uuid=uuid)
    return render(request, "organizations/job_detail.html", job_context(request, job))


@require_GET
def job_status(request, uuid):
    """The part of the page that changes; it asks again until the job is over."""
    job = get_object_or_404(visible_jobs(request.user), uuid=uuid)
    return render(request, "organizations/_job_status.html", job_context(request, job))


@require_GET
def job_file(request, uuid):
    """The finished file. Scope and role are read again, and the download is an event."""
    job = get_object_or_404(visible_jobs(request.user).select_related("file"), uuid=uuid)
    if not may_download(request.user, job):
        raise Http404
    downloads.record_download(actor=request.user, job=job)
    response = HttpResponse(bytes(job.file.content), content_type=job.file.content_type)
    response["Content-Disposition"] = content_disposition_header(True, job.file.name)
    response["Cache-Control"] = "no-store"
    return response
