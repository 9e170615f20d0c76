"""How far apart rows are, as heads of many makers tell it."""

import pytest

from longstride.pipeline.profile.head.facts import Facts, find_facts


def told(*lines: str) -> Facts:
    return find_facts(lines, 2)


@pytest.mark.parametrize(
    ("line", "every"),
    [
        ("%Sample Rate = 250.0 Hz", "250hz"),
        ("Sampling rate: 100", "100hz"),
        ("# fs=25600", "25600hz"),
        ("Sample rate [kHz]: 2.5", "2500hz"),
        ("Abtastrate;50;Hz", "50hz"),
        ("Frequency: 1 MS/s", "1000000hz"),
        ("--- made by a logger, date format M/d/yyyy at 30 Hz  Filter Normal ---", "30hz"),
        ("Sampling interval (s): 0.01", "100hz"),
        ("Interval = 500 us", "2000hz"),
        ("# interval = seconds: 60", "1m"),
        ("Scan interval: 10 s", "10s"),
        ("Log interval, 15 min", "15m"),
        ("Epoch Period (hh:mm:ss) 00:00:15", "15s"),
        ("Delta_X\t3,906250E-5\t3,906250E-5", "25600hz"),
        ("Sample Interval,Analog:2.0E-7", "5000000hz"),
        ("dt=0.3 ms", "300us"),
        ("CH1,CH2,t0 = -0.002, tInc = 1e-06", "1000000hz"),
    ],
)
def test_ways_to_tell_a_step(line: str, every: str) -> None:
    assert told("A log", line).every == every


@pytest.mark.parametrize(
    "line",
    [
        "Sample rate: 1,000 Hz",
        "Interval = decibars: 1",
        "Sample rate: 0 Hz",
        "Sample rate: -5",
        "Heart: 60",
        "Baud rate: 9600",
        "Epoch Period 00:00:00",
        "Sample rate: unknown",
        "Averaging interval: 60 s",
    ],
)
def test_what_tells_no_step(line: str) -> None:
    assert told("A log", line).every is None


def test_keys_above_what_they_say() -> None:
    assert told("X,CH1,Start,Increment,", "Sequence,Volt,-1.0e-05,1.0e-07,").every == "10000000hz"


def test_heads_that_contradict_themselves_tell_nothing() -> None:
    facts = told("Sample rate: 100 Hz", "Interval: 1 s")
    assert facts.every is None
    assert [step.every for step in facts.steps] == ["100hz", "1s"]
    assert told("Sample rate: 100 Hz", "Interval: 10 ms").every == "100hz"
    assert told("Delta_X\t0.5\t0.25").every is None


def test_rows_along_another_axis() -> None:
    assert told("X_Dimension\tTime", "Delta_X\t0.5").every == "2hz"
    assert told("X_Dimension\tFrequency", "Delta_X\t0.5").every is None


def test_a_rate_that_few_digits_hide() -> None:
    (step,) = told("Delta_X\t0.000977").steps
    assert (step.every, step.alike, step.unit) == ("977us", "1024hz", "s")
    (step,) = told("interval = seconds: 0.0416667").steps
    assert (step.every, step.alike, step.unit) == ("41.6667ms", "24hz", None)
    (step,) = told("interval = seconds: 0.02").steps
    assert (step.every, step.alike) == ("50hz", None)


def test_how_many_rows_there_are() -> None:
    length = told("Samples\t8192\t8192").length
    assert length is not None
    assert length[0] == 8192
    assert told("Samples\t8192\t100").length is None
