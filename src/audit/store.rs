//! Queries on `audit_events`.

use std::fmt::Write;

use aws_lc_rs::constant_time;
use diesel::{
    connection::SimpleConnection,
    dsl::{exists, not},
    prelude::*,
};

use super::AuditKind;
use crate::{
    auth::PurposeKey,
    db::{Conn, schema::audit_events},
    http::Error,
    ids::PrincipalId,
    on_each_backend,
    time::Timestamp,
};

/// Any number; whoever appends to the chain holds the lock until the commit, so that it has one end.
const ADVISORY_LOCK: i64 = 0x6175_6469_7400;
/// Rows of one INSERT.
const INSERTED: usize = 1000;
/// Rows that [`verify`] holds at once.
const BATCH: i64 = 1000;

/// The key of the chain.
pub struct AuditKey(PurposeKey);

impl AuditKey {
    /// Derives the key from the service's secret.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        Self(PurposeKey::derive(secret, "audit v1"))
    }

    fn hash(&self, row: &EventRow, before: &[u8]) -> [u8; 32] {
        let actor = row.actor_id.map(|id| id.to_string()).unwrap_or_default();
        self.0.hash(&[
            before,
            &row.seq.to_be_bytes(),
            &row.at.as_micros().to_be_bytes(),
            row.kind.as_str().as_bytes(),
            actor.as_bytes(),
            row.subject.as_bytes(),
        ])
    }
}

impl std::fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditKey")
    }
}

/// What is to be written down.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub kind: AuditKind,
    /// Who did it; `None` when nobody is known, or may be known.
    pub actor: Option<PrincipalId>,
    /// What it was done to: `kind:id`, at most 200 characters, nothing personal.
    pub subject: String,
}

/// A row of `audit_events`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_events)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct EventRow {
    pub seq: i64,
    pub at: Timestamp,
    pub kind: AuditKind,
    pub actor_id: Option<PrincipalId>,
    pub subject: String,
    pub hash: Vec<u8>,
}

/// Appends to the chain, in the transaction of what the event tells of.
///
/// On PostgreSQL it takes the chain's lock until the commit, so it comes last in a transaction.
pub fn append(conn: &mut Conn, key: &AuditKey, event: &Event, now: Timestamp) -> Result<(), Error> {
    append_all(conn, key, std::slice::from_ref(event), now)
}

/// Appends several events of one transaction, in order.
pub fn append_all(conn: &mut Conn, key: &AuditKey, events: &[Event], now: Timestamp) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    if let Conn::Postgres(c) = conn {
        c.batch_execute(&format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))?;
    }
    let last: Option<(i64, Vec<u8>)> = audit_events::table
        .order(audit_events::seq.desc())
        .select((audit_events::seq, audit_events::hash))
        .first(conn)
        .optional()?;
    let (mut last, mut before) = last.unwrap_or_default();
    let mut rows = Vec::with_capacity(events.len());
    for event in events {
        last += 1;
        let mut row = EventRow {
            seq: last,
            at: now,
            kind: event.kind,
            actor_id: event.actor,
            subject: event.subject.chars().take(200).collect(),
            hash: Vec::new(),
        };
        row.hash = key.hash(&row, &before).to_vec();
        before.clone_from(&row.hash);
        rows.push(row);
    }
    for batch in rows.chunks(INSERTED) {
        on_each_backend!(conn, |c| diesel::insert_into(audit_events::table).values(batch).execute(c))?;
    }
    Ok(())
}

/// Whether nothing has been written down yet.
pub fn is_empty(conn: &mut Conn) -> QueryResult<bool> {
    diesel::select(not(exists(audit_events::table.select(audit_events::seq)))).get_result(conn)
}

/// The events before number `before`, newest first, at most `limit`.
pub fn newest(conn: &mut Conn, before: Option<i64>, limit: i64) -> QueryResult<Vec<EventRow>> {
    audit_events::table
        .filter(audit_events::seq.lt(before.unwrap_or(i64::MAX)))
        .order(audit_events::seq.desc())
        .limit(limit)
        .select(EventRow::as_select())
        .load(conn)
}

/// What one principal did, oldest first.
pub fn of_actor(conn: &mut Conn, actor: PrincipalId) -> QueryResult<Vec<EventRow>> {
    audit_events::table
        .filter(audit_events::actor_id.eq(actor))
        .order(audit_events::seq)
        .select(EventRow::as_select())
        .load(conn)
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every row holds. The last hash, in hexadecimal, is worth keeping elsewhere: a chain whose end was cut off
    /// holds too, but ends with another hash.
    Sound {
        /// Rows.
        count: i64,
        /// The last row's hash.
        head: String,
    },
    /// The row with this number is missing or not as it was written.
    Broken(i64),
}

/// Follows the chain from its beginning.
pub fn verify(conn: &mut Conn, key: &AuditKey) -> Result<Outcome, Error> {
    let (mut count, mut before) = (0, Vec::new());
    loop {
        let rows: Vec<EventRow> = audit_events::table
            .filter(audit_events::seq.gt(count))
            .order(audit_events::seq)
            .limit(BATCH)
            .select(EventRow::as_select())
            .load(conn)?;
        if rows.is_empty() {
            return Ok(Outcome::Sound { count, head: hex(&before) });
        }
        for row in rows {
            let sound = row.seq == count + 1
                && constant_time::verify_slices_are_equal(&key.hash(&row, &before), &row.hash).is_ok();
            if !sound {
                return Ok(Outcome::Broken(count + 1));
            }
            count = row.seq;
            before = row.hash;
        }
    }
}
