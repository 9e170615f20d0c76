"""Where every row that came in went, as the report and the store say it."""

from longstride import IngestReport
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore


def assert_balanced(report: IngestReport, *, rows_before: int = 0) -> SeriesStore:
    """Check the equation for each file and the number of rows in the store, and give the store."""
    for file in report.files:
        rejected = sum(file.rejected.values())
        accounted = file.rows_out + rejected + file.deduplicated + file.merged + file.filtered
        assert file.rows_in == accounted, file.in_words()
    store = open_store(report.store)
    rows_out = sum(file.rows_out for file in report.files)
    assert store.num_rows == report.num_rows == rows_before + rows_out + report.rows_added
    newest = store.attributes["sources"][len(store.attributes["sources"]) - len(report.files) :]
    for told, file in zip(newest, report.files, strict=True):
        assert {key: told[key] for key in ("rows_in", "rows_out", "filtered", "deduplicated", "merged")} == {
            key: getattr(file, key) for key in ("rows_in", "rows_out", "filtered", "deduplicated", "merged")
        }
    return store


def series_of_rows(store: SeriesStore) -> list[str]:
    """Series of each row, of a store whose segments cover all rows."""
    segments = store.segments
    assert (segments.stop - segments.start).sum() == store.num_rows
    return [
        store.series[series]
        for start, stop, series in zip(segments.start, segments.stop, segments.series, strict=True)
        for _ in range(stop - start)
    ]


def segments_of(store: SeriesStore) -> list[tuple[int, int, str]]:
    """First row, row after the last, and series of each segment."""
    segments = store.segments
    return [
        (int(start), int(stop), store.series[series])
        for start, stop, series in zip(segments.start, segments.stop, segments.series, strict=True)
    ]
