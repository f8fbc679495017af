//! Queries on `audit_events`.

use std::fmt::Write;

use aws_lc_rs::constant_time;
use diesel::{connection::SimpleConnection, prelude::*};

use super::AuditKind;
use crate::{
    auth::PurposeKey,
    db::{Conn, schema::audit_events},
    http::Error,
    ids::PrincipalId,
    time::Timestamp,
};

/// Any number; whoever appends to the chain holds the lock until the commit, so that it has one end.
const ADVISORY_LOCK: i64 = 0x6175_6469_7400;
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

    fn hash(&self, row: &Row, before: &[u8]) -> [u8; 32] {
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
struct Row {
    seq: i64,
    at: Timestamp,
    kind: AuditKind,
    actor_id: Option<PrincipalId>,
    subject: String,
    hash: Vec<u8>,
}

/// Appends to the chain, in the transaction of what the event tells of.
///
/// On PostgreSQL it takes the chain's lock until the commit, so it comes last in a transaction.
pub fn append(conn: &mut Conn, key: &AuditKey, event: &Event, now: Timestamp) -> Result<(), Error> {
    if let Conn::Postgres(c) = conn {
        c.batch_execute(&format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))?;
    }
    let last: Option<(i64, Vec<u8>)> = audit_events::table
        .order(audit_events::seq.desc())
        .select((audit_events::seq, audit_events::hash))
        .first(conn)
        .optional()?;
    let (last, before) = last.unwrap_or_default();
    let mut row = Row {
        seq: last + 1,
        at: now,
        kind: event.kind,
        actor_id: event.actor,
        subject: event.subject.chars().take(200).collect(),
        hash: Vec::new(),
    };
    row.hash = key.hash(&row, &before).to_vec();
    diesel::insert_into(audit_events::table).values(&row).execute(conn)?;
    Ok(())
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
        let rows: Vec<Row> = audit_events::table
            .filter(audit_events::seq.gt(count))
            .order(audit_events::seq)
            .limit(BATCH)
            .select(Row::as_select())
            .load(conn)?;
        if rows.is_empty() {
            let head = before.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            return Ok(Outcome::Sound { count, head });
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
