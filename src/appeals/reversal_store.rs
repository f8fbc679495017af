//! Undoing a ruling, by the operations of the feature that it belongs to.

use diesel::prelude::*;

use super::{model::Reversal, store::Ruling};
use crate::{
    auth::Caller,
    db::{
        Conn,
        schema::{programs, red_flag_reports, review_replies, reviews, triage_entries},
    },
    decisions::store as decision_store,
    http::Error,
    ids::{ProgramId, ReportId, ReviewId, TriageEntryId},
    moderation::{SubjectKind, store::DecisionRow},
    programs::{
        model::ProgramAction,
        store::Key,
        write_store::{self, ProgramAct},
    },
    red_flags::{
        self,
        measures::{ReporterMeasureAction, ReporterMeasureInput},
    },
    replies::{
        self,
        model::{ReplyDecisionInput, ReplyRuling, ReplyTarget},
    },
    reviews::store as review_store,
    self_reports::triage_store,
};

/// Whether what a ruling was about is still in the state that it was put into, and by it: no later decision has come.
pub fn still_stands(conn: &mut Conn, decided: &DecisionRow) -> Result<bool, Error> {
    let subject = decided.subject()?;
    let status: Option<String> = match decided.subject_kind {
        SubjectKind::Review => {
            // Whose words were erased does not come back.
            let review = reviews::table.find(ReviewId::from_uuid(subject)).filter(reviews::purged.eq(0));
            review.select(reviews::status).first(conn).optional()?
        }
        SubjectKind::Program => {
            programs::table.find(ProgramId::from_uuid(subject)).select(programs::status).first(conn).optional()?
        }
        SubjectKind::RedFlagReport => {
            let report = red_flag_reports::table.find(ReportId::from_uuid(subject));
            report.select(red_flag_reports::status).first(conn).optional()?
        }
        SubjectKind::TriageEntry => {
            let entry = triage_entries::table.find(TriageEntryId::from_uuid(subject));
            entry.select(triage_entries::status).first(conn).optional()?
        }
        SubjectKind::ReviewReply | SubjectKind::ReviewAnswer => {
            let reply = review_replies::table.find(ReviewId::from_uuid(subject));
            // A text that was erased when its time was over cannot come back.
            if decided.subject_kind == SubjectKind::ReviewReply {
                reply
                    .filter(review_replies::text.is_not_null())
                    .select(review_replies::status)
                    .first(conn)
                    .optional()?
            } else {
                let status: Option<Option<String>> = reply
                    .filter(review_replies::answer.is_not_null())
                    .select(review_replies::answer_status)
                    .first(conn)
                    .optional()?;
                status.flatten()
            }
        }
        SubjectKind::Assessment | SubjectKind::Appeal => None,
    };
    Ok(status.as_ref() == Some(&decided.to_status) && !decision_store::has_successor(conn, decided)?)
}

/// Undoes a ruling that [still stands](still_stands). [`Error::Conflict`] when it has ceased to since.
pub fn undo(
    conn: &mut Conn,
    by: &Caller,
    decided: &DecisionRow,
    how: Reversal,
    reason: &str,
    ruling: &Ruling<'_>,
) -> Result<(), Error> {
    let subject = decided.subject()?;
    let ([first, record], now) = (ruling.undone, ruling.now);
    match how {
        Reversal::PublishReview => {
            let act = review_store::Ruled { record, rule: ruling.rule, audit: ruling.audit };
            review_store::reinstate(conn, by, ReviewId::from_uuid(subject), reason, first, act, now).map(drop)
        }
        Reversal::ReinstateProgram | Reversal::ResubmitProgram => {
            let again = how == Reversal::ReinstateProgram;
            let action = if again { ProgramAction::Reinstate } else { ProgramAction::Submit };
            let audit = Some(ruling.audit);
            let act = ProgramAct { decision: record, by: *by, action, reason, at: now, audit };
            write_store::act(conn, &Key::Id(ProgramId::from_uuid(subject)), &act).map(drop)
        }
        Reversal::ReopenReport => {
            let id = ReportId::from_uuid(subject);
            red_flags::store::reopen(conn, by, id, reason, record, now, ruling.audit).map(drop)
        }
        Reversal::RestoreText => {
            let target = match decided.subject_kind {
                SubjectKind::ReviewReply => ReplyTarget::Reply,
                _ => ReplyTarget::Answer,
            };
            let (action, reason) = (ReplyRuling::Restore, reason.to_owned());
            let decision = ReplyDecisionInput { action, target, reason, ground: None, facts: None };
            replies::store::decide(conn, by, ReviewId::from_uuid(subject), &decision, record, now, ruling.audit)
                .map(drop)
        }
        Reversal::RestoreReporter => {
            let (action, reason) = (ReporterMeasureAction::Restore, reason.to_owned());
            let measure = ReporterMeasureInput { action, reason, days: None };
            let id = ReportId::from_uuid(subject);
            red_flags::measure_store::take(conn, by, id, &measure, record, now, ruling.audit).map(drop)
        }
        Reversal::ReopenEntry => {
            triage_store::reopen(conn, by, TriageEntryId::from_uuid(subject), reason, record, now, ruling.audit)
        }
    }
}
