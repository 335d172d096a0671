"""The stack under test on this machine: engine, images, containers and the files that configure them.

``ladder up`` and ``ladder down`` live here. It brings things to a known state and reports what it did; it judges no
scenario. Whoever wants the stack in a mode calls ``up``; whoever wants nothing left calls ``down``.
"""
