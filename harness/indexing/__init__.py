"""The index of runs: a cache beside the bundles that makes listing ten thousand of them as quick as listing ten.

``.ladder/index.sqlite3`` below an evidence root holds what ``run.json`` of each run says, and a mark by which a change
shows. Every listing looks at every folder and reads what is new or changed; so the index hides nothing and invents
nothing, can be thrown away at any time, and no run depends on it.
"""
