"""Traces: what happened in a job, from the request that asked for it to every database write."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the five tables of traces, and let an attempt know its span."""
    op.add_column("attempts", sa.Column("span_id", sa.String(16)))
    _create_trace()
    _create_pipeline()
    _create_span()
    _create_trace_event()
    _create_db_write()


def _of_a_trace(table: str) -> tuple[sa.Column[str], sa.ForeignKeyConstraint]:
    name = f"fk_{table}_trace_id_trace"
    return (
        sa.Column("trace_id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["trace_id"], ["trace.id"], name, ondelete="CASCADE"),
    )


def _create_trace() -> None:
    op.create_table(
        "trace",
        sa.Column("seq", BIG_SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("id_format", sa.String(8), nullable=False),
        sa.Column("started_ns", sa.BigInteger(), nullable=False),
        sa.Column("capture", sa.JSON(), nullable=False),
        sa.Column("dropped", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_trace"),
        sa.UniqueConstraint("id", name="uq_trace_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_trace_started_ns_seq", "trace", ["started_ns", "seq"])


def _create_pipeline() -> None:
    op.create_table(
        "pipeline",
        sa.Column("id", sa.String(36), nullable=False),
        *_of_a_trace("pipeline"),
        sa.Column("intent_type", sa.String(64), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("started_ns", sa.BigInteger(), nullable=False),
        sa.Column("ended_ns", sa.BigInteger()),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pipeline"),
    )
    op.create_index("ix_pipeline_trace_id", "pipeline", ["trace_id"])
    op.create_index("ix_pipeline_intent_type_status", "pipeline", ["intent_type", "status"])


def _create_span() -> None:
    op.create_table(
        "span",
        *_of_a_trace("span"),
        sa.Column("span_id", sa.String(16), nullable=False),
        sa.Column("parent_span_id", sa.String(16)),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("layer", sa.String(8), nullable=False),
        sa.Column("component", sa.String(128), nullable=False),
        sa.Column("operation", sa.String(128), nullable=False),
        sa.Column("trigger", sa.String(128), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=False),
        sa.Column("end_ns", sa.BigInteger()),
        sa.Column("duration_ns", sa.BigInteger()),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("error_type", sa.String(128)),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("ordinal", sa.Integer()),
        sa.Column("concurrent", sa.Boolean(), nullable=False),
        sa.Column("service", sa.String(16), nullable=False),
        sa.Column("instance", sa.String(128), nullable=False),
        sa.Column("dropped_counts", sa.JSON(), nullable=False),
        sa.Column("incomplete", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("trace_id", "span_id", name="pk_span"),
    )


def _create_trace_event() -> None:
    op.create_table(
        "trace_event",
        sa.Column("instance", sa.String(128), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        *_of_a_trace("trace_event"),
        sa.Column("span_id", sa.String(16), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("time_ns", sa.BigInteger(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("instance", "seq", name="pk_trace_event"),
    )
    op.create_index("ix_trace_event_trace_id", "trace_event", ["trace_id"])


def _create_db_write() -> None:
    op.create_table(
        "db_write",
        sa.Column("seq", BIG_SERIAL, autoincrement=True, nullable=False),
        *_of_a_trace("db_write"),
        sa.Column("span_id", sa.String(16), nullable=False),
        sa.Column("instance", sa.String(128), nullable=False),
        sa.Column("system", sa.String(32), nullable=False),
        sa.Column("txn_id", sa.String(16), nullable=False),
        sa.Column("stmt_seq", sa.Integer(), nullable=False),
        sa.Column("op", sa.String(16)),
        sa.Column("tables", sa.JSON()),
        sa.Column("batch_size", sa.Integer(), nullable=False),
        sa.Column("rows", sa.BigInteger()),
        sa.Column("rows_source", sa.String(16), nullable=False),
        sa.Column("fingerprint_v", sa.Integer()),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("error_type", sa.String(128)),
        sa.Column("sqlstate", sa.String(5)),
        sa.Column("started_ns", sa.BigInteger(), nullable=False),
        sa.Column("duration_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_db_write"),
    )
    op.create_index("ix_db_write_trace_id", "db_write", ["trace_id"])


def downgrade() -> None:
    """Drop what ``upgrade`` made, leaves first; traces are lost, jobs are not."""
    for table in ("db_write", "trace_event", "span", "pipeline", "trace"):
        op.drop_table(table)
    # Not in batch mode: that would make the table anew on SQLite, and anew its numbers could come twice.
    op.drop_column("attempts", "span_id")
