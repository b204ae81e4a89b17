"""Models of the programs with SQLAlchemy."""

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Fruit(Base):
    __tablename__ = "fruits"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
