"""What platforms with replies, buttons and settings of their own need"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("channels", sa.Column("announce", sa.Boolean(), nullable=True))
    op.add_column("messages", sa.Column("reply_to", sa.String(length=100), nullable=True))
    op.add_column("exchanges", sa.Column("retry_of", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_exchanges_retry_of"), "exchanges", ["retry_of"])
    op.create_table(
        "deliveries",
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=100), nullable=False),
        sa.Column("exchange_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_deliveries_channel_id_channels")
        ),
        sa.ForeignKeyConstraint(
            ["exchange_id"], ["exchanges.id"], name=op.f("fk_deliveries_exchange_id_exchanges")
        ),
        sa.PrimaryKeyConstraint("channel_id", "external_id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_exchange_id"), "deliveries", ["exchange_id"])
    op.create_table(
        "memos",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("written_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_memos")),
    )
