"""Records what happened: spans, events and database writes of one trace, and the pipeline view of each job."""
