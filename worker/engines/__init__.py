"""Ways of doing a job, one module each; ``worker.engines.outcome`` says what they share.

An engine changes the workspace and tells how it went. It writes no result and computes no file lists.
"""
