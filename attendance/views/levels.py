"""A level with more people than a page may compare: it says which one below to open."""

from django.shortcuts import render

from attendance.queries import forecast
from attendance.views.getters import unit_crumbs


def levels(request, unit, title, people, **more):
    """What else was asked for stays in the address."""
    context = {
        "campaign": unit.campaign,
        "unit": unit,
        "crumbs": unit_crumbs(unit, request.user),
        "base": request.path,
        "title": title,
        "people": people,
        "children": forecast.children_of(unit),
    }
    return render(request, "attendance/levels.html", context | more)
