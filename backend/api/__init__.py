"""The HTTP contract: thin routes over the service, one error envelope, limits and waiting."""
