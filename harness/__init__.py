"""The judge: climbs a ladder of scenarios against a running stack, from outside, and trusts nothing it can check."""
