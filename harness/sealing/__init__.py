"""The seal of a run: a signature that only the holder of a key can make, and a chain that every later run continues.

Sealed evidence is tamper-evident, not tamper-proof: a seal shows that nothing changed after sealing, and says nothing
about whether the events were honest. Whoever holds the private key can seal anything; only a head that was published
before shows that the newest runs were cut off or made anew.
"""
