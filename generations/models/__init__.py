"""What the app keeps, by subject: runs and their pictures, batches, approvals, talks, engines."""

from __future__ import annotations

from generations.models.approvals import Approval, ApprovalPicture
from generations.models.assist import AssistDay, ChatMessage, Conversation, DismissedHint
from generations.models.batches import Batch, BatchCharge, BatchItem
from generations.models.defaults import LimitSetting
from generations.models.engines import (
    EngineDay,
    EngineHealth,
    EngineRoute,
    EngineSwitch,
    ProviderConsent,
    StaffNotice,
    UsagePrice,
)
from generations.models.exports import DataExport
from generations.models.problems import ProblemReport
from generations.models.runs import Generation, Picture

__all__ = [
    "Approval",
    "ApprovalPicture",
    "AssistDay",
    "Batch",
    "BatchCharge",
    "BatchItem",
    "ChatMessage",
    "Conversation",
    "DataExport",
    "DismissedHint",
    "EngineDay",
    "EngineHealth",
    "EngineRoute",
    "EngineSwitch",
    "Generation",
    "LimitSetting",
    "Picture",
    "ProblemReport",
    "ProviderConsent",
    "StaffNotice",
    "UsagePrice",
]
