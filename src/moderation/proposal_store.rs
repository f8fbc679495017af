//! Acts that take two moderators: the first one's decision is kept as a proposal, the same decision by a second one
//! carries it out.

use diesel::prelude::*;
use uuid::Uuid;

use super::{SubjectKind, claim_store, queue::ProposalBody};
use crate::{
    audit::{self, AuditKey, AuditKind, Event},
    auth::Caller,
    db::{Conn, schema::moderation_proposals},
    http::Error,
    ids::PrincipalId,
    time::Timestamp,
};

/// A moderator's act on a subject that takes two.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// What kind of thing it is about.
    pub kind: SubjectKind,
    /// Its id.
    pub subject: &'a Uuid,
    /// The version that the subject has by this act. It counts up with every change, so a proposal is known to stand by
    /// the subject having still the version that the proposal gave it.
    pub version: i32,
    /// The act, as the API names it.
    pub action: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When.
    pub at: Timestamp,
}

/// The proposal that stands for a subject of this version, and who made it.
fn standing(
    conn: &mut Conn,
    kind: SubjectKind,
    subject: &Uuid,
    version: i32,
) -> QueryResult<Option<(PrincipalId, ProposalBody)>> {
    let row: Option<(PrincipalId, String, String, Timestamp)> = moderation_proposals::table
        .find((kind, subject.as_bytes().to_vec(), version))
        .select((
            moderation_proposals::proposer_id,
            moderation_proposals::action,
            moderation_proposals::reason,
            moderation_proposals::proposed_at,
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(|(by, action, reason, proposed_at)| (by, ProposalBody { action, reason, proposed_at })))
}

/// The proposal that stands for a subject of this version.
pub fn find(conn: &mut Conn, kind: SubjectKind, subject: &Uuid, version: i32) -> QueryResult<Option<ProposalBody>> {
    Ok(standing(conn, kind, subject, version)?.map(|(_, proposal)| proposal))
}

/// Whether the act is to be carried out, because another moderator has proposed the same. Otherwise it is kept as the
/// proposal, in the place of one for another act; the subject itself stays as it is. Called in the transaction of the
/// decision, once the subject's version has been counted up. What keeps a proposal ends the claim, so that a second
/// moderator can come to it; the security log is written last, so the caller ends with this.
///
/// [`Error::Conflict`] when this moderator has proposed the same.
pub fn is_seconded(conn: &mut Conn, by: &Caller, act: &Proposal<'_>, key: &AuditKey) -> Result<bool, Error> {
    let before = standing(conn, act.kind, act.subject, act.version - 1)?;
    match before.filter(|(_, proposal)| proposal.action == act.action) {
        Some((proposer, _)) if proposer == by.id => {
            return Err(Error::Conflict(
                "This takes two moderators, and you have proposed it; another one has to decide the same.".to_owned(),
            ));
        }
        Some(_) => return Ok(true),
        None => {}
    }
    diesel::insert_into(moderation_proposals::table)
        .values((
            moderation_proposals::subject_kind.eq(act.kind),
            moderation_proposals::subject_id.eq(act.subject.as_bytes().to_vec()),
            moderation_proposals::subject_version.eq(act.version),
            moderation_proposals::action.eq(act.action),
            moderation_proposals::reason.eq(act.reason),
            moderation_proposals::proposer_id.eq(by.id),
            moderation_proposals::proposed_at.eq(act.at),
        ))
        .execute(conn)?;
    claim_store::end(conn, act.kind, act.subject)?;
    let subject = format!("{}:{}", act.kind, act.subject.hyphenated());
    audit::append(conn, key, &Event { kind: AuditKind::Proposed, actor: Some(by.id), subject }, act.at)?;
    Ok(false)
}
