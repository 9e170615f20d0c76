"""Logs with labels that models are compared on: what each is, and the commands from its files to a result."""

__all__ = ["ELSEWHERE", "LOGS"]

LOGS = {
    "gecco": """\
## Drinking water (GECCO 2018)

Two consecutive logs of a waterworks: a row a minute, nine channels (CC BY 4.0 as remembered, not looked up).
The models are trained on those windows of the first log that contain no event. Rows of the first log that were
held out set the threshold. The models are then judged on the second log: {rows:,} rows, {labelled:,} of them in
{spans} events. Random scores would have an AUC-PR of {chance:.3f}. The water of the second log is colder than any
in the first, so each window has its own mean subtracted, except for PCA. Three values of K were tried on the first
log, and the best for the LSTM was taken ([why](decisions/0009-scores.md)).

    CHOICES="--time Time --labels EVENT --split-on-missing 1h"
    longstride ingest gecco2018_train.csv.gz --out first.zarr $CHOICES
    longstride ingest gecco2018_test.csv.gz --out second.zarr $CHOICES
    python -m benchmarks detect first.zarr second.zarr --name gecco \\
        --settings benchmarks/settings/gecco.toml --models {names} --seeds {seeds}
""",
    "synthetic": """\
## A synthetic log

Two machines, 1.2 million rows, eight channels. There are {spans} faults of 240 rows. In each, three channels
drift, spike, stick at a value, or no longer follow the others. So {labelled:,} rows are labelled, a share of
{chance:.3f}. The models are trained on the first 80% of the rows, with the faults and without their labels, and
judged on all rows. K was chosen on this log, and so was the choice to keep the mean of each window
([how](decisions/0009-scores.md)).

    python -m benchmarks synth --out logs --rows 1200000
    longstride ingest logs/*.csv --out plant.zarr --time time --series machine --labels fault
    python -m benchmarks detect plant.zarr plant.zarr --name synthetic \\
        --settings benchmarks/settings/synthetic.toml --models {names} --seeds {seeds}
""",
    "machine-temperature": """\
## Temperature of a machine (NAB)

One channel, a row in five minutes, from the Numenta Anomaly Benchmark (`numenta/NAB`, MIT). The models are
trained on the first 40% of the rows, without windows that hold a labelled row; the next 10% set the threshold.
They are judged on the second half: {rows:,} rows, {labelled:,} of them in {spans} labelled spans of two days
each. The labels are windows around the moment of a fault: most of their rows look as any other, so that figures
of rows are low, and spans found say more.

    jq -r 'to_entries[] | (.key | split("/")[1][:-4]) as $name | .value[] | . + [$name] | join(",")' \\
        labels/combined_windows.json | sed '1i start,end,series' > faults.csv
    longstride ingest data/realKnownCause/machine_temperature_system_failure.csv --out machine.zarr \\
        --time timestamp --series-from '(?P<series>.+)[.]csv' --label-file faults.csv --duplicates first
    python -m benchmarks detect machine.zarr machine.zarr --name machine-temperature --since {since} \\
        --settings benchmarks/settings/machine-temperature.toml --models {names} --seeds {seeds}
""",
    "nab": """\
## 47 real series (NAB)

All series of `numenta/NAB` (MIT) that were measured: servers, traffic, advertising, tweets and machines, one
channel each. Each series has a model of its own. As in that benchmark, it may learn from the first 15% of the
series alone: 12% to train on, and 3% to set the threshold, which are 121 rows of the usual series. Judged on all
rows of all series together: {rows:,}, of which {labelled:,} lie in {spans} labelled spans. The labels are windows
around a fault, and 15% of a series say little of what is normal later, so no model finds much here.

    longstride ingest data/real* --out real.zarr --time timestamp --series-from '(?P<series>.+)[.]csv' \\
        --label-file faults.csv --duplicates first --max-gap 90m
    python -m benchmarks detect real.zarr real.zarr --name nab \\
        --settings benchmarks/settings/nab.toml --models {names} --seeds {seeds}
""",
    "cisco": """\
## A router (Cisco)

Data rates of 36 interfaces, every 12 seconds for three hours, 144 channels (`cisco-ie/telemetry`,
CDLA-Permissive-1.0). Every 20 minutes an interface is shut down or enabled, or a session broken; the two
minutes after that are labelled. The models are trained on the first 45% of the rows, without windows that hold
a labelled row; the next 15% set the threshold. They are judged on the last 40%: {rows:,} rows, {labelled:,} of
them in {spans} spans. With so few spans, and 110 rows to set the threshold by, the figures are rough.

    zcat events.csv.gz | grep -E 'shutdown_|enable_|break_' | cut -d. -f1 | while read t; do
        echo $(date -u -d @$t +%FT%TZ),$(date -u -d @$((t + 120)) +%FT%TZ); done | sed '1i start,end' > changes.csv
    longstride ingest *data-rate.csv.gz --out rates.zarr --time column_1 --pivot interface-name --every 12s \\
        --channels input-data-rate,input-packet-rate,output-data-rate,output-packet-rate --dtype float64 \\
        --label-file changes.csv
    python -m benchmarks detect rates.zarr rates.zarr --name cisco --since {since} \\
        --settings benchmarks/settings/cisco.toml --models {names} --seeds {seeds}
""",
}
"""By the name that `python -m benchmarks detect` is given. Texts are filled with what was found."""

ELSEWHERE = """\
## Sets that are not here

Licences and places as their own repositories state them, unless another source is named.

| set | why |
| --- | --- |
| Exathlon (`exathlonbenchmark/exathlon`) | data under CC BY-NC-SA 4.0, which forbids commercial use |
| 3W (`petrobras/3W`) | data under CC BY 4.0; 2.7 GB, a Parquet file for each event |
| HAI (`icsdataset/hai`) | CC BY-SA 4.0; the newer logs are in Git LFS, and the older ones were not in our copy |
| BATADAL (`rtaormina/aeed`) | the repository states no licence |
| SMAP and MSL (`khundman/telemanom`) | the repository has the labels, not the values |
| CATS (Zenodo 8338435) | CC BY 4.0 (by its card on Hugging Face), but offered for download elsewhere alone |
| OPS-SAT (`kplabs-pl/OPS-SAT-AD`) | the repository has code alone; the licence of the data was not looked up |
| SWaT, WADI | on request to iTrust alone, as projects that use them say |
| Yahoo S5, UCR archive | terms of their own; not looked up |
"""
