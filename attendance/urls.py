from django.urls import path

from attendance.views import (
    changes,
    confirming,
    corrections,
    entries,
    home,
    lists,
    makeup,
    merging,
    moves,
    paper,
    register,
    roster,
)

app_name = "attendance"

urlpatterns = [
    path("sessions/<int:pk>/register/", register.register, name="register"),
    path("sessions/<int:pk>/marks/", register.marks, name="marks"),
    path("sessions/<int:pk>/visitors/", register.visitors, name="visitors"),
    path("sessions/<int:pk>/undo/", register.register_undo, name="register_undo"),
    path("sessions/<int:pk>/close/", register.part_close, name="part_close"),
    path("sessions/<int:pk>/reopen/", register.part_reopen, name="part_reopen"),
    path("sessions/<int:pk>/sheet/", paper.sheet_print, name="sheet_print"),
    path("sessions/<int:pk>/rows/", lists.session_rows, name="session_rows"),
    path("sessions/<int:pk>/correct/", corrections.session_correct, name="session_correct"),
    path("sessions/<int:pk>/void/", corrections.session_void, name="session_void"),
    path("members/<int:pk>/merge/", merging.member_merge, name="member_merge"),
    path("members/<int:pk>/training/", entries.member_training, name="member_training"),
    path("members/<int:pk>/move/", moves.member_move, name="member_move"),
    path("transfers/<int:pk>/accept/", moves.transfer_accept, name="transfer_accept"),
    path("organizations/<int:pk>/merge/", moves.branch_merge, name="branch_merge"),
    path("campaigns/<int:campaign_pk>/roster/", lists.roster_list, name="roster_list"),
    path("campaigns/<int:campaign_pk>/roster/draw/", roster.roster_draw, name="roster_draw"),
    path("campaigns/<int:campaign_pk>/roster/changes/", changes.roster_changes, name="roster_changes"),
    path("campaigns/<int:campaign_pk>/roster/history/", changes.roster_history, name="roster_history"),
    path("campaigns/<int:campaign_pk>/roster/confirm/", confirming.roster_confirm, name="roster_confirm"),
    path(
        "campaigns/<int:campaign_pk>/roster/unconfirmed/",
        confirming.roster_unconfirmed,
        name="roster_unconfirmed",
    ),
    path("campaigns/<int:campaign_pk>/home/", home.home_list, name="home_list"),
    path("campaigns/<int:campaign_pk>/roster/waiting/", changes.roster_waiting, name="roster_waiting"),
    path("entries/<int:pk>/", entries.entry_detail, name="entry_detail"),
    path("entries/<int:pk>/waiver/", entries.waiver_set, name="waiver_set"),
    path("entries/<int:pk>/waiver/end/", entries.waiver_end, name="waiver_end"),
    path("campaigns/<int:campaign_pk>/makeup/", makeup.makeup_list, name="makeup_list"),
    path("campaigns/<int:campaign_pk>/makeup/new/", makeup.makeup_new, name="makeup_new"),
]
