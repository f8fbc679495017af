//! The verdict on a program: a pure function of what was found out and of the day, so that the same inputs give the
//! same answer offline.
//!
//! Every fact that speaks against the best verdict is a reason, and every reason limits what the verdict can be: the
//! verdict is the worst of these limits. So a further reason never improves it, and stars, which are no reason, never
//! move it. What is not known never reads as safe: without an assessment, without evidence, or with expired evidence on
//! a critical criterion the limit is "insufficient evidence". What was found to be bad does not fade: evidence of a
//! failure needs no renewal.

mod facts;
mod reasons;
mod rule;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::{
    facts::{
        AccountFact, AssessmentFacts, ContradictedClaim, CriterionStatus, EvidenceFact, Inputs, ReportFact,
        RubricFacts, RulingFacts, ScopeFinding, SignalFact, TriageStatus,
    },
    reasons::{Reason, ReasonCode},
};
use crate::{
    reference::{CriterionCode, Severity},
    text_enum::text_enum,
    time::Day,
};

text_enum! {
    /// What is concluded about a program, worst first.
    pub enum Verdict {
        /// A critical failure stands.
        NotRecommended = "not_recommended",
        /// Not enough is known to say that it is safe.
        InsufficientEvidence = "insufficient_evidence",
        /// No critical failure, but not every criterion is met.
        MeetsWithConditions = "meets_with_conditions",
        /// Every criterion is met.
        MeetsStandard = "meets_standard",
    }
}

text_enum! {
    /// What a reader must know besides the verdict.
    pub enum Notice {
        /// A moderator has taken the program from the lists.
        Suspended = "suspended",
        /// A verified review or report tells of something critical, and moderators have not ruled on it yet.
        UnderReview = "under_review",
        /// The assessment rests on evidence that has expired, or on a listing that has since changed.
        Stale = "stale",
        /// Participants with verified reviews contradict claims of the listing.
        ContradictedClaims = "contradicted_claims",
    }
}

/// What holds of one criterion on a day, after everything that speaks against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CriterionStanding {
    /// The criterion.
    pub criterion: CriterionCode,
    /// Failing it decides the verdict alone.
    pub critical: bool,
    /// What the assessment found; null where it did not rule or there is none.
    pub ruled: Option<CriterionStatus>,
    /// What holds: the ruling, unless its evidence is missing or expired, or reports, signals or the listing's scope
    /// speak against it.
    pub status: CriterionStatus,
    /// The strongest evidence that holds, 0 to 3.
    #[schema(minimum = 0, maximum = 3)]
    pub evidence_level: u8,
    /// The first day on which no evidence holds any more; null without evidence that holds.
    pub expires_on: Option<Day>,
}

/// The verdict with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerdictOutcome {
    /// The conclusion.
    pub verdict: Verdict,
    /// What a reader must know besides.
    #[schema(max_items = 10)]
    pub notices: Vec<Notice>,
    /// The first day on which verdict, notices or reasons change by the clock alone, if nothing else happens: the next
    /// expiry of evidence that carries a ruling; null when no day does that.
    pub holds_until: Option<Day>,
    /// Why, the decisive reason first.
    #[schema(max_items = 100)]
    pub reasons: Vec<Reason>,
    /// Every criterion of the rubric, in its order.
    #[schema(min_items = 14, max_items = 14)]
    pub criteria: Vec<CriterionStanding>,
}

