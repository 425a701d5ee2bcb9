from campaigns.models.campaigns import (
    Campaign,
    CampaignKind,
    ProgrammeGroup,
    ProgrammeItem,
    Round,
    Stage,
    Topic,
    TrainedRule,
    TrainingForm,
    Unit,
)
from campaigns.models.hours import HoursKind, HoursRule, clock_minutes, hours_kind
from campaigns.models.service import ServiceEvent, ServiceTask
from campaigns.models.sessions import Department, Lecturer, SessionUnit, TrainingSession
from campaigns.models.trainees import HeadCount, Trainee, TraineeCategory

__all__ = [
    "Campaign",
    "CampaignKind",
    "Department",
    "HeadCount",
    "HoursKind",
    "HoursRule",
    "Lecturer",
    "ProgrammeGroup",
    "ProgrammeItem",
    "Round",
    "ServiceEvent",
    "ServiceTask",
    "SessionUnit",
    "Stage",
    "Topic",
    "TrainedRule",
    "Trainee",
    "TraineeCategory",
    "TrainingForm",
    "TrainingSession",
    "Unit",
    "clock_minutes",
    "hours_kind",
]
