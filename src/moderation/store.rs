//! Queries on `decisions`.

use diesel::prelude::*;
use uuid::Uuid;

use super::{Act, ActorRole, DecisionBody, SubjectKind};
use crate::{
    db::{Conn, schema::decisions},
    ids::{DecisionId, PrincipalId},
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

/// Writes an act down, in the transaction that carries it out.
pub fn record(conn: &mut Conn, kind: SubjectKind, subject: &Uuid, act: &Act<'_>) -> QueryResult<()> {
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
    diesel::insert_into(decisions::table).values(&row).execute(conn).map(drop)
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
