//! Queries on `triage_entries`, and the changes of their state.
//!
//! Whoever changes an entry holds the lock of its program's row.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::{
    store,
    triage::{TriageAction, TriageDecisionInput},
};
use crate::{
    audit::AuditKey,
    auth::{Caller, secrets},
    db::{
        Conn,
        schema::{programs, triage_cleared_reviews, triage_entries},
    },
    http::{Error, Position},
    ids::{DecisionId, ProgramId, ReviewId, TriageEntryId},
    moderation::{self, Act, DecisionBody, OwnAct, SubjectKind},
    on_each_backend,
    programs::store as program_store,
    reference::{RedFlagKind, Severity},
    time::Timestamp,
    verdict::{AccountFact, Inputs, TriageStatus},
    vetting::{rubric::Rubric, rubric_store, signals, signals::ReportedTask, standing_store},
};

/// Rows in one statement, within what either database takes as parameters.
const BATCH: usize = 1000;
/// Most decisions on one entry that are shown.
pub const MAX_HISTORY: i64 = 500;

/// A row of `triage_entries`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = triage_entries)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct EntryRow {
    pub id: TriageEntryId,
    pub program_id: ProgramId,
    pub kind: RedFlagKind,
    pub status: TriageStatus,
    pub version: i32,
    pub reason: Option<String>,
    pub proof: Option<String>,
    pub opened_at: Timestamp,
    pub updated_at: Timestamp,
}

impl EntryRow {
    /// Where this row stands in the list.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::by_number(self.opened_at.as_micros(), *self.id.as_uuid())
    }
}

/// What moderators have found about one kind of signal.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its id.
    pub id: TriageEntryId,
    /// Its state.
    pub status: TriageStatus,
    /// The reviews that count no longer.
    pub cleared: BTreeSet<ReviewId>,
    version: i32,
}

/// The entries of a program, by kind.
pub fn entries(conn: &mut Conn, program: ProgramId) -> QueryResult<BTreeMap<RedFlagKind, Entry>> {
    let rows: Vec<(TriageEntryId, RedFlagKind, TriageStatus, i32)> = triage_entries::table
        .filter(triage_entries::program_id.eq(program))
        .order(triage_entries::kind)
        .select((triage_entries::id, triage_entries::kind, triage_entries::status, triage_entries::version))
        .load(conn)?;
    let mut entries = BTreeMap::new();
    for (id, kind, status, version) in rows {
        entries.insert(kind, Entry { id, status, cleared: cleared(conn, id)?, version });
    }
    Ok(entries)
}

fn cleared(conn: &mut Conn, id: TriageEntryId) -> QueryResult<BTreeSet<ReviewId>> {
    let cleared: Vec<ReviewId> = triage_cleared_reviews::table
        .filter(triage_cleared_reviews::triage_entry_id.eq(id))
        .select(triage_cleared_reviews::review_id)
        .load(conn)?;
    Ok(cleared.into_iter().collect())
}

/// An id that follows from what it names, so that making it twice is making it once.
fn derived_id(name: &str) -> uuid::Uuid {
    let hash = secrets::hash(name);
    uuid::Builder::from_custom_bytes(std::array::from_fn(|place| hash[place])).into_uuid()
}

/// The id of a program's entry for a kind.
#[must_use]
pub fn id_of(program: ProgramId, kind: RedFlagKind) -> TriageEntryId {
    TriageEntryId::from_uuid(derived_id(&format!("triage entry {program} {kind}")))
}

const OPENED: &str = "A verified review tells of something critical.";
const REOPENED: &str = "A verified review tells of something critical that no ruling covers.";

