"""The hour that comes twice in the night in which clocks are set back, and the zone that it tells."""

import polars as pl

from longstride.pipeline.ingest.times.autumn_nights import IN_EUROPE, zone_of_autumn
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.words.zone_words import NO_ZONE

__all__ = ["find_zone", "is_set_back"]


def find_zone(draft: Proposal) -> None:
    """Propose the zone that an hour tells which comes twice: in Europe, each clock has another one."""
    recipe = draft.times[0].recipe
    if NO_ZONE not in draft.doubts or "timezone" in draft.settings or draft.is_newest_first:
        return
    whose = ["group", "time", *draft.keys]
    rows = draft.rows.select(*whose, again=pl.int_range(pl.len()).over(whose))
    again = rows.filter(pl.col("again") > 0)["time"].drop_nulls()
    zone = zone_of_autumn(again)
    hours = again.cast(pl.Datetime("ns")).dt.truncate("1h").unique().sort()
    if (
        (recipe.epoch and not recipe.epoch.is_local)
        or zone is None
        or zone not in IN_EUROPE.values()
        or rows["again"].max() != 1
    ):
        return
    if any(zone_of_autumn(hours.slice(place, 1)) != zone for place in range(len(hours))):
        return  # some others repeat a time as well
    which = pl.when(pl.col("again") > 0).then(pl.lit("latest")).otherwise(pl.lit("earliest"))
    local = pl.col("time").cast(pl.Datetime("ns")).dt.replace_time_zone(zone, ambiguous=which, non_existent="null")
    times = rows.select(local.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.Int64)).to_series()
    steps = draft.rows.with_columns(times.alias("time")).select(pl.col("time").diff().over("block", *draft.keys))
    if times.null_count() > rows["time"].null_count() or (steps.to_series() < 0).any():
        return  # a time that is left out in spring, or rows in another order
    night = f"{hours[0]:%Y-%m-%d}"
    draft.doubts[draft.doubts.index(NO_ZONE)] = (
        f"timezone: an hour comes twice from {hours[0]:%H:%M} on in the night of {night}, in which clocks are set "
        f"back: times are read as local times of {zone}, or of another place with the same clocks, and the order "
        "of rows tells the two hours apart. If they are in UTC, leave out timezone and ambiguous"
    )
    draft.put("timezone", zone, "the hour that comes twice is that of its clocks")
    draft.put("ambiguous", "infer", "the order of rows tells the two hours apart")
    draft.rows = draft.rows.with_columns(times.alias("time"))


def is_set_back(draft: Proposal) -> bool:
    """Whether most times that come again lie in the night in which clocks are set back."""
    rows = draft.rows.drop_nulls("time")
    is_again = ~rows.select(pl.struct("group", "time").is_first_distinct()).to_series()
    return zone_of_autumn(rows["time"].filter(is_again)) is not None
