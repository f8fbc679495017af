//! What moderators rule.

use super::{Change, ReportRow, apply, find, lock};
use crate::{
    audit::AuditKey,
    auth::Caller,
    db::Conn,
    http::Error,
    ids::{DecisionId, ReportId},
    moderation::{
        self, SubjectKind,
        proposal_store::{self, Proposal},
    },
    red_flags::{
        answer_store,
        model::{ReportAction, ReportDecisionInput, ReportRuling},
    },
    time::Timestamp,
};

/// Finds a report for a moderator to rule on. [`Error::Forbidden`] when the moderator is its reporter or is linked to
/// the program's provider.
pub fn find_to_rule(conn: &mut Conn, id: ReportId, moderator: &Caller) -> Result<ReportRow, Error> {
    let row = find(conn, id)?.ok_or(Error::NotFound("report"))?;
    unconcerned(conn, row, moderator)
}

pub(in crate::red_flags) fn unconcerned(
    conn: &mut Conn,
    row: ReportRow,
    moderator: &Caller,
) -> Result<ReportRow, Error> {
    if row.reporter_id == moderator.id {
        return Err(Error::Forbidden("Nobody rules on their own report."));
    }
    moderation::store::permit_ruling_about(conn, moderator, row.program_id)?;
    Ok(row)
}

/// Rules on a report, writes the decision down, and brings the program's verdict up to date. What takes two moderators
/// ([`needs_second`](crate::red_flags::model::ReportStatus::needs_second)) leaves the report as it is until the second one decides the same.
///
/// [`Error::NotFound`] when there is no such report, [`Error::Forbidden`] as for [`find_to_rule`],
/// [`Error::Conflict`] when its status does not allow the action, another moderator has claimed it, or the same moderator
/// would be the second.
pub fn decide(
    conn: &mut Conn,
    moderator: &Caller,
    id: ReportId,
    decision: &ReportDecisionInput,
    decision_id: DecisionId,
    now: Timestamp,
    audit: &AuditKey,
) -> Result<ReportRow, Error> {
    let row = lock(conn, id)?;
    let mut row = unconcerned(conn, row, moderator)?;
    let (kind, subject) = (SubjectKind::RedFlagReport, *row.id.as_uuid());
    moderation::claim_store::permit(conn, moderator, kind, &subject, now)?;
    let action = ReportAction::from(decision.action);
    if row.status.needs_second(row.severity, row.public_summary.is_some(), action) {
        let (version, action, reason) = (row.version, action.as_str(), decision.reason.as_str());
        let act = Proposal { kind, subject: &subject, version, action, reason, at: now };
        if !proposal_store::is_seconded(conn, moderator, &act, audit)? {
            return Ok(row);
        }
    }
    match decision.action {
        ReportRuling::Substantiate => {
            answer_store::check_heard(conn, &row, now.day())?;
            row.severity = decision.severity.unwrap_or(row.severity);
            row.public_summary.clone_from(&decision.public_summary);
        }
        ReportRuling::Remediate => {
            let mut content = row.content()?;
            content.proof.clone_from(&decision.proof);
            row.content = content.to_text()?;
        }
        ReportRuling::StartTriage
        | ReportRuling::RequestInfo
        | ReportRuling::ResumeTriage
        | ReportRuling::Unsubstantiate => {}
    }
    let audit = Some(audit);
    let change = Change { action, reason: &decision.reason, decision_id, now, audit };
    let row = apply(conn, row, moderator, &change)?;
    moderation::store::explain(conn, decision_id, decision.ground, decision.facts.as_deref())?;
    Ok(row)
}

/// Takes a report up again on which somebody has ruled and an appeal was upheld. A critical one that was found true puts
/// the program under review meanwhile, and to end it still takes two moderators.
///
/// Errors as for [`decide`].
pub fn reopen(
    conn: &mut Conn,
    moderator: &Caller,
    id: ReportId,
    reason: &str,
    decision_id: DecisionId,
    now: Timestamp,
    audit: &AuditKey,
) -> Result<ReportRow, Error> {
    let row = lock(conn, id)?;
    let row = unconcerned(conn, row, moderator)?;
    let audit = Some(audit);
    apply(conn, row, moderator, &Change { action: ReportAction::Reopen, reason, decision_id, now, audit })
}
