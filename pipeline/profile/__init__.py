"""A recipe proposed from a sample of logs, with what was seen and what is in doubt."""

from pipeline.profile.findings import profile
from pipeline.profile.proposal import Proposal

__all__ = ["Proposal", "profile"]