/// Decides for a day. The order of the inputs does not matter.
#[must_use]
pub fn decide(inputs: &Inputs, today: Day) -> VerdictOutcome {
    let mut reasons = Vec::new();
    reports(inputs, &mut reasons);
    signals(inputs, &mut reasons);
    scope(inputs, &mut reasons);
    let mut criteria = Vec::with_capacity(CriterionCode::ALL.len());
    for criterion in CriterionCode::ALL {
        let mut standing = assessed(inputs, *criterion, today, &mut reasons);
        standing.status = against(inputs, *criterion).map_or(standing.status, |worst| standing.status.min(worst));
        criteria.push(standing);
    }
    if inputs.assessment.as_ref().is_some_and(|assessment| !assessment.levels_added.is_empty()) {
        let mut reason = Reason::new(ReasonCode::LevelNotAssessed, Verdict::InsufficientEvidence);
        reason.assessment_id = inputs.assessment.as_ref().map(|assessment| assessment.id);
        reasons.push(reason);
    }
    if inputs.assessment.is_none() {
        reasons.push(Reason::new(ReasonCode::NoAssessment, Verdict::InsufficientEvidence));
    }
    let verdict = reasons.iter().map(|reason| reason.limits_to).min().unwrap_or(Verdict::MeetsStandard);
    if reasons.is_empty() {
        reasons.push(every_criterion_met(inputs, today));
    }
    let mut reasons: Vec<Reason> = reasons.into_iter().map(Reason::in_order).collect();
    reasons.sort_by(|one, two| {
        let key = |reason: &Reason| (reason.limits_to, reason.code);
        key(one).cmp(&key(two)).then_with(|| (&one.criteria, &one.kinds).cmp(&(&two.criteria, &two.kinds)))
    });
    VerdictOutcome {
        verdict,
        notices: notices(inputs, today),
        holds_until: next_expiry(inputs, today),
        reasons,
        criteria,
    }
}

/// The next day on which a ruling loses the last of the evidence that it needs.
fn next_expiry(inputs: &Inputs, today: Day) -> Option<Day> {
    let rulings = inputs.assessment.iter().flat_map(|assessment| &assessment.rulings);
    let needing = rulings.filter(|ruling| inputs.needs_evidence(ruling));
    needing.filter_map(|ruling| ruling.holds_until(today)).min()
}

/// How the verdict changes by the clock alone: it only ever gets worse, at most twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// The verdict now.
    pub verdict: Verdict,
    /// From this day it is `meets_with_conditions` at best; [`Day::NEVER`] when no day does that.
    pub conditions_from: Day,
    /// From this day it is `insufficient_evidence` at best; [`Day::NEVER`] when no day does that.
    pub insufficient_from: Day,
    /// From this day the notice `stale` stands; [`Day::NEVER`] when no day does that.
    pub stale_from: Day,
}

impl Outlook {
    /// What the inputs give from a day on.
    #[must_use]
    pub fn of(inputs: &Inputs, today: Day) -> Self {
        let verdict = decide(inputs, today).verdict;
        let mut outlook = Self {
            verdict,
            conditions_from: Day::NEVER,
            insufficient_from: Day::NEVER,
            stale_from: if is_stale(inputs, today) { today } else { Day::NEVER },
        };
        let rulings = inputs.assessment.iter().flat_map(|assessment| &assessment.rulings);
        let expiries = rulings.flat_map(|ruling| &ruling.evidence).map(|evidence| evidence.expires_on);
        let mut days: Vec<Day> = expiries.filter(|day| *day > today).collect();
        days.sort_unstable();
        days.dedup();
        for day in days {
            let then = decide(inputs, day).verdict;
            if then < verdict && then <= Verdict::InsufficientEvidence {
                outlook.insufficient_from = outlook.insufficient_from.min(day);
            } else if then < verdict {
                outlook.conditions_from = outlook.conditions_from.min(day);
            }
            if is_stale(inputs, day) {
                outlook.stale_from = outlook.stale_from.min(day);
            }
        }
        outlook
    }

    /// The verdict on a day not before the one that the outlook was made for.
    #[must_use]
    pub fn on(&self, today: Day) -> Verdict {
        if today >= self.insufficient_from {
            self.verdict.min(Verdict::InsufficientEvidence)
        } else if today >= self.conditions_from {
            self.verdict.min(Verdict::MeetsWithConditions)
        } else {
            self.verdict
        }
    }
}

/// The notices that no clock changes, without suspension, which is a state of the program.
#[must_use]
pub fn standing_notices(inputs: &Inputs) -> Vec<Notice> {
    let under_review = inputs.reports_under_review > 0 || inputs.signals.iter().any(SignalFact::is_open);
    let contradicted = !inputs.contradicted_claims.is_empty();
    let found = [(Notice::UnderReview, under_review), (Notice::ContradictedClaims, contradicted)];
    found.into_iter().filter_map(|(notice, stands)| stands.then_some(notice)).collect()
}

