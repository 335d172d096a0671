"""What several test folders share: a served backend, and a launcher whose workers end when a test says so."""
