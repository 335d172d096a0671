"""The judge's senses: HTTP, polling, the files of a project, and the engine's events. They observe and decide nothing.

Each is handed its clock, its sleep, its redactor and its sink; what it returns are the values of
``harness.judging.observation``, redacted, in which a failure is a value too. One module speaks HTTP (``client`` with
``wire`` under it), one speaks to the engine (``engine``).
"""
