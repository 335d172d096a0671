"""The program that runs inside a worker container: one job in, one result out.

It reads ``.codex/request.json``, lets one engine do the work in the mounted workspace, computes what changed from
content hashes, and leaves ``.codex/result.json``. It uses the standard library only and imports nothing of ours.
``worker.contract`` is the one module that other packages may import.
"""
