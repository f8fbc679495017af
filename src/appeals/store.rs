//! Queries on `appeals`, and the changes of their state.

use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};

use super::{
    model::{AppealAction, AppealDecisionInput, AppealEffect, AppealInput, AppealStatus, reversal},
    reversal_store,
};
use crate::{
    audit::AuditKey,
    auth::{Caller, Role},
    db::{Conn, schema::appeals},
    decisions::store as decision_store,
    http::{Error, Position},
    ids::{AppealId, DecisionId, PrincipalId, ProgramId, ProviderId},
    moderation::{
        self, Act, DecisionBody, Party, SubjectKind,
        statement::{affected, appeal_until},
        store::DecisionRow,
    },
    reviews::cohort::CohortRule,
    time::Timestamp,
};

/// Most decisions on one appeal that are shown.
const MAX_HISTORY: i64 = 10;

/// A row of `appeals`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = appeals)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct AppealRow {
    pub id: AppealId,
    pub decision_id: DecisionId,
    pub subject_kind: SubjectKind,
    pub subject_id: Vec<u8>,
    pub program_id: ProgramId,
    pub provider_id: ProviderId,
    pub party: Party,
    pub appellant_id: PrincipalId,
    pub status: AppealStatus,
    pub version: i32,
    pub words: Option<String>,
    pub effect: Option<AppealEffect>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl AppealRow {
    /// The row's quoted entity tag.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"a{}\"", self.version)
    }

    /// Where this row stands in a list sorted by when the appeal was made.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::by_number(self.created_at.as_micros(), *self.id.as_uuid())
    }

    fn belongs_to(&self, caller: &Caller) -> bool {
        match self.party {
            Party::Author | Party::Reporter => caller.role == Role::Participant && self.appellant_id == caller.id,
            Party::Provider => caller.role == Role::Provider && caller.provider == Some(self.provider_id),
        }
    }
}

/// Finds a decision for somebody who would appeal. [`Error::NotFound`] where they are not concerned by it.
pub fn find_decision(conn: &mut Conn, id: DecisionId, caller: &Caller) -> Result<DecisionRow, Error> {
    let row = decision_store::find(conn, id)?;
    let concerned = decision_store::insight(conn, &row, caller)?.is_some();
    if concerned { Ok(row) } else { Err(Error::NotFound("decision")) }
}

/// Stores an appeal against a decision.
///
/// [`Error::NotFound`] as for [`find_decision`]; [`Error::Conflict`] when the decision does not go against the caller,
/// when its time is over, when there was an appeal, and while one about the same thing is pending.
pub fn create(
    conn: &mut Conn,
    caller: &Caller,
    decision: DecisionId,
    input: &AppealInput,
    id: AppealId,
    now: Timestamp,
) -> Result<AppealRow, Error> {
    let decided = find_decision(conn, decision, caller)?;
    let conflict = |detail: String| Err(Error::Conflict(detail));
    let party = affected(decided.subject_kind, decided.actor_role, &decided.action);
    let Some(party) = party.filter(|party| (*party == Party::Provider) == (caller.role == Role::Provider)) else {
        return conflict("The decision does not go against you, so there is nothing to appeal.".to_owned());
    };
    let until = appeal_until(decided.created_at.day());
    if now.day() > until {
        return conflict(format!("Appeals against this decision were taken until {until}."));
    }
    let (Some(program_id), Some(provider_id)) = (decided.program_id, decided.provider_id) else {
        return Err(Error::internal("a ruling concerns no program"));
    };
    let row = AppealRow {
        id,
        decision_id: decided.id,
        subject_kind: decided.subject_kind,
        subject_id: decided.subject_id,
        program_id,
        provider_id,
        party,
        appellant_id: caller.id,
        status: AppealStatus::Pending,
        version: 1,
        words: Some(input.words.clone()),
        effect: None,
        created_at: now,
        updated_at: now,
    };
    diesel::insert_into(appeals::table).values(&row).execute(conn).map_err(one_at_a_time)?;
    Ok(row)
}

fn one_at_a_time(error: DieselError) -> Error {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Error::Conflict(
            "There was an appeal against this decision, or one about the same thing is pending.".to_owned(),
        ),
        other => Error::Database(other),
    }
}

fn find(conn: &mut Conn, id: AppealId) -> Result<AppealRow, Error> {
    let row = appeals::table.find(id).select(AppealRow::as_select()).first(conn).optional()?;
    row.ok_or(Error::NotFound("appeal"))
}

/// Finds an appeal for a reader. [`Error::NotFound`] for everybody but whoever made it and moderators.
pub fn read(conn: &mut Conn, id: AppealId, caller: &Caller) -> Result<AppealRow, Error> {
    let row = find(conn, id)?;
    let may = caller.role == Role::Moderator || row.belongs_to(caller);
    if may { Ok(row) } else { Err(Error::NotFound("appeal")) }
}

