"""A recipe proposed from a sample of logs, with what was seen and what is in doubt."""

from longstride.pipeline.profile.findings import profile
from longstride.pipeline.profile.proposal import Proposal

__all__ = ["Proposal", "profile"]
