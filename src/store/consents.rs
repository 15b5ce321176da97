//! Consent: every change with its evidence, and who gets nothing now.

use std::collections::HashSet;

use serde::Serialize;
use sqlx::types::Json;

use super::{Dialect, NewEvent, Page, PageRequest, Position, Result, Tx, on, set};
use crate::domain::{
    AddressId, ConsentChannel, ConsentId, ConsentSource, ConsentState, EventKind, MessageId, Timestamp, WorkspaceId,
};

/// A change of consent to be stored.
#[derive(Debug, Clone)]
pub struct NewConsent<'a> {
    /// Whose.
    pub address: AddressId,
    /// On what.
    pub channel: ConsentChannel,
    /// How it stands from now on.
    pub state: ConsentState,
    /// What brought it about.
    pub source: ConsentSource,
    /// Whose doing it was, as [`crate::domain::Who`] is written; empty for the address's owner.
    pub actor: &'a str,
    /// What shows it, by ids and words.
    pub evidence: serde_json::Value,
}

/// A change of consent.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ConsentRow {
    /// Its id.
    pub id: ConsentId,
    /// Whose.
    pub address_id: AddressId,
    /// On what.
    pub channel: ConsentChannel,
    /// How it stood from then on.
    pub state: ConsentState,
    /// What brought it about.
    pub source: ConsentSource,
    /// Whose doing it was; empty for the address's owner.
    pub actor: String,
    /// What shows it.
    pub evidence: Json<serde_json::Value>,
    /// When.
    pub at: Timestamp,
}

/// An address on a channel.
pub type Reach = (AddressId, ConsentChannel);

/// A recipient of a message who wants none: the message's workspace, its id, and their place among its recipients.
pub type LeftOut = (WorkspaceId, MessageId, i64);

/// Why they get none, in the API.
pub const OPTED_OUT: &str = "opted_out";

