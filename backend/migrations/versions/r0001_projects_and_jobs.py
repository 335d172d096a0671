"""Projects, jobs, attempts and idempotency keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A revision describes the schema as it was then, so it spells its types out instead of importing the models.
BIG_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the four tables."""
    _create_projects()
    _create_jobs()
    _create_attempts()
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("body_sha256", sa.String(64), nullable=False),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_idempotency_keys"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], "fk_idempotency_keys_job_id_jobs", ondelete="CASCADE"),
    )
    op.create_index("ix_idempotency_keys_job_id", "idempotency_keys", ["job_id"])


def _create_projects() -> None:
    op.create_table(
        "projects",
        sa.Column("seq", BIG_SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("instruction", sa.Text(), nullable=False),
        sa.Column("workspace_path", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("deleting_at", INSTANT),
        sa.PrimaryKeyConstraint("seq", name="pk_projects"),
        sa.UniqueConstraint("id", name="uq_projects_id"),
        sqlite_autoincrement=True,
    )


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("seq", BIG_SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project_id", sa.String(36), nullable=False),
        sa.Column("job_type", sa.String(32), nullable=False),
        sa.Column("instruction", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("failure_kind", sa.String(32)),
        sa.Column("engine", sa.String(16), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.String(36), nullable=False),
        sa.Column("traceparent", sa.String(64), nullable=False),
        sa.Column("tracestate", sa.Text()),
        sa.Column("baggage", sa.Text()),
        sa.Column("result", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("seq", name="pk_jobs"),
        sa.UniqueConstraint("id", name="uq_jobs_id"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], "fk_jobs_project_id_projects", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_project_id_seq", "jobs", ["project_id", "seq"])
    op.create_index("ix_jobs_status_seq", "jobs", ["status", "seq"])


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("seq", BIG_SERIAL, autoincrement=True, nullable=False),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("launcher", sa.String(16), nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("ref", sa.String(128)),
        sa.Column("deadline_at", INSTANT, nullable=False),
        sa.Column("stop_reason", sa.String(16)),
        sa.Column("stop_requested_at", INSTANT),
        sa.Column("container_id", sa.String(64)),
        sa.Column("image_digest", sa.String(128)),
        sa.Column("exit_code", sa.Integer()),
        sa.Column("oom_killed", sa.Boolean()),
        sa.Column("started_at", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.Column("timings_ms", sa.JSON(), nullable=False),
        sa.Column("granted", sa.JSON(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("log_bytes", sa.Integer()),
        sa.Column("log_truncated", sa.Boolean()),
        sa.Column("redactions", sa.Integer()),
        sa.PrimaryKeyConstraint("seq", name="pk_attempts"),
        sa.UniqueConstraint("job_id", "number", name="uq_attempts_job_id_number"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], "fk_attempts_job_id_jobs", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Drop the four tables, leaves first."""
    for table in ("idempotency_keys", "attempts", "jobs", "projects"):
        op.drop_table(table)
