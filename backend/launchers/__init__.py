"""Ways to start a worker: ``docker`` (one hardened container a job) and ``dummy`` (no container)."""
