// The store of the form on SQLite, as durable as the server's own: WAL with a sync for each commit.

import Database from "better-sqlite3";

export function open(path) {
    const database = new Database(path);
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    database.exec(`
        create table if not exists messages (
            message_id integer primary key,
            recipient_phone text not null,
            message_body text not null,
            timestamp text not null
        ) strict;
        create index if not exists messages_time_idx on messages (timestamp, message_id);
    `);
    const insert = database.prepare(
        "insert into messages (recipient_phone, message_body, timestamp) values (?, ?, ?) returning *",
    );
    const list = database.prepare("select * from messages order by timestamp desc, message_id desc limit ?");
    return {
        add: (phone, text, at) => insert.get(phone, text, at.toISOString()),
        list: (limit) => list.all(limit),
    };
}