/// What was decided about an appeal.
pub fn history(conn: &mut Conn, id: AppealId) -> QueryResult<Vec<DecisionBody>> {
    moderation::store::history(conn, SubjectKind::Appeal, id.as_uuid(), MAX_HISTORY)
}

/// Finds an appeal for a moderator to rule on. [`Error::Forbidden`] when the moderator took the decision or is linked to
/// the provider.
pub fn find_to_rule(conn: &mut Conn, id: AppealId, moderator: &Caller) -> Result<(AppealRow, DecisionRow), Error> {
    let row = find(conn, id)?;
    let decided = decision_store::find(conn, row.decision_id)?;
    if decided.actor_id == Some(moderator.id) || row.appellant_id == moderator.id {
        return Err(Error::Forbidden("Nobody rules on an appeal of their own or against a decision of their own."));
    }
    moderation::store::permit_ruling(conn, moderator, row.provider_id)?;
    Ok((row, decided))
}

/// What a ruling on an appeal needs beside the decision.
#[derive(Debug)]
pub struct Ruling<'a> {
    /// The id of its record.
    pub record: DecisionId,
    /// The ids of the records of what it undoes, in order.
    pub undone: [DecisionId; 2],
    /// How small cohorts are kept together.
    pub rule: &'a CohortRule,
    /// When.
    pub now: Timestamp,
    /// The key of the security log.
    pub audit: &'a AuditKey,
}

/// Rules on an appeal that is still as `seen` says, undoes the decision where that is upheld and can be, and writes both
/// down.
///
/// Errors as for [`find_to_rule`]; [`Error::PreconditionFailed`] when the appeal has changed, [`Error::Conflict`] when it
/// was ruled on.
pub fn decide(
    conn: &mut Conn,
    moderator: &Caller,
    seen: &AppealRow,
    decision: &AppealDecisionInput,
    ruling: &Ruling<'_>,
) -> Result<AppealRow, Error> {
    let (row, decided) = find_to_rule(conn, seen.id, moderator)?;
    moderation::claim_store::permit(conn, moderator, SubjectKind::Appeal, row.id.as_uuid(), ruling.now)?;
    let status = row.status.after(decision.action).map_err(|refused| Error::Conflict(refused.to_string()))?;
    let upheld = decision.action == AppealAction::Uphold;
    let undoing = reversal(decided.subject_kind, &decided.action).filter(|_| upheld);
    let undoing = match undoing {
        Some(undoing) if reversal_store::still_stands(conn, &decided)? => Some(undoing),
        _ => None,
    };
    let effect = if undoing.is_some() { AppealEffect::Reversed } else { AppealEffect::None };
    let unchanged = appeals::table.find(row.id).filter(appeals::version.eq(seen.version));
    let changed = diesel::update(unchanged)
        .set((
            appeals::status.eq(status),
            appeals::effect.eq(effect),
            appeals::version.eq(appeals::version + 1),
            appeals::updated_at.eq(ruling.now),
        ))
        .execute(conn)?;
    if changed == 0 {
        return Err(Error::PreconditionFailed);
    }
    if let Some(undoing) = undoing {
        reversal_store::undo(conn, moderator, &decided, undoing, &decision.reason, ruling)?;
    }
    let act = Act {
        id: ruling.record,
        by: *moderator,
        action: decision.action.as_str(),
        from: row.status.as_str(),
        to: status.as_str(),
        reason: &decision.reason,
        at: ruling.now,
        audit: Some(ruling.audit),
    };
    moderation::store::record(conn, SubjectKind::Appeal, row.id.as_uuid(), &act)?;
    moderation::store::explain(conn, ruling.record, decision.ground, decision.facts.as_deref())?;
    find(conn, row.id)
}

/// Takes the words out of all appeals of a person.
pub fn erase_words(conn: &mut Conn, appellant: PrincipalId) -> QueryResult<()> {
    diesel::update(appeals::table.filter(appeals::appellant_id.eq(appellant)))
        .set((appeals::words.eq(None::<String>), appeals::version.eq(appeals::version + 1)))
        .execute(conn)
        .map(drop)
}

/// Takes the words out of an appeal that was ruled on. False where there are none.
pub fn erase_words_of(conn: &mut Conn, id: AppealId) -> Result<bool, Error> {
    let decided = appeals::table.find(id).filter(appeals::status.ne(AppealStatus::Pending));
    let erased = diesel::update(decided.filter(appeals::words.is_not_null()))
        .set((appeals::words.eq(None::<String>), appeals::version.eq(appeals::version + 1)))
        .execute(conn)?;
    Ok(erased == 1)
}
