"""The sweep: whatever has outlived its retention rule goes, whoever forgot it. `python -m pipelines.sweep`.

__main__.py   the command, run as `ray job submit … -- python -m pipelines.sweep [--dry-run]`
sweep.py      shards of due work from PostgreSQL, handed out, counted, looked at again
erase.py      what a worker does with a shard: idempotent, and committed by itself
orphans.py    objects that no row names, and whether that may be believed
rows.py       rows that end by time alone, one rule for each category of the data map
workers.py    Ray Data: ids go in, outcomes come out
report.py     counts by category and outcome
stores.py     what each process opens, as the database role `i2v_pipeline`
"""
