//! The database's limit: the rows of an accepted text, written by a bare loop in sets of the request's own size, with the
//! server's own durability. Nothing is parsed, looked up, sealed or answered.

use std::cell::Cell;
use std::fmt::Write as _;
use std::rc::Rc;

use anyhow::Result;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::bench::Spans;
use crate::database::{Conn, Kind, Place};
use crate::traffic::{WORDS, scattered};

/// Rows of one statement.
const ROWS: usize = 100;

/// The tables that a text is written to, and a row of each: `#1` and so on are its own numbers, `@` the time.
const TABLES: [(&str, &str); 4] = [
    (
        "messages (id, workspace_id, conversation_id, direction, channel, from_id, body, segment_count, segment_encoding,
            status, is_final, possible_duplicate, policy, generation, occurred_at, deliver_by, created_at, updated_at)",
        "(#1, 1, #2, 'outbound', 'sms', #3, '%', 1, 'GSM-7', 'queued', false, false, 'balanced', 0, @, @, @, @)",
    ),
    ("recipients (workspace_id, message_id, position, kind, address_id)", "(1, #1, 0, 'to', #4)"),
    (
        "outbox (workspace_id, kind, phase, provider, route, lane, message_id, conversation_id, due_at, deadline, tries,
            lookups, fence, may_duplicate, doubt_under_key)",
        "(1, 'message', 'send', 'carrier', '', 1, #1, #2, @, @, 0, 0, 0, false, false)",
    ),
    (
        "events (workspace_id, kind, conversation_id, message_id, data, at)",
        "(1, 'message.accepted', #2, #1, '{\"status\":\"queued\"}', @)",
    ),
];

/// Who writes to whom: a conversation, its sender and its recipient.
type Seed = (i64, i64, i64);

struct Writer {
    conn: Conn,
    seeds: Vec<Seed>,
    next: Rc<Cell<i64>>,
    now: i64,
    statements: Vec<String>,
    rows: usize,
}

/// Messages a second, in sets of that size, by that many loops at once.
pub async fn limit(place: &Place, (set, loops): (usize, usize), spans: Spans) -> Result<f64> {
    let mut conn = place.connect().await?;
    let seeds = conn
        .triples(
            "select c.id, min(m.from_id), min(r.address_id) from conversations c
             join messages m on m.workspace_id = c.workspace_id and m.conversation_id = c.id
             join recipients r on r.workspace_id = m.workspace_id and r.message_id = m.id
             where m.channel = 'sms' group by c.id order by c.id",
        )
        .await?;
    let next = Rc::new(Cell::new(conn.number("select max(id) from messages").await? + 1));
    conn.close().await?;
    let share = seeds.len() / loops;
    let begun = Instant::now();
    let written = Rc::new(Cell::new(0));
    let mut tasks = JoinSet::new();
    for seeds in seeds.chunks(share).take(loops) {
        let writer = Writer::new(place, seeds.to_vec(), (set, next.clone())).await?;
        tasks.spawn_local(writer.write(set, written.clone(), (begun, spans)));
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(f64::from(written.get()) / spans.measured.as_secs_f64())
}

impl Writer {
    async fn new(place: &Place, seeds: Vec<Seed>, (set, next): (usize, Rc<Cell<i64>>)) -> Result<Self> {
        let mut conn = place.connect().await?;
        let now = conn
            .number(match place.kind {
                Kind::Sqlite => "select max(created_at) from messages",
                Kind::Postgres => "select (extract(epoch from max(created_at)) * 1000000)::bigint from messages",
            })
            .await?;
        let rows = set.min(ROWS);
        let statements = TABLES.map(|(table, row)| insert(place.kind, (table, row), rows));
        let touch = touch(place.kind, rows);
        Ok(Self { conn, seeds, next, now, statements: [&statements[..], &[touch]].concat(), rows })
    }

    async fn write(mut self, set: usize, written: Rc<Cell<u32>>, (begun, spans): (Instant, Spans)) -> Result<()> {
        let from = begun + spans.warm_up;
        let until = from + spans.measured;
        for number in 0.. {
            self.write_set(number, set).await?;
            let now = Instant::now();
            if now >= until {
                break;
            }
            if now >= from {
                written.set(written.get() + u32::try_from(set)?);
            }
        }
        self.conn.close().await
    }

    /// Neighbours write to each other's conversations within a set, so that each is touched once, in one order.
    async fn write_set(&mut self, number: u64, set: usize) -> Result<()> {
        self.conn.run("begin").await?;
        let first = usize::try_from(scattered(number, self.seeds.len() as u64))?;
        for step in (0..set).step_by(self.rows) {
            let mut numbers = vec![self.now];
            for at in step..step + self.rows {
                let (conversation, from, to) = self.seeds[(first + at) % self.seeds.len()];
                numbers.extend([self.next.replace(self.next.get() + 1), conversation, from, to]);
            }
            for statement in &self.statements {
                self.conn.write(statement, &numbers).await?;
            }
        }
        self.conn.run("commit").await
    }
}

/// One insert of that many rows.
fn insert(kind: Kind, (table, row): (&str, &str), rows: usize) -> String {
    let mut sql = format!("insert into {table} values ");
    for at in 0..rows {
        sql.push_str(if at == 0 { "" } else { ", " });
        sql.push_str(&filled(kind, row, at));
    }
    sql
}

/// One update of that many conversations.
fn touch(kind: Kind, rows: usize) -> String {
    let pairs: Vec<String> = (0..rows).map(|at| filled(kind, "(#2, #1)", at)).collect();
    let pairs = pairs.join(", ");
    let now = kind.time("$1");
    format!(
        "update conversations set channels = channels | 1, message_count = message_count + 1, last_message_id = x.column2,
            activity_at = {now} from (values {pairs}) x where workspace_id = 1 and conversations.id = x.column1"
    )
}

fn filled(kind: Kind, row: &str, at: usize) -> String {
    let mut text = row.replace('%', WORDS).replace('@', &kind.time("$1"));
    for number in 1..=4 {
        let mut name = String::new();
        write!(name, "${}", 1 + at * 4 + number).unwrap_or_default();
        text = text.replace(&format!("#{number}"), &name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_row_stand_where_its_statement_looks_for_them() {
        let row = (TABLES[1].0, TABLES[1].1);
        assert!(insert(Kind::Sqlite, row, 2).ends_with("values (1, $2, 0, 'to', $5), (1, $6, 0, 'to', $9)"));
        assert!(touch(Kind::Sqlite, 1).contains("activity_at = $1 from (values ($3, $2)) x"));
    }
}
