"""A round trip by SQLAlchemy; the argument is the URL."""

import sys

from models import Base, Fruit
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

engine = create_engine(sys.argv[1])
Base.metadata.create_all(engine)
with Session(engine) as session, session.begin():
    session.add_all([Fruit(name="Äpfel"), Fruit(name="Birnen")])
with Session(engine) as session:
    names = list(session.scalars(select(Fruit.name).order_by(Fruit.id)))
    assert names == ["Äpfel", "Birnen"], names
