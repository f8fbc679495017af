//! Queries on `triage_entries`.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::{
    auth::secrets,
    db::{
        Conn,
        schema::{triage_cleared_reviews, triage_entries},
    },
    ids::{ProgramId, ReviewId, TriageEntryId},
    reference::{RedFlagKind, Severity},
    time::Timestamp,
    verdict::{AccountFact, TriageStatus},
};

/// What moderators have found about one kind of signal.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its id.
    pub id: TriageEntryId,
    /// Its state.
    pub status: TriageStatus,
    /// The reviews that count no longer.
    pub cleared: BTreeSet<ReviewId>,
}

/// The entries of a program, by kind.
pub fn entries(conn: &mut Conn, program: ProgramId) -> QueryResult<BTreeMap<RedFlagKind, Entry>> {
    let rows: Vec<(TriageEntryId, RedFlagKind, TriageStatus)> = triage_entries::table
        .filter(triage_entries::program_id.eq(program))
        .order(triage_entries::kind)
        .select((triage_entries::id, triage_entries::kind, triage_entries::status))
        .load(conn)?;
    let mut entries = BTreeMap::new();
    for (id, kind, status) in rows {
        let cleared: Vec<ReviewId> = triage_cleared_reviews::table
            .filter(triage_cleared_reviews::triage_entry_id.eq(id))
            .select(triage_cleared_reviews::review_id)
            .load(conn)?;
        entries.insert(kind, Entry { id, status, cleared: cleared.into_iter().collect() });
    }
    Ok(entries)
}

/// The id of a program's entry for a kind. It follows from both, so that opening one twice is opening it once.
#[must_use]
pub fn id_of(program: ProgramId, kind: RedFlagKind) -> TriageEntryId {
    let hash = secrets::hash(&format!("triage entry {program} {kind}"));
    let bytes = std::array::from_fn(|place| hash[place]);
    TriageEntryId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// Opens the entry of each kind that someone reports as critical and that no entry or only a closed one speaks about.
/// A confirmed one stays confirmed. Accounts that moderators have dismissed are not among `accounts`.
pub fn open(
    conn: &mut Conn,
    program: ProgramId,
    accounts: &BTreeMap<RedFlagKind, Vec<AccountFact>>,
    known: &BTreeMap<RedFlagKind, Entry>,
    now: Timestamp,
) -> QueryResult<()> {
    for (kind, accounts) in accounts {
        if !accounts.iter().any(|account| account.severity == Severity::Critical) {
            continue;
        }
        match known.get(kind) {
            None => {
                diesel::insert_into(triage_entries::table)
                    .values((
                        triage_entries::id.eq(id_of(program, *kind)),
                        triage_entries::program_id.eq(program),
                        triage_entries::kind.eq(*kind),
                        triage_entries::status.eq(TriageStatus::Open),
                        triage_entries::version.eq(1),
                        triage_entries::opened_at.eq(now),
                        triage_entries::updated_at.eq(now),
                    ))
                    .execute(conn)?;
            }
            Some(entry) if matches!(entry.status, TriageStatus::Dismissed | TriageStatus::Remediated) => {
                diesel::update(triage_entries::table.find(entry.id))
                    .set((
                        triage_entries::status.eq(TriageStatus::Open),
                        triage_entries::version.eq(triage_entries::version + 1),
                        triage_entries::reason.eq(None::<String>),
                        triage_entries::opened_at.eq(now),
                        triage_entries::updated_at.eq(now),
                    ))
                    .execute(conn)?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}
