"""A round trip by SQLAlchemy with asyncio; the argument is the URL."""

import asyncio
import sys

from models import Base, Fruit
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


async def main() -> None:
    engine = create_async_engine(sys.argv[1])
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as session, session.begin():
        session.add_all([Fruit(name="Äpfel"), Fruit(name="Birnen")])
    async with AsyncSession(engine) as session:
        names = list(await session.scalars(select(Fruit.name).order_by(Fruit.id)))
        assert names == ["Äpfel", "Birnen"], names
    await engine.dispose()


asyncio.run(main())
