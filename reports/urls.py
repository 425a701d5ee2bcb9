from django.urls import path

from reports.views import dashboard, home, reports

app_name = "reports"

urlpatterns = [
    path("", home.home, name="home"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("dashboard/definitions/", dashboard.definition_list, name="definition_list"),
    path("dashboard/<int:campaign_pk>/<int:unit_pk>/", dashboard.unit_dashboard, name="unit_dashboard"),
    path(
        "dashboard/<int:campaign_pk>/<int:unit_pk>/<str:code>/",
        dashboard.indicator_list,
        name="indicator_list",
    ),
    path("reports/", reports.report_list, name="report_list"),
    path("reports/request/", reports.report_request, name="report_request"),
]
