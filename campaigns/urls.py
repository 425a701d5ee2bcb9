from django.urls import path

from campaigns.views import (
    campaigns,
    hours,
    service,
    sessions,
    trainees,
)

app_name = "campaigns"

urlpatterns = [
    path("campaigns/", campaigns.campaign_list, name="campaign_list"),
    path("campaigns/new/", campaigns.campaign_new, name="campaign_new"),
    path("campaigns/<int:campaign_pk>/", campaigns.campaign_detail, name="campaign_detail"),
    path("campaigns/<int:campaign_pk>/edit/", campaigns.campaign_edit, name="campaign_edit"),
    path("campaigns/<int:campaign_pk>/programme/", campaigns.campaign_programme, name="campaign_programme"),
    path("campaigns/<int:campaign_pk>/hours/rules/", hours.hours_rules, name="hours_rules"),
    path("campaigns/<int:campaign_pk>/board/", campaigns.board, name="board"),
    path("campaigns/<int:campaign_pk>/board/branches/", campaigns.board_branches, name="board_branches"),
    path("sessions/", sessions.session_list, name="session_list"),
    path("sessions/new/", sessions.session_new, name="session_new"),
    path("sessions/<int:pk>/", sessions.session_detail, name="session_detail"),
    path("sessions/<int:pk>/edit/", sessions.session_edit, name="session_edit"),
    path("sessions/<int:pk>/cancel/", sessions.session_cancel, name="session_cancel"),
    path("sessions/<int:pk>/others/", trainees.session_trainees, name="session_trainees"),
    path("sessions/<int:pk>/others/add/", trainees.session_trainees_add, name="session_trainees_add"),
    path("sessions/<int:pk>/others/drop/", trainees.session_trainee_drop, name="session_trainee_drop"),
    path("sessions/<int:pk>/others/heads/", trainees.session_heads, name="session_heads"),
    path("service/", service.service_list, name="service_list"),
    path("service/new/", service.service_new, name="service_new"),
    path("service/owners/", service.service_owners, name="service_owners"),
    path("service/<int:pk>/", service.service_detail, name="service_detail"),
    path("service/<int:pk>/edit/", service.service_edit, name="service_edit"),
    path("service/<int:pk>/note/", service.service_note, name="service_note"),
    path("service/<int:pk>/resolve/", service.service_resolve, name="service_resolve"),
    path("service/<int:pk>/confirm/", service.service_confirm, name="service_confirm"),
    path("service/<int:pk>/reopen/", service.service_reopen, name="service_reopen"),
    path("service/<int:pk>/drop/", service.service_drop, name="service_drop"),
]
