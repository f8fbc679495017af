//! What the verdict on a program was, and since when.
//!
//! Each write that changes a verdict, or its reasons, leaves a row with what the clock alone makes of it. So the verdict
//! of every day follows: the row in force says from which days on expired evidence made it worse.
//!
//! A change that comes from what people told (reviews and reports) is dated by its month: the exact day could tell who
//! wrote.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ids::ProgramId,
    text_enum::text_enum,
    time::{Day, Timestamp},
    verdict::{Outlook, ReasonCode, Verdict},
};

text_enum! {
    /// What a change of the verdict came from.
    pub enum VerdictTurn {
        /// Something was found out, ruled or edited.
        InputsChanged = "inputs_changed",
        /// Evidence expired, and nothing else happened.
        EvidenceExpired = "evidence_expired",
    }
}

/// One row of `verdict_changes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// The verdict at `changed_at`.
    pub verdict: Verdict,
    /// From this day it is `meets_with_conditions` at best.
    pub conditions_from: Day,
    /// From this day it is `insufficient_evidence` at best.
    pub insufficient_from: Day,
    /// The codes of its reasons, the decisive one first.
    pub reasons: Vec<ReasonCode>,
    /// The rubric in force then.
    pub rubric_version: i32,
    /// Since when.
    pub changed_at: Timestamp,
}

impl ChangeRow {
    /// The verdict on each day from that of the change on, until the next row.
    #[must_use]
    pub const fn outlook(&self) -> Outlook {
        Outlook {
            verdict: self.verdict,
            conditions_from: self.conditions_from,
            insufficient_from: self.insufficient_from,
            stale_from: Day::NEVER,
        }
    }

    /// The reasons that rest on what people told.
    fn told(&self) -> impl Iterator<Item = ReasonCode> {
        let told = |code: &ReasonCode| {
            matches!(
                code,
                ReasonCode::CriticalReportStands
                    | ReasonCode::ReportStands
                    | ReasonCode::SignalConfirmed
                    | ReasonCode::SignalCorroborated
            )
        };
        self.reasons.iter().copied().filter(told)
    }
}

/// A verdict, and for how long it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct VerdictEntry {
    /// The conclusion.
    pub verdict: Verdict,
    /// The first day. Where the change comes from reviews or reports it is the first day of the month, or the first day
    /// of the entry before if that is later.
    pub since: Day,
    /// The day on which the next entry begins; null for the verdict that stands.
    pub until: Option<Day>,
    /// What brought it about.
    pub code: VerdictTurn,
    /// The codes of the reasons that it began with, the decisive one first; for evidence that expired only that reason.
    #[schema(max_items = 17)]
    pub reasons: Vec<ReasonCode>,
    /// The rubric in force when it began.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub rubric_version: i32,
}

/// What the verdict on a program was.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerdictHistory {
    /// The program.
    pub program_id: ProgramId,
    /// The verdicts, newest first, at most 200. One follows another only where the conclusion differs.
    #[schema(max_items = 200)]
    pub entries: Vec<VerdictEntry>,
    /// The day until which the clock was followed.
    pub as_of: Day,
}

/// One verdict with its exact moment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    at: Timestamp,
    verdict: Verdict,
    code: VerdictTurn,
    reasons: Vec<ReasonCode>,
    rubric_version: i32,
    /// It comes from what people told.
    told: bool,
}

/// The history until a moment, newest first, from rows in the order in which they were written. With `from` (when the
/// program was first listed) what came before is left out, and the verdict that stood then begins then.
#[must_use]
pub fn entries(rows: &[ChangeRow], from: Option<Timestamp>, now: Timestamp) -> Vec<VerdictEntry> {
    let mut steps = steps(rows, now);
    if let Some(from) = from
        && let Some(standing) = steps.iter().rposition(|step| step.at <= from)
    {
        steps.drain(..standing);
        // When it was listed is known.
        steps[0].told = false;
        steps[0].at = from;
    }
    steps.dedup_by(|later, earlier| later.verdict == earlier.verdict);
    let mut entries: Vec<VerdictEntry> = Vec::with_capacity(steps.len());
    for step in steps {
        let day = step.at.day();
        let since = if step.told { day.month().first_day() } else { day };
        let since = entries.last().map_or(since, |before| since.max(before.since));
        if let Some(before) = entries.last_mut() {
            before.until = Some(since);
        }
        let Step { verdict, code, reasons, rubric_version, .. } = step;
        entries.push(VerdictEntry { verdict, since, until: None, code, reasons, rubric_version });
    }
    entries.reverse();
    entries
}

/// Every row, and after each what the clock made of it before the next.
fn steps(rows: &[ChangeRow], now: Timestamp) -> Vec<Step> {
    let mut steps = Vec::with_capacity(rows.len());
    let mut before: Option<&ChangeRow> = None;
    for (number, row) in rows.iter().enumerate() {
        // Where what people told is a reason before and after, more of it may be what made the difference.
        let other = before.is_some_and(|before| before.verdict != row.verdict && row.told().next().is_some());
        let told = other || !row.told().eq(before.iter().flat_map(|before| before.told()));
        before = Some(row);
        let mut reasons = row.reasons.clone();
        reasons.dedup();
        let of = |at, verdict, code, reasons, told| Step {
            at,
            verdict,
            code,
            reasons,
            rubric_version: row.rubric_version,
            told,
        };
        steps.push(of(row.changed_at, row.verdict, VerdictTurn::InputsChanged, reasons, told));
        let next = rows.get(number + 1).map(|next| next.changed_at);
        let mut verdict = row.verdict;
        let (one, other) = (row.conditions_from, row.insufficient_from);
        for day in [one.min(other), one.max(other)] {
            let then = row.outlook().on(day);
            let came = day.start() <= now && next.is_none_or(|next| day.start() < next);
            if then == verdict || !came {
                continue;
            }
            verdict = then;
            // Nothing else changes by the clock (`verdict::decide`).
            let critical = verdict <= Verdict::InsufficientEvidence;
            let reason = if critical { ReasonCode::CriticalEvidenceExpired } else { ReasonCode::EvidenceExpired };
            steps.push(of(day.start(), verdict, VerdictTurn::EvidenceExpired, vec![reason], false));
        }
    }
    steps
}

#[cfg(test)]
mod tests;
