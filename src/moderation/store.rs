//! Queries on `decisions`.

use diesel::{dsl::exists, prelude::*};
use uuid::Uuid;

use super::{Act, ActorRole, DecisionBody, OwnAct, SubjectKind, claim_store};
use crate::{
    audit::{self, AuditKind, Event},
    auth::Caller,
    db::{
        Conn,
        schema::{conflicts_of_interest, decisions, programs},
    },
    http::Error,
    ids::{DecisionId, PrincipalId, ProgramId, ProviderId},
    notices::{self, model::Decided},
    time::Timestamp,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = decisions)]
struct DecisionRow {
    id: DecisionId,
    subject_kind: SubjectKind,
    subject_id: Vec<u8>,
    from_status: String,
    to_status: String,
    action: String,
    actor_id: Option<PrincipalId>,
    actor_role: ActorRole,
    reason: String,
    created_at: Timestamp,
}

/// Refuses a ruling on what concerns a provider by somebody who is linked to it: as whose principal they were made, or
/// by a conflict of interest that an admin wrote down. Called in the transaction of the ruling.
pub fn permit_ruling(conn: &mut Conn, by: &Caller, provider: ProviderId) -> Result<(), Error> {
    let written_down = conflicts_of_interest::table
        .filter(conflicts_of_interest::principal_id.eq(by.id))
        .filter(conflicts_of_interest::provider_id.eq(provider));
    if by.provider == Some(provider) || diesel::select(exists(written_down)).get_result(conn)? {
        return Err(LINKED);
    }
    Ok(())
}

/// [`permit_ruling`] for what concerns a program: its reviews and the reports about it.
pub fn permit_ruling_about(conn: &mut Conn, by: &Caller, program: ProgramId) -> Result<(), Error> {
    let provider = programs::table.find(program).select(programs::provider_id).first(conn)?;
    permit_ruling(conn, by, provider)
}

/// Refuses a ruling on what the moderator wrote; `author` is who wrote it.
pub fn permit_ruling_of_another(by: &Caller, author: PrincipalId) -> Result<(), Error> {
    if by.id == author { Err(Error::Forbidden("Nobody rules on a review of their own.")) } else { Ok(()) }
}

const LINKED: Error = Error::Forbidden(
    "A conflict of interest: whoever is linked to a provider does not rule on its programs, their reviews and reports.",
);

/// Writes an act down, in the transaction that carries it out, and ends the claim on its subject. A ruling is entered into
/// the security log too, which takes that log's lock, so this comes last in the transaction.
pub fn record(conn: &mut Conn, kind: SubjectKind, subject: &Uuid, act: &Act<'_>) -> Result<(), Error> {
    let row = DecisionRow {
        id: act.id,
        subject_kind: kind,
        subject_id: subject.as_bytes().to_vec(),
        from_status: act.from.to_owned(),
        to_status: act.to.to_owned(),
        action: act.action.to_owned(),
        actor_id: Some(act.by.id),
        actor_role: act.by.role.into(),
        reason: act.reason.to_owned(),
        created_at: act.at,
    };
    diesel::insert_into(decisions::table).values(&row).execute(conn)?;
    claim_store::end(conn, kind, subject)?;
    notices::store::of_decision(conn, kind, subject, &Decided::from(act))?;
    match act.audit {
        Some(key) => {
            let subject = format!("{kind}:{}", subject.hyphenated());
            audit::append(conn, key, &Event { kind: AuditKind::Decided, actor: Some(act.by.id), subject }, act.at)
        }
        None => Ok(()),
    }
}

/// Writes down what the service did by rule. It is no ruling of anybody, so it is not in the security log.
pub fn record_own(conn: &mut Conn, kind: SubjectKind, subject: &Uuid, act: &OwnAct<'_>) -> QueryResult<()> {
    let row = DecisionRow {
        id: act.id,
        subject_kind: kind,
        subject_id: subject.as_bytes().to_vec(),
        from_status: act.from.to_owned(),
        to_status: act.to.to_owned(),
        action: act.action.to_owned(),
        actor_id: None,
        actor_role: ActorRole::System,
        reason: act.reason.to_owned(),
        created_at: act.at,
    };
    diesel::insert_into(decisions::table).values(&row).execute(conn)?;
    claim_store::end(conn, kind, subject)?;
    notices::store::of_decision(conn, kind, subject, &Decided::from(act))
}

/// The history of one subject, oldest first, at most `limit` entries.
pub fn history(conn: &mut Conn, kind: SubjectKind, subject: &Uuid, limit: i64) -> QueryResult<Vec<DecisionBody>> {
    let rows = decisions::table
        .filter(decisions::subject_kind.eq(kind))
        .filter(decisions::subject_id.eq(subject.as_bytes().to_vec()))
        .order((decisions::created_at, decisions::id))
        .limit(limit)
        .select(DecisionRow::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(DecisionBody::from).collect())
}

impl From<DecisionRow> for DecisionBody {
    fn from(row: DecisionRow) -> Self {
        Self {
            id: row.id,
            action: row.action,
            from_status: row.from_status,
            to_status: row.to_status,
            actor_role: row.actor_role,
            reason: row.reason,
            created_at: row.created_at,
        }
    }
}