#[derive(Serialize)]
struct Asked(i64, &'static str);

impl Tx {
    /// Holds consent as it is until this unit of work ends: what it hands to a sender was allowed at its commit.
    pub async fn share_consent(&mut self) -> Result<()> {
        const SQL: &str = "select pg_advisory_xact_lock_shared(7303, 0)";
        if self.is_postgres() {
            on!(self, |conn| sqlx::query(SQL).execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    /// Waits for every unit of work that holds consent, so that none hands anything over by what was before.
    pub async fn lock_consent(&mut self) -> Result<()> {
        const SQL: &str = "select pg_advisory_xact_lock(7303, 0)";
        if self.is_postgres() {
            on!(self, |conn| sqlx::query(SQL).execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    /// Writes a change of consent down, with its event; nothing when it stands so already. The caller has locked it.
    pub async fn put_consent(
        &mut self,
        workspace: WorkspaceId,
        new: &NewConsent<'_>,
        now: Timestamp,
    ) -> Result<Option<ConsentId>> {
        const SQL: &str = "insert into consents (workspace_id, address_id, channel, state, source, actor, evidence, at)
            select $1, $2, $3, $4, $5, $6, $7, $8
            where coalesce((select state from consents where workspace_id = $1 and address_id = $2 and channel = $3
                order by id desc limit 1), '') <> $4
            returning id";
        let id: Option<ConsentId> = on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(workspace).bind(new.address).bind(new.channel).bind(new.state);
            let query = query.bind(new.source).bind(new.actor).bind(Json(&new.evidence)).bind(now);
            query.fetch_optional(conn).await
        })?;
        let Some(id) = id else { return Ok(None) };
        self.put_opt_out(workspace, (new.address, new.channel), new.state).await?;
        let data = serde_json::json!({ "consent_id": id, "channel": new.channel, "state": new.state });
        self.record(NewEvent::of_workspace(workspace, EventKind::ConsentChanged, now).with(data));
        Ok(Some(id))
    }

    async fn put_opt_out(&mut self, workspace: WorkspaceId, reach: Reach, state: ConsentState) -> Result<()> {
        const OUT: &str = "insert into opt_outs (workspace_id, address_id, channel) values ($1, $2, $3)
            on conflict (workspace_id, address_id, channel) do nothing";
        const IN: &str = "delete from opt_outs where workspace_id = $1 and address_id = $2 and channel = $3";
        let sql = match state {
            ConsentState::OptedOut => OUT,
            ConsentState::OptedIn => IN,
        };
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(reach.0).bind(reach.1).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// The change that counts for an address on a channel.
    pub async fn find_consent(&mut self, workspace: WorkspaceId, reach: Reach) -> Result<Option<ConsentRow>> {
        const SQL: &str = "select id, address_id, channel, state, source, actor, evidence, at from consents
            where workspace_id = $1 and address_id = $2 and channel = $3 order by id desc limit 1";
        Ok(on!(self, |conn| {
            sqlx::query_as(SQL).bind(workspace).bind(reach.0).bind(reach.1).fetch_optional(conn).await
        })?)
    }

    /// Changes of consent by their ids.
    pub async fn load_consents(&mut self, workspace: WorkspaceId, ids: &[ConsentId]) -> Result<Vec<ConsentRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, address_id, channel, state, source, actor, evidence, at from consents
                where workspace_id = $1 and id in (select value from jsonb_each($2))",
            postgres: "select id, address_id, channel, state, source, actor, evidence, at from consents
                where workspace_id = $1
                  and id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// Which of these get nothing.
    pub async fn find_opt_outs(&mut self, workspace: WorkspaceId, reaches: &[Reach]) -> Result<HashSet<Reach>> {
        const SQL: Dialect = Dialect {
            sqlite: "select o.address_id, o.channel from jsonb_each($2) x join opt_outs o
                on o.workspace_id = $1 and o.address_id = x.value ->> 0 and o.channel = x.value ->> 1",
            postgres: "select o.address_id, o.channel from jsonb_array_elements($2::jsonb) x join opt_outs o
                on o.workspace_id = $1 and o.address_id = (x.value ->> 0)::bigint and o.channel = x.value ->> 1",
        };
        if reaches.is_empty() {
            return Ok(HashSet::new());
        }
        let asked: Vec<Asked> = reaches.iter().map(|(address, channel)| Asked(address.0, channel.as_str())).collect();
        let sql = SQL.pick(self);
        let asked = set(&asked)?;
        let rows: Vec<Reach> = on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(asked).fetch_all(conn).await)?;
        Ok(rows.into_iter().collect())
    }

    /// Writes down that recipients are left out.
    pub async fn leave_out(&mut self, left_out: &[LeftOut], now: Timestamp) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update recipients set status = 'rejected', status_at = $2, status_reason = $3
                from (select value from jsonb_each($1) limit -1) x
                where recipients.workspace_id = x.value ->> 0 and recipients.message_id = x.value ->> 1
                  and recipients.position = x.value ->> 2",
            postgres: "update recipients r set status = 'rejected', status_at = $2, status_reason = $3
                from jsonb_array_elements($1::jsonb) x
                where r.workspace_id = (x.value ->> 0)::bigint and r.message_id = (x.value ->> 1)::bigint
                  and r.position = (x.value ->> 2)::bigint",
        };
        if left_out.is_empty() {
            return Ok(());
        }
        let sql = SQL.pick(self);
        let rows = set(&left_out)?;
        on!(self, |conn| sqlx::query(sql).bind(rows).bind(now).bind(OPTED_OUT).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Whether any recipient of a message gets nothing on that channel.
    pub async fn has_opted_out(
        &mut self,
        (workspace, message): (WorkspaceId, MessageId),
        channel: ConsentChannel,
    ) -> Result<bool> {
        const SQL: &str = "select r.position from recipients r join opt_outs o
                on o.workspace_id = r.workspace_id and o.address_id = r.address_id and o.channel = $3
            where r.workspace_id = $1 and r.message_id = $2 and coalesce(r.status, '') <> 'rejected' limit 1";
        let found: Option<i64> = on!(self, |conn| {
            sqlx::query_scalar(SQL).bind(workspace).bind(message).bind(channel).fetch_optional(conn).await
        })?;
        Ok(found.is_some())
    }

    /// Whether a sender has anything to an address on a channel in its hands.
    pub async fn is_under_way(&mut self, workspace: WorkspaceId, (address, channel): Reach) -> Result<bool> {
        const SQL: &str = "select o.id from outbox o
                join messages m on m.workspace_id = o.workspace_id and m.id = o.message_id
                join recipients r on r.workspace_id = o.workspace_id and r.message_id = o.message_id
            where o.phase = 'sending' and o.workspace_id = $1 and r.address_id = $2
              and (case m.channel when 'mms' then 'sms' else m.channel end) = $3 limit 1";
        let found: Option<i64> = on!(self, |conn| {
            sqlx::query_scalar(SQL).bind(workspace).bind(address).bind(channel.as_str()).fetch_optional(conn).await
        })?;
        Ok(found.is_some())
    }

    /// Changes of consent, newest first: of one address, or of all.
    pub async fn list_consents(
        &mut self,
        workspace: WorkspaceId,
        address: Option<AddressId>,
        page: PageRequest,
    ) -> Result<Page<ConsentRow>> {
        const ALL: &str = "select id, address_id, channel, state, source, actor, evidence, at from consents
            where workspace_id = $1 and id < $2 order by id desc limit $3";
        const OF_ONE: &str = "select id, address_id, channel, state, source, actor, evidence, at from consents
            where workspace_id = $1 and address_id = $4 and id < $2 order by id desc limit $3";
        let before = page.upper_bound().id;
        let limit = page.limit + 1;
        let rows: Vec<ConsentRow> = match address {
            None => {
                on!(self, |conn| sqlx::query_as(ALL).bind(workspace).bind(before).bind(limit).fetch_all(conn).await)?
            }
            Some(address) => on!(self, |conn| {
                let query = sqlx::query_as(OF_ONE).bind(workspace).bind(before).bind(limit).bind(address);
                query.fetch_all(conn).await
            })?,
        };
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.at, id: row.id.0 }))
    }
}
