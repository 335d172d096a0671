"""The subject: accepts jobs over HTTP, runs each in a fresh worker container, and records what happened.

Order of the layers: ``app`` → ``api`` → ``service`` → dispatcher, launchers, workspace, repository → ``models``.
It knows nothing of the harness; with the worker it shares ``worker.contract`` and nothing else.
"""
