from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("reports.urls")),
    path("", include("organizations.urls")),
    path("", include("campaigns.urls")),
    path("", include("attendance.urls")),
]

handler400 = "haizhou_training.errors.bad_request"
handler403 = "haizhou_training.errors.forbidden"
handler404 = "haizhou_training.errors.not_found"
handler500 = "haizhou_training.errors.server_error"
