"""A database of either kind with a capture on it, and a sink that remembers."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backend.database import connect
from backend.tracing.capture import install

TRACE = "0198a1b2c3d47e5f8a9b0c1d2e3f4051"
PLACE = (TRACE, "00f067aa0ba902b7")


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    size: Mapped[int] = mapped_column(default=1)
    __table_args__ = (UniqueConstraint("name"),)


class Part(Base):
    """A part names its item, which is looked up at COMMIT only."""

    __tablename__ = "parts"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", deferrable=True, initially="DEFERRED"))


class Sink:
    def __init__(self):
        self.writes, self.ddls, self.drops = [], [], []

    def db_write(self, write):
        self.writes.append(write)

    def db_ddl(self, ddl):
        self.ddls.append(ddl)

    def dropped(self, stage):
        self.drops.append(stage)


@dataclass
class Observed:
    """An engine, what was seen of it, and the place that its statements come from."""

    engine: object
    sink: object = field(default_factory=Sink)
    place: object = field(default_factory=lambda: ContextVar("place", default=PLACE))
    capture: object = None

    def watch(self):
        self.capture = install(self.engine, self.sink, self.place.get)
        return self

    @property
    def kind(self):
        return self.engine.dialect.name

    @property
    def writes(self):
        return self.sink.writes

    def only(self):
        """The one write that there was."""
        (write,) = self.sink.writes
        assert self.sink.drops == []
        return write

    def outcomes(self):
        assert self.sink.drops == []
        return [str(write.outcome) for write in self.sink.writes]

    def count(self, table="items"):
        """How many rows there really are, asked over a connection of our own."""
        other = connect(self.engine.url.render_as_string(hide_password=False))
        with other.connect() as connection:
            rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
        other.dispose()
        return rows


def observe(url):
    engine = connect(url)
    Base.metadata.create_all(engine)
    return Observed(engine).watch()
