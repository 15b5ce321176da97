//! Large databases, made once and kept: their conversations by the server, their history by statements of our own, since
//! what was carried long ago waits for nobody.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use anyhow::{Result, ensure};

use crate::database::{Conn, Kind, Place};
use crate::server::Program;
use crate::traffic::{BATCH, batch_of, draft_to};

/// Messages of one conversation.
pub const DEPTH: i64 = 100;
/// A word that one message in a hundred holds.
pub const RARE: &str = "umbrella";
/// Messages stored by one statement.
const STEP: i64 = 50_000;
/// Changed whenever what is made here is.
const EDITION: &str = "1";
/// Between two messages, in microseconds: a million of them in ten days.
const GAP: i64 = 864_000;

/// The database of that many messages, made where it is not there yet, or is of another schema.
pub async fn grown(program: &Program, place: &Place, messages: i64) -> Result<()> {
    let mark = place.folder.join("grown");
    let wanted = format!("{EDITION} {messages} {}", schema(place.kind)?);
    if fs::read_to_string(&mark).is_ok_and(|found| found == wanted) && place.connect().await.is_ok() {
        return Ok(());
    }
    crate::say(&format!("making {} with {messages} messages (once)", place.kind));
    place.make().await?;
    begin(program, place, messages / DEPTH).await?;
    let mut conn = place.connect().await?;
    history(&mut conn, place.kind, messages).await?;
    conn.close().await?;
    Ok(fs::write(mark, wanted)?)
}

/// Changes with every migration of the server.
fn schema(kind: Kind) -> Result<u64> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(kind.folder());
    let mut files: Vec<_> = fs::read_dir(&folder)?.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// One message of each conversation, by the server.
async fn begin(program: &Program, place: &Place, conversations: i64) -> Result<()> {
    let server = program.start(place).await?;
    server.pause().await?;
    let people: Vec<u64> = (0..u64::try_from(conversations)?).collect();
    for people in people.chunks(usize::try_from(BATCH)?) {
        let drafts: Vec<String> = people.iter().map(|person| draft_to(*person)).collect();
        let answer = server.post("/api/messages/batch", &batch_of(&drafts)).await?;
        ensure!(answer["accepted"] == people.len(), "a batch was not accepted as a whole: {answer}");
    }
    Ok(())
}

async fn history(conn: &mut Conn, kind: Kind, messages: i64) -> Result<()> {
    conn.run("delete from outbox; update messages set status = 'delivered', is_final = true").await?;
    conn.run("create table bench_seeds (n bigint primary key, conversation_id bigint, from_id bigint, to_id bigint)")
        .await?;
    conn.run(
        "insert into bench_seeds select row_number() over (order by m.id) - 1, m.conversation_id, m.from_id, r.address_id
         from messages m join recipients r on r.workspace_id = m.workspace_id and r.message_id = m.id",
    )
    .await?;
    let base = conn.number("select max(id) from messages").await? + 1;
    let conversations = conn.number("select count(*) from bench_seeds").await?;
    let now = conn
        .number(match kind {
            Kind::Sqlite => "select max(created_at) from messages",
            Kind::Postgres => "select (extract(epoch from max(created_at)) * 1000000)::bigint from messages",
        })
        .await?;
    let rest = messages - conversations;
    let story = Story { kind, base, conversations, first: now - rest * GAP };
    for from in (0..rest).step_by(usize::try_from(STEP)?) {
        conn.run(&story.chapter(from, (from + STEP).min(rest))).await?;
    }
    conn.run(&story.end(base + rest)).await
}

struct Story {
    kind: Kind,
    /// The first id.
    base: i64,
    conversations: i64,
    /// When it begins.
    first: i64,
}

impl Story {
    /// The messages of those numbers, in one transaction.
    fn chapter(&self, from: i64, to: i64) -> String {
        let Self { kind, base, conversations, first } = self;
        let steps = match kind {
            Kind::Sqlite => format!(
                "with recursive steps (i) as (select {from} union all select i + 1 from steps where i + 1 < {to})"
            ),
            Kind::Postgres => format!("with steps (i) as (select generate_series({from}::bigint, {to}::bigint - 1))"),
        };
        let at = kind.time(&format!("{first} + i * {GAP}"));
        let is_ours = format!("i / {conversations} % 2 = 0");
        let body = format!(
            "'order ' || i || ' will be with you tomorrow before noon'
                || case when (i + i / {conversations} * 37) % {DEPTH} = 0 then ' {RARE}' else '' end"
        );
        let seeds = format!("from steps join bench_seeds s on s.n = i % {conversations}");
        let data =
            if *kind == Kind::Sqlite { "'{\"status\":\"delivered\"}'" } else { "jsonb '{\"status\":\"delivered\"}'" };
        let search = match kind {
            Kind::Sqlite => format!(
                "insert into message_search (rowid, subject, body) {steps} select {base} + i, '', {body} from steps"
            ),
            Kind::Postgres => format!(
                "insert into message_search (workspace_id, message_id, words)
                 {steps} select 1, {base} + i, to_tsvector('simple', {body}) from steps"
            ),
        };
        format!(
            "begin;
            insert into messages (id, workspace_id, conversation_id, direction, channel, from_id, body, segment_count,
                segment_encoding, status, is_final, possible_duplicate, policy, generation, occurred_at, created_at, updated_at)
            {steps} select {base} + i, 1, s.conversation_id, case when {is_ours} then 'outbound' else 'inbound' end, 'sms',
                case when {is_ours} then s.from_id else s.to_id end, {body}, 1, 'GSM-7',
                case when {is_ours} then 'delivered' else 'received' end, true, false,
                case when {is_ours} then 'balanced' end, 0, {at}, {at}, {at} {seeds};
            insert into recipients (workspace_id, message_id, position, kind, address_id)
            {steps} select 1, {base} + i, 0, 'to', case when {is_ours} then s.to_id else s.from_id end {seeds};
            insert into events (workspace_id, kind, conversation_id, message_id, data, at)
            {steps} select 1, case when {is_ours} then 'message.accepted' else 'message.received' end, s.conversation_id,
                {base} + i, {data}, {at} {seeds};
            {search};
            commit"
        )
    }

    /// What follows from all of them.
    fn end(&self, next: i64) -> String {
        let planned = match self.kind {
            Kind::Sqlite => "pragma wal_checkpoint(truncate)".to_owned(),
            Kind::Postgres => {
                format!("select setval(pg_get_serial_sequence('messages', 'id'), {}); analyze; checkpoint", next - 1)
            }
        };
        format!(
            "update conversations set message_count = x.messages, last_message_id = x.last
                from (select conversation_id, count(*) as messages, max(id) as last from messages group by conversation_id) x
                where x.conversation_id = conversations.id;
            delete from settings where name = 'search_mark';
            insert into settings (name, value) select 'search_mark', cast(max(id) as text) from events;
            drop table bench_seeds;
            {planned}"
        )
    }
}
