from django.urls import path

from organizations.views import accounts, audit, imports, jobs, login, members, organizations, returns

app_name = "organizations"

urlpatterns = [
    path("login/", login.Login.as_view(), name="login"),
    path("logout/", login.logout, name="logout"),
    path("password/", login.password_change, name="password_change"),
    path("members/", members.member_list, name="member_list"),
    path("members/new/", members.member_new, name="member_new"),
    path("members/<int:pk>/", members.member_detail, name="member_detail"),
    path("members/<int:pk>/edit/", members.member_edit, name="member_edit"),
    path("members/<int:pk>/reveal/", members.member_reveal, name="member_reveal"),
    path("members/<int:pk>/leave/", members.member_leave, name="member_leave"),
    path("members/<int:pk>/return/", returns.member_return, name="member_return"),
    path("organizations/", organizations.organization_list, name="organization_list"),
    path("organizations/new/", organizations.organization_new, name="organization_new"),
    path("organizations/<int:pk>/", organizations.organization_detail, name="organization_detail"),
    path("organizations/<int:pk>/edit/", organizations.organization_edit, name="organization_edit"),
    path("organizations/<int:pk>/close/", organizations.organization_close, name="organization_close"),
    path("accounts/", accounts.account_list, name="account_list"),
    path("accounts/new/", accounts.account_new, name="account_new"),
    path("accounts/bulk/", accounts.account_bulk, name="account_bulk"),
    path("accounts/slip/", accounts.account_slip, name="account_slip"),
    path("accounts/<int:pk>/", accounts.account_detail, name="account_detail"),
    path("accounts/<int:pk>/reset/", accounts.account_reset, name="account_reset"),
    path("accounts/<int:pk>/close/", accounts.account_close, name="account_close"),
    path("jobs/", jobs.job_list, name="job_list"),
    path("jobs/<uuid:uuid>/", jobs.job_detail, name="job_detail"),
    path("jobs/<uuid:uuid>/status/", jobs.job_status, name="job_status"),
    path("jobs/<uuid:uuid>/file/", jobs.job_file, name="job_file"),
    path("import/", imports.import_upload, name="import_upload"),
    path("import/template.xlsx", imports.import_template, name="import_template"),
    path("import/<int:pk>/", imports.import_detail, name="import_detail"),
    path("import/<int:pk>/store/", imports.import_store, name="import_store"),
    path("import/<int:pk>/annotated.xlsx", imports.import_annotated, name="import_annotated"),
    path("audit/", audit.audit_list, name="audit_list"),
]
