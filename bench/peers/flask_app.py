"""Contract C with Flask, psycopg 3 and PostgreSQL: texts sent and received, and the history of a phone."""

import os
from datetime import datetime, timezone

from flask import Flask, jsonify, request
from psycopg_pool import ConnectionPool

FIELDS = ("senderPhone", "receiverPhone", "messageText", "timestamp", "uuid")
INSERT = """
    insert into messages (uuid, sender, receiver, body, sent_at) values (%s, %s, %s, %s, %s)
    on conflict (uuid) do nothing returning id
"""
SAME = "select 1 from messages where uuid = %s and sender = %s and receiver = %s and body = %s"
HISTORY = """
    select * from (
        select m.* from (
            (select * from messages where sender = %(phone)s order by sent_at desc, id desc limit %(limit)s)
            union
            (select * from messages where receiver = %(phone)s order by sent_at desc, id desc limit %(limit)s)
        ) m order by m.sent_at desc, m.id desc limit %(limit)s
    ) newest order by sent_at, id
"""

app = Flask(__name__)
pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=4, max_size=4, open=True)


def take(answer):
    body = request.get_json(silent=True) or request.form
    missing = [name for name in FIELDS if not body.get(name)]
    if missing:
        return jsonify(message="missing: " + ", ".join(missing)), 400
    sender, receiver, text, at, uuid = (body[name] for name in FIELDS)
    try:
        at = datetime.fromtimestamp(int(at), timezone.utc)
    except (ValueError, OverflowError):
        return jsonify(message="timestamp must be Unix seconds"), 400
    with pool.connection() as connection:
        stored = connection.execute(INSERT, (uuid, sender, receiver, text, at)).fetchone()
        if stored is None and connection.execute(SAME, (uuid, sender, receiver, text)).fetchone() is None:
            return jsonify(message="this uuid was used for another message"), 409
    return jsonify(message=answer)


@app.post("/api/send-sms")
def send_sms():
    return take("SMS sent successfully")


@app.post("/api/receive-sms")
def receive_sms():
    return take("SMS received successfully")


@app.get("/api/get-conversation/<phone>")
def get_conversation(phone):
    limit = min(max(request.args.get("limit", 1000, int), 1), 1000)
    with pool.connection() as connection:
        rows = connection.execute(HISTORY, {"phone": phone, "limit": limit}).fetchall()
    if not rows:
        return jsonify(message="User not found"), 404
    messages = [
        {
            "phone_number": receiver if sender == phone else sender,
            "message_text": body,
            "timestamp": int(sent_at.timestamp()),
            "direction": "sent" if sender == phone else "received",
        }
        for _, _, sender, receiver, body, sent_at in rows
    ]
    return jsonify(messages=messages)