fn notices(inputs: &Inputs, today: Day) -> Vec<Notice> {
    let mut notices = standing_notices(inputs);
    notices.extend(inputs.suspended.then_some(Notice::Suspended));
    notices.extend(is_stale(inputs, today).then_some(Notice::Stale));
    notices.sort_unstable();
    notices
}

fn is_stale(inputs: &Inputs, today: Day) -> bool {
    inputs.assessment.as_ref().is_some_and(|assessment| {
        assessment.listing_changed
            || assessment.rulings.iter().any(|ruling| inputs.needs_evidence(ruling) && all_expired(ruling, today))
    })
}

fn all_expired(ruling: &RulingFacts, today: Day) -> bool {
    !ruling.evidence.is_empty() && ruling.holds_until(today).is_none()
}

fn reports(inputs: &Inputs, reasons: &mut Vec<Reason>) {
    let mut critical = Reason::new(ReasonCode::CriticalReportStands, Verdict::NotRecommended);
    let mut other = Reason::new(ReasonCode::ReportStands, Verdict::MeetsWithConditions);
    for report in inputs.reports.iter().filter(|report| report.status.stands()) {
        let reason = if report.severity == Severity::Critical { &mut critical } else { &mut other };
        reason.report_ids.push(report.id);
        reason.kinds.push(report.kind);
        reason.criteria.extend(&report.criteria);
    }
    reasons.extend([critical, other].into_iter().filter(|reason| !reason.report_ids.is_empty()));
}

/// What a failure of some criteria limits the verdict to.
fn failing(inputs: &Inputs, criteria: &[CriterionCode]) -> Verdict {
    let critical = criteria.iter().any(|criterion| inputs.rubric.critical.contains(criterion));
    if critical { Verdict::NotRecommended } else { Verdict::MeetsWithConditions }
}

fn signals(inputs: &Inputs, reasons: &mut Vec<Reason>) {
    for signal in inputs.signals.iter().filter(|signal| signal.stands()) {
        let confirmed = signal.triage_status == Some(TriageStatus::Confirmed);
        let code = if confirmed { ReasonCode::SignalConfirmed } else { ReasonCode::SignalCorroborated };
        let mut reason = Reason::new(code, failing(inputs, &signal.criteria));
        reason.kinds.push(signal.kind);
        reason.criteria.clone_from(&signal.criteria);
        let critical = signal.accounts.iter().filter(|account| account.severity == Severity::Critical);
        reason.review_ids = critical.map(|account| account.review_id).collect();
        reason.triage_entry_ids.extend(signal.triage_entry_id);
        reasons.push(reason);
    }
}

fn scope(inputs: &Inputs, reasons: &mut Vec<Reason>) {
    let limit = failing(inputs, &[CriterionCode::ScopeDefined]);
    let mut beyond = Reason::new(ReasonCode::ScopeBeyondMatrix, limit);
    let mut unsupervised = Reason::new(ReasonCode::ScopeWithoutSupervision, Verdict::MeetsWithConditions);
    for finding in &inputs.scope {
        let reason = if finding.severity == Severity::Critical { &mut beyond } else { &mut unsupervised };
        reason.kinds.push(finding.kind);
        reason.criteria.push(CriterionCode::ScopeDefined);
    }
    reasons.extend([beyond, unsupervised].into_iter().filter(|reason| !reason.kinds.is_empty()));
}

/// The worst that reports, signals and the listing's scope make of a criterion; `None` when nothing speaks against it.
fn against(inputs: &Inputs, criterion: CriterionCode) -> Option<CriterionStatus> {
    let of =
        |severity| if severity == Severity::Critical { CriterionStatus::NotMet } else { CriterionStatus::PartlyMet };
    let standing = |report: &&ReportFact| report.status.stands() && report.criteria.contains(&criterion);
    let reports = inputs.reports.iter().filter(standing).map(|report| of(report.severity));
    let stands = |signal: &&SignalFact| signal.stands() && signal.criteria.contains(&criterion);
    let signals = inputs.signals.iter().filter(stands).map(|_| CriterionStatus::NotMet);
    let about_scope = inputs.scope.iter().filter(|_| criterion == CriterionCode::ScopeDefined);
    reports.chain(signals).chain(about_scope.map(|finding| of(finding.severity))).min()
}