/// Brings the entries in line with the accounts that count, without those that moderators have cleared: opens the entry
/// of each kind that someone reports as critical and that no entry or only a closed one speaks about. An open one stays
/// open when its accounts go, by withdrawal or erasure: what was told is not refuted by that, and a moderator rules.
pub fn follow(
    conn: &mut Conn,
    program: ProgramId,
    accounts: &BTreeMap<RedFlagKind, Vec<AccountFact>>,
    known: &BTreeMap<RedFlagKind, Entry>,
    now: Timestamp,
) -> Result<(), Error> {
    for (kind, accounts) in accounts {
        let is_critical = accounts.iter().any(|account| account.severity == Severity::Critical);
        match known.get(kind) {
            None if is_critical => begin(conn, program, *kind, now)?,
            Some(entry) if is_critical && entry.status.is_closed() => {
                by_rule(conn, entry, TriageAction::Reopen, REOPENED, now)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn begin(conn: &mut Conn, program: ProgramId, kind: RedFlagKind, now: Timestamp) -> Result<(), Error> {
    let (id, to) = (id_of(program, kind), TriageStatus::Open);
    diesel::insert_into(triage_entries::table)
        .values((
            triage_entries::id.eq(id),
            triage_entries::program_id.eq(program),
            triage_entries::kind.eq(kind),
            triage_entries::status.eq(to),
            triage_entries::version.eq(1),
            triage_entries::opened_at.eq(now),
            triage_entries::updated_at.eq(now),
        ))
        .execute(conn)?;
    let decision = decision_id(id, 1);
    let act = OwnAct { id: decision, action: "open", from: "", to: to.as_str(), reason: OPENED, at: now };
    Ok(moderation::store::record_own(conn, SubjectKind::TriageEntry, id.as_uuid(), &act)?)
}

fn by_rule(conn: &mut Conn, entry: &Entry, action: TriageAction, reason: &str, now: Timestamp) -> Result<(), Error> {
    let to = entry.status.after(action).map_err(Error::internal)?;
    let version = entry.version + 1;
    let opened = (to == TriageStatus::Open).then(|| triage_entries::opened_at.eq(now));
    diesel::update(triage_entries::table.find(entry.id))
        .set((
            triage_entries::status.eq(to),
            triage_entries::version.eq(version),
            triage_entries::reason.eq((to != TriageStatus::Open).then_some(reason)),
            triage_entries::proof.eq(None::<String>),
            triage_entries::updated_at.eq(now),
            opened,
        ))
        .execute(conn)?;
    let (id, from) = (decision_id(entry.id, version), entry.status.as_str());
    let act = OwnAct { id, action: action.as_str(), from, to: to.as_str(), reason, at: now };
    Ok(moderation::store::record_own(conn, SubjectKind::TriageEntry, entry.id.as_uuid(), &act)?)
}

/// The id of the record of what the service did to an entry. It follows from the version that the entry has after it:
/// randomness has no place in a transaction that may run twice.
fn decision_id(entry: TriageEntryId, version: i32) -> DecisionId {
    DecisionId::from_uuid(derived_id(&format!("triage entry {entry} version {version}")))
}

/// What the list for moderators is narrowed by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only entries in this status.
    pub status: Option<TriageStatus>,
    /// Only entries about this program.
    pub program: Option<ProgramId>,
}

/// Entries for moderators, those first that have been open longest, from behind `after`.
pub fn queue(conn: &mut Conn, filter: Filter, after: Option<&Position>, limit: i64) -> Result<Vec<EntryRow>, Error> {
    let mut query = triage_entries::table.select(EntryRow::as_select()).into_boxed();
    if let Some(status) = filter.status {
        query = query.filter(triage_entries::status.eq(status));
    }
    if let Some(program) = filter.program {
        query = query.filter(triage_entries::program_id.eq(program));
    }
    if let Some(position) = after {
        let opened = Timestamp::from_micros(position.number).ok_or(Error::Cursor)?;
        let last = TriageEntryId::from_uuid(position.id);
        query = query
            .filter(triage_entries::opened_at.ge(opened))
            .filter(triage_entries::opened_at.gt(opened).or(triage_entries::id.gt(last)));
    }
    Ok(query.order((triage_entries::opened_at, triage_entries::id)).limit(limit).load(conn)?)
}

/// An entry with what a moderator needs to rule on it.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The row.
    pub row: EntryRow,
    /// Version of the program's row, which changes with every account.
    pub program_version: i32,
    /// The rubric that the program is judged by.
    pub rubric: Rubric,
    /// Everything that is told of tasks of the program.
    pub tasks: Vec<ReportedTask>,
    /// The reviews that count no longer.
    pub cleared: BTreeSet<ReviewId>,
    /// What was decided, oldest first.
    pub history: Vec<DecisionBody>,
}

fn find(conn: &mut Conn, id: TriageEntryId) -> Result<EntryRow, Error> {
    let row = triage_entries::table.find(id).select(EntryRow::as_select()).first(conn).optional()?;
    row.ok_or(Error::NotFound("triage entry"))
}

/// Finds an entry with its accounts and its history.
pub fn detail(conn: &mut Conn, id: TriageEntryId) -> Result<Detail, Error> {
    let row = find(conn, id)?;
    Ok(Detail {
        program_version: programs::table.find(row.program_id).select(programs::version).first(conn)?,
        rubric: rubric_of(conn, row.program_id)?.1,
        tasks: store::tasks(conn, row.program_id)?,
        cleared: cleared(conn, id)?,
        history: moderation::store::history(conn, SubjectKind::TriageEntry, id.as_uuid(), MAX_HISTORY)?,
        row,
    })
}

/// The rubric that a program is judged by, after what the verdict follows from.
pub fn rubric_of(conn: &mut Conn, program: ProgramId) -> Result<(Inputs, Rubric), Error> {
    let inputs = standing_store::inputs(conn, program)?;
    let rubric = rubric_store::find(conn, inputs.rubric.version)?;
    Ok((inputs, rubric))
}

/// Finds an entry for a moderator to rule on. [`Error::Forbidden`] when the moderator is linked to the program's
/// provider.
pub fn find_to_rule(conn: &mut Conn, id: TriageEntryId, moderator: &Caller) -> Result<EntryRow, Error> {
    let row = find(conn, id)?;
    moderation::store::permit_ruling_about(conn, moderator, row.program_id)?;
    Ok(row)
}

/// Rules on an entry, brings the program's verdict up to date, and writes the decision down. What is dismissed or
/// remediated clears the accounts of `seen`, what the moderator has read: they count no longer for this kind of red flag.
/// One that has come since counts, and reopens the entry.
///
/// Errors as for [`find_to_rule`], and [`Error::Conflict`] when the status does not allow the action or another moderator
/// has claimed the entry.
pub fn decide(
    conn: &mut Conn,
    moderator: &Caller,
    seen: &Detail,
    decision: &TriageDecisionInput,
    record: DecisionId,
    now: Timestamp,
    audit: &AuditKey,
) -> Result<(), Error> {
    let id = seen.row.id;
    let program = find_to_rule(conn, id, moderator)?.program_id;
    moderation::claim_store::permit(conn, moderator, SubjectKind::TriageEntry, id.as_uuid(), now)?;
    // The state is read again once nobody else can change it.
    program_store::lock(conn, program)?;
    let row = find(conn, id)?;
    let action = TriageAction::from(decision.action);
    let to = row.status.after(action).map_err(|refused| Error::Conflict(refused.to_string()))?;
    diesel::update(triage_entries::table.find(id))
        .set((
            triage_entries::status.eq(to),
            triage_entries::version.eq(row.version + 1),
            triage_entries::reason.eq(&decision.reason),
            triage_entries::proof.eq(&decision.proof),
            triage_entries::updated_at.eq(now),
        ))
        .execute(conn)?;
    if to.is_closed() {
        clear(conn, seen)?;
    }
    standing_store::refresh(conn, program, now)?;
    let act = Act {
        id: record,
        by: *moderator,
        action: action.as_str(),
        from: row.status.as_str(),
        to: to.as_str(),
        reason: &decision.reason,
        at: now,
        audit: Some(audit),
    };
    moderation::store::record(conn, SubjectKind::TriageEntry, id.as_uuid(), &act)?;
    Ok(moderation::store::explain(conn, record, decision.ground, decision.facts.as_deref())?)
}

/// Opens an entry again that was confirmed, because an appeal was upheld, and brings the program's verdict up to date.
///
/// Errors as for [`decide`].
pub fn reopen(
    conn: &mut Conn,
    moderator: &Caller,
    id: TriageEntryId,
    reason: &str,
    record: DecisionId,
    now: Timestamp,
    audit: &AuditKey,
) -> Result<(), Error> {
    let program = find_to_rule(conn, id, moderator)?.program_id;
    program_store::lock(conn, program)?;
    let row = find(conn, id)?;
    let action = TriageAction::Reopen;
    let to = row.status.after(action).map_err(|refused| Error::Conflict(refused.to_string()))?;
    diesel::update(triage_entries::table.find(id))
        .set((
            triage_entries::status.eq(to),
            triage_entries::version.eq(row.version + 1),
            triage_entries::reason.eq(None::<String>),
            triage_entries::proof.eq(None::<String>),
            triage_entries::opened_at.eq(now),
            triage_entries::updated_at.eq(now),
        ))
        .execute(conn)?;
    standing_store::refresh(conn, program, now)?;
    let (from, to) = (row.status.as_str(), to.as_str());
    let act =
        Act { id: record, by: *moderator, action: action.as_str(), from, to, reason, at: now, audit: Some(audit) };
    moderation::store::record(conn, SubjectKind::TriageEntry, id.as_uuid(), &act)
}

fn clear(conn: &mut Conn, seen: &Detail) -> QueryResult<()> {
    let entry = &seen.row;
    let accounts = signals::accounts(&seen.rubric, &seen.tasks);
    let reviews = accounts.get(&entry.kind).into_iter().flatten().map(|account| account.review_id);
    let rows: Vec<_> = reviews
        .filter(|review| !seen.cleared.contains(review))
        .map(|review| {
            (triage_cleared_reviews::triage_entry_id.eq(entry.id), triage_cleared_reviews::review_id.eq(review))
        })
        .collect();
    for batch in rows.chunks(BATCH) {
        on_each_backend!(conn, |c| diesel::insert_into(triage_cleared_reviews::table).values(batch).execute(c))?;
    }
    Ok(())
}

/// Lets a review count again whose tasks its author has changed: no moderator has ruled on what it tells now.
pub fn forget_ruling(conn: &mut Conn, program: ProgramId, review: ReviewId) -> QueryResult<()> {
    // So that no ruling on the former account comes in between.
    program_store::lock(conn, program)?;
    let of_program = triage_entries::table.filter(triage_entries::program_id.eq(program)).select(triage_entries::id);
    let ids: Vec<TriageEntryId> = of_program.load(conn)?;
    let cleared = triage_cleared_reviews::table
        .filter(triage_cleared_reviews::triage_entry_id.eq_any(ids))
        .filter(triage_cleared_reviews::review_id.eq(review));
    diesel::delete(cleared).execute(conn).map(drop)
}
