"""Contract E with FastAPI, asyncpg and PostgreSQL: what people of a workspace say to each other."""

import os
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg
from fastapi import FastAPI, HTTPException, Query, Request
from pydantic import BaseModel

INSERT = """
    insert into messages (sender_id, recipient_id, body)
    select s.id, r.id, $3 from users s, users r where s.user_name = $1 and r.user_name = $2
    returning id, sender_id, recipient_id, body, created_at, timestamp_sent, timestamp_delivered, timestamp_read
"""
LIST = """
    select m.* from (
        (select * from messages where sender_id = $1 order by created_at desc, id desc limit $2)
        union
        (select * from messages where recipient_id = $1 order by created_at desc, id desc limit $2)
    ) m where m.created_at > now() - interval '30 days' order by m.created_at desc, m.id desc limit $2
"""


class Draft(BaseModel):
    sender_user_name: str
    recipient_user_name: str
    body: str


class Message(BaseModel):
    id: int
    sender_id: int
    recipient_id: int
    body: str
    created_at: datetime
    timestamp_sent: datetime | None
    timestamp_delivered: datetime | None
    timestamp_read: datetime | None


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=10) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/api/messages", status_code=201)
async def send(draft: Draft, request: Request) -> Message:
    pool = request.app.state.pool
    row = await pool.fetchrow(INSERT, draft.sender_user_name, draft.recipient_user_name, draft.body)
    if row is None:
        known = await pool.fetchval("select id from users where user_name = $1", draft.sender_user_name)
        raise HTTPException(404, "no such sender" if known is None else "no such recipient")
    return Message(**row)


@app.get("/api/messages/{user_name}")
async def list_messages(user_name: str, request: Request, limit: int = Query(1000, ge=1, le=1000)) -> list[Message]:
    pool = request.app.state.pool
    user = await pool.fetchval("select id from users where user_name = $1", user_name)
    if user is None:
        return []
    return [Message(**row) for row in await pool.fetch(LIST, user, limit)]