/// What the assessment says of a criterion on a day, and the reason where that speaks against the best verdict.
fn assessed(inputs: &Inputs, criterion: CriterionCode, today: Day, reasons: &mut Vec<Reason>) -> CriterionStanding {
    let critical = inputs.rubric.critical.contains(&criterion);
    let mut standing = CriterionStanding {
        criterion,
        critical,
        ruled: None,
        status: CriterionStatus::Unknown,
        evidence_level: 0,
        expires_on: None,
    };
    let Some(assessment) = &inputs.assessment else { return standing };
    let ruling = assessment.rulings.iter().find(|ruling| ruling.criterion == criterion);
    let evidence = ruling.map_or(&[][..], |ruling| &ruling.evidence);
    let holding = || evidence.iter().filter(|evidence| evidence.expires_on > today);
    standing.ruled = ruling.map(|ruling| ruling.status);
    standing.evidence_level = holding().map(|evidence| evidence.level).max().unwrap_or(0);
    standing.expires_on = ruling.and_then(|ruling| ruling.holds_until(today));
    let status = standing.ruled.unwrap_or(CriterionStatus::Unknown);
    let needs = ruling.is_some_and(|ruling| inputs.needs_evidence(ruling));
    let carried = !needs || standing.evidence_level > 0;
    standing.status = if carried { status } else { CriterionStatus::Unknown };
    let code = match (standing.status, critical) {
        (CriterionStatus::Unknown, _) if !carried => match (evidence.is_empty(), critical) {
            (true, true) => ReasonCode::CriticalEvidenceMissing,
            (true, false) => ReasonCode::EvidenceMissing,
            (false, true) => ReasonCode::CriticalEvidenceExpired,
            (false, false) => ReasonCode::EvidenceExpired,
        },
        (CriterionStatus::Unknown, true) => ReasonCode::CriticalCriterionUnknown,
        (CriterionStatus::Unknown, false) => ReasonCode::CriterionUnknown,
        (CriterionStatus::NotMet, true) => ReasonCode::CriticalCriterionNotMet,
        (CriterionStatus::NotMet, false) => ReasonCode::CriterionNotMet,
        (CriterionStatus::PartlyMet, _) => ReasonCode::CriterionPartlyMet,
        (CriterionStatus::Met | CriterionStatus::NotApplicable, _) => return standing,
    };
    let limits_to = match (standing.status, critical) {
        (CriterionStatus::NotMet, true) => Verdict::NotRecommended,
        (CriterionStatus::Unknown, true) => Verdict::InsufficientEvidence,
        _ => Verdict::MeetsWithConditions,
    };
    let mut reason = Reason::new(code, limits_to);
    reason.criteria.push(criterion);
    reason.assessment_id = Some(assessment.id);
    reason.evidence_ids = evidence.iter().map(|evidence| evidence.id).collect();
    // A failure is not undone by the age of what showed it.
    reason.until = standing.expires_on.filter(|_| needs);
    reasons.push(reason);
    standing
}

fn every_criterion_met(inputs: &Inputs, today: Day) -> Reason {
    let mut reason = Reason::new(ReasonCode::EveryCriterionMet, Verdict::MeetsStandard);
    let Some(assessment) = &inputs.assessment else { return reason };
    reason.assessment_id = Some(assessment.id);
    for ruling in &assessment.rulings {
        reason.criteria.push(ruling.criterion);
        let holding: Vec<_> = ruling.evidence.iter().filter(|evidence| evidence.expires_on > today).collect();
        reason.evidence_ids.extend(holding.iter().map(|evidence| evidence.id));
    }
    reason.until = next_expiry(inputs, today);
    reason
}
