//! Queries on `decisions`.

use diesel::{dsl::exists, prelude::*};
use uuid::Uuid;

use super::{Act, ActorRole, DecisionBody, OwnAct, SubjectKind, claim_store, statement};
use crate::{
    audit::{self, AuditKind, Event},
    auth::Caller,
    db::{
        Conn,
        schema::{
            appeals, assessments, conflicts_of_interest, decisions, programs, red_flag_reports, reviews, triage_entries,
        },
    },
    http::Error,
    ids::{AppealId, AssessmentId, DecisionId, PrincipalId, ProgramId, ProviderId, ReportId, ReviewId, TriageEntryId},
    notices::{self, model::Decided},
    reference::Ground,
    time::{Month, Timestamp},
};

/// A row of `decisions`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = decisions)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct DecisionRow {
    pub id: DecisionId,
    pub subject_kind: SubjectKind,
    pub subject_id: Vec<u8>,
    pub from_status: String,
    pub to_status: String,
    pub action: String,
    pub actor_id: Option<PrincipalId>,
    pub actor_role: ActorRole,
    pub reason: String,
    pub created_at: Timestamp,
    pub ground: Option<Ground>,
    pub facts: Option<String>,
    /// 1 = the automatic checks found what was decided on.
    pub automated: i32,
    pub program_id: Option<ProgramId>,
    pub provider_id: Option<ProviderId>,
    pub public_month: Option<Month>,
}

impl DecisionRow {
    /// The id of what was decided on.
    pub fn subject(&self) -> Result<Uuid, Error> {
        Uuid::from_slice(&self.subject_id).map_err(Error::internal)
    }
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

/// What is said to whoever took a decision that an appeal is against.
pub const OWN_DECISION: Error =
    Error::Forbidden("An appeal against a decision of one's own is pending: somebody else rules now.");

/// Writes an act down, in the transaction that carries it out, and ends the claim on its subject. A ruling is entered into
/// the security log too, which takes that log's lock, so this comes last in the transaction.
///
/// [`Error::Forbidden`] for a ruling on what an appeal against the same person's decision is pending about: through
/// whatever operation it comes, nobody rules on an appeal against themselves.
pub fn record(conn: &mut Conn, kind: SubjectKind, subject: &Uuid, act: &Act<'_>) -> Result<(), Error> {
    if act.audit.is_some() {
        permit_beside_appeal(conn, &act.by, kind, subject)?;
    }
    let own = OwnAct { id: act.id, action: act.action, from: act.from, to: act.to, reason: act.reason, at: act.at };
    insert(conn, (kind, subject), (Some(act.by.id), act.by.role.into()), &own)?;
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
    insert(conn, (kind, subject), (None, ActorRole::System), act)?;
    notices::store::of_decision(conn, kind, subject, &Decided::from(act))
}

fn permit_beside_appeal(conn: &mut Conn, by: &Caller, kind: SubjectKind, subject: &Uuid) -> Result<(), Error> {
    let own = appeals::table
        .inner_join(decisions::table)
        .filter(appeals::subject_kind.eq(kind))
        .filter(appeals::subject_id.eq(subject.as_bytes().to_vec()))
        // The word is that of the index of pending ones.
        .filter(crate::db::Sql::default().sql("appeals.status = 'pending'"))
        .filter(decisions::actor_id.eq(by.id));
    if diesel::select(exists(own)).get_result(conn)? { Err(OWN_DECISION) } else { Ok(()) }
}

fn insert(
    conn: &mut Conn,
    (kind, subject): (SubjectKind, &Uuid),
    (actor_id, role): (Option<PrincipalId>, ActorRole),
    act: &OwnAct<'_>,
) -> QueryResult<()> {
    let concerned = concerned(conn, kind, subject)?;
    let found_by_checks = role == ActorRole::System
        || (kind == SubjectKind::Review && act.from == "held" && held_by_checks(conn, subject)?);
    let row = DecisionRow {
        id: act.id,
        subject_kind: kind,
        subject_id: subject.as_bytes().to_vec(),
        from_status: act.from.to_owned(),
        to_status: act.to.to_owned(),
        action: act.action.to_owned(),
        actor_id,
        actor_role: role,
        reason: act.reason.to_owned(),
        created_at: act.at,
        ground: statement::default_ground(kind, role, act.action),
        facts: None,
        automated: found_by_checks.into(),
        program_id: concerned.map(|(program, _)| program),
        provider_id: concerned.map(|(_, provider)| provider),
        public_month: statement::is_public(kind, role, act.action).then(|| act.at.day().month()),
    };
    diesel::insert_into(decisions::table).values(&row).execute(conn)?;
    claim_store::end(conn, kind, subject)
}

/// The program that a subject belongs to, and its provider.
fn concerned(conn: &mut Conn, kind: SubjectKind, subject: &Uuid) -> QueryResult<Option<(ProgramId, ProviderId)>> {
    let id = *subject;
    let program = match kind {
        SubjectKind::Program => Some(ProgramId::from_uuid(id)),
        SubjectKind::Review | SubjectKind::ReviewReply | SubjectKind::ReviewAnswer => {
            reviews::table.find(ReviewId::from_uuid(id)).select(reviews::program_id).first(conn).optional()?
        }
        SubjectKind::RedFlagReport => {
            let report = red_flag_reports::table.find(ReportId::from_uuid(id));
            report.select(red_flag_reports::program_id).first(conn).optional()?
        }
        SubjectKind::Assessment => {
            let assessment = assessments::table.find(AssessmentId::from_uuid(id));
            assessment.select(assessments::program_id).first(conn).optional()?
        }
        SubjectKind::TriageEntry => {
            let entry = triage_entries::table.find(TriageEntryId::from_uuid(id));
            entry.select(triage_entries::program_id).first(conn).optional()?
        }
        SubjectKind::Appeal => {
            appeals::table.find(AppealId::from_uuid(id)).select(appeals::program_id).first(conn).optional()?
        }
    };
    let Some(program) = program else { return Ok(None) };
    let provider = programs::table.find(program).select(programs::provider_id).first(conn).optional()?;
    Ok(provider.map(|provider| (program, provider)))
}

/// Whether what a review is held for now was found by the automatic checks.
fn held_by_checks(conn: &mut Conn, review: &Uuid) -> QueryResult<bool> {
    let last: Option<ActorRole> = decisions::table
        .filter(decisions::subject_kind.eq(SubjectKind::Review))
        .filter(decisions::subject_id.eq(review.as_bytes().to_vec()))
        .order((decisions::created_at.desc(), decisions::id.desc()))
        .select(decisions::actor_role)
        .first(conn)
        .optional()?;
    Ok(last == Some(ActorRole::System))
}

/// Puts into the statement of reasons what its author says beyond the defaults: in the transaction of [`record`], so
/// that nobody reads it without.
pub fn explain(conn: &mut Conn, id: DecisionId, ground: Option<Ground>, facts: Option<&str>) -> QueryResult<()> {
    if let Some(ground) = ground {
        diesel::update(decisions::table.find(id)).set(decisions::ground.eq(ground)).execute(conn)?;
    }
    if let Some(facts) = facts {
        diesel::update(decisions::table.find(id)).set(decisions::facts.eq(facts)).execute(conn)?;
    }
    Ok(())
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
            restriction: statement::restriction(row.subject_kind, row.actor_role, &row.from_status, &row.to_status),
            id: row.id,
            action: row.action,
            from_status: row.from_status,
            to_status: row.to_status,
            actor_role: row.actor_role,
            ground: row.ground,
            automated: row.automated != 0,
            reason: row.reason,
            created_at: row.created_at,
        }
    }
}
