//! What a red-flag report consists of, its states, and what may be done in each.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError, ValidationErrors};

use crate::{
    reference::{Ground, RedFlagKind, Severity, TaskCode, TrainingLevel},
    reviews::model::Period,
    rules::{TransitionError, fault_at, unique},
    text_enum::text_enum,
    time::{Day, Timestamp},
};

text_enum! {
    /// State of a report.
    pub enum ReportStatus {
        /// Waiting for a moderator.
        Submitted = "submitted",
        /// A moderator is looking into it.
        InTriage = "in_triage",
        /// The reporter was asked for more.
        NeedsInfo = "needs_info",
        /// Found true; it stands until remediated or taken back.
        Substantiated = "substantiated",
        /// Not found true, or the finding was taken back. Final.
        Unsubstantiated = "unsubstantiated",
        /// Taken back by the reporter. Final.
        Withdrawn = "withdrawn",
        /// Found true, and the cause was verifiably removed. Final.
        Remediated = "remediated",
    }
}

text_enum! {
    /// What can be done with a report.
    pub enum ReportAction {
        /// A moderator takes it up.
        StartTriage = "start_triage",
        /// A moderator asks the reporter for more.
        RequestInfo = "request_info",
        /// The reporter answers.
        GiveInfo = "give_info",
        /// A moderator goes on without an answer.
        ResumeTriage = "resume_triage",
        /// A moderator finds it true.
        Substantiate = "substantiate",
        /// A moderator does not find it true, or takes the finding back.
        Unsubstantiate = "unsubstantiate",
        /// The reporter takes it back.
        Withdraw = "withdraw",
        /// A moderator has proof that the cause was removed.
        Remediate = "remediate",
        /// An appeal against what was found was upheld.
        Reopen = "reopen",
    }
}

impl ReportStatus {
    /// The state after an action.
    pub const fn after(self, action: ReportAction) -> Result<Self, TransitionError> {
        match (self, action) {
            (Self::Submitted, ReportAction::StartTriage)
            | (Self::NeedsInfo, ReportAction::GiveInfo | ReportAction::ResumeTriage) => Ok(Self::InTriage),
            (Self::InTriage, ReportAction::RequestInfo) => Ok(Self::NeedsInfo),
            (Self::InTriage, ReportAction::Substantiate) => Ok(Self::Substantiated),
            (Self::Submitted | Self::InTriage | Self::NeedsInfo, ReportAction::Withdraw) => Ok(Self::Withdrawn),
            (Self::Substantiated, ReportAction::Remediate) => Ok(Self::Remediated),
            // A finding can turn out to be wrong.
            (Self::InTriage | Self::Substantiated, ReportAction::Unsubstantiate) => Ok(Self::Unsubstantiated),
            (Self::Substantiated | Self::Unsubstantiated | Self::Remediated, ReportAction::Reopen) => {
                Ok(Self::InTriage)
            }
            (from, action) => Err(TransitionError { from: from.as_str(), action: action.as_str() }),
        }
    }

    /// Whether nothing has been found yet: a moderator is still to rule on it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Submitted | Self::InTriage | Self::NeedsInfo)
    }

    /// Whether the action takes two moderators: whatever ends a critical report that was found true, be it that it stands
    /// or that an appeal has it looked into again.
    #[must_use]
    pub fn needs_second(self, severity: Severity, found_true: bool, action: ReportAction) -> bool {
        let ends = matches!(self.after(action), Ok(Self::Unsubstantiated | Self::Remediated));
        found_true && severity == Severity::Critical && ends
    }

    /// Whether it was found true and not remediated: only then does it count against the program.
    #[must_use]
    pub const fn stands(self) -> bool {
        matches!(self, Self::Substantiated)
    }
}

/// The states of [`ReportStatus::is_open`].
pub const OPEN: [ReportStatus; 3] = [ReportStatus::Submitted, ReportStatus::InTriage, ReportStatus::NeedsInfo];

/// What takes the key of a report that cannot wait below those of all others: the microsecond after the last moment
/// that there is.
const AHEAD: i64 = 253_402_300_800_000_000;

/// A report's place in the list for moderators: those that cannot wait come first, by a negative key; then by age.
#[must_use]
pub const fn queue_key(cannot_wait: bool, made: Timestamp) -> i64 {
    if cannot_wait { made.as_micros() - AHEAD } else { made.as_micros() }
}

text_enum! {
    /// Who may learn of a report.
    pub enum Confidentiality {
        /// A moderator's summary may be published; never the narrative or the reporter.
        PublicSummary = "public_summary",
        /// Moderators only; the public learns no more than that a report of the kind stands.
        ModeratorsOnly = "moderators_only",
    }
}

/// A piece of evidence, described; nothing is uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What it is and what it shows.
    #[schema(min_length = 3, max_length = 300, example = "Page of the provider that offers suturing to school pupils")]
    pub description: String,
    /// Where it can be seen.
    #[schema(
        min_length = 10,
        max_length = 500,
        pattern = "^https?://[A-Za-z0-9.:-]+([/?#][!-~]*)?$",
        format = "uri",
        example = "https://example.org/offer"
    )]
    #[validate(url(code = "invalid_url", message = "Use a complete http or https address."))]
    pub url: Option<String>,
}

/// A person's account of one kind of red flag. Read by moderators only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RedFlagReportInput {
    /// Kind of red flag; see `/v1/reference/red-flag-kinds`.
    pub kind: RedFlagKind,
    /// Training level of the participant concerned.
    pub training_level: TrainingLevel,
    /// Tasks concerned, each once.
    #[serde(default)]
    #[schema(max_items = 11)]
    #[validate(custom(function = "unique"))]
    pub tasks: Vec<TaskCode>,
    /// When it happened. Shown to others as a half-year only.
    #[validate(nested)]
    pub happened: Period,
    /// What happened.
    #[schema(min_length = 20, max_length = 10_000)]
    pub narrative: String,
    /// Evidence.
    #[serde(default)]
    #[schema(max_items = 20)]
    #[validate(nested)]
    pub evidence: Vec<Evidence>,
    /// Who may learn of the report.
    pub confidentiality: Confidentiality,
    /// Whether a patient or a participant is in danger now. Moderators take such a report up first, and do not wait
    /// for what the provider says to it.
    #[serde(default)]
    pub urgent: bool,
}

impl RedFlagReportInput {
    /// Whether moderators take it up first and the provider is never asked about it: somebody is in danger now, or it
    /// tells of harassment or abuse, whose victims the provider may have in its hands.
    #[must_use]
    pub fn cannot_wait(&self) -> bool {
        self.urgent || self.kind == RedFlagKind::HarassmentOrAbuse
    }

    /// Refuses a time in the future or more than ten years back. `today` comes from the clock.
    pub fn check_period(&self, today: Day) -> Result<(), ValidationErrors> {
        self.happened.check("happened", today)
    }

    /// The severity a report begins with: the default of its kind, until a moderator rules.
    #[must_use]
    pub fn initial_severity(&self) -> Severity {
        self.kind.info().severity
    }
}

text_enum! {
    /// What a moderator can decide about a report.
    pub enum ReportRuling {
        /// Take it up.
        StartTriage = "start_triage",
        /// Ask the reporter for more.
        RequestInfo = "request_info",
        /// Go on without an answer.
        ResumeTriage = "resume_triage",
        /// Find it true.
        Substantiate = "substantiate",
        /// Not find it true.
        Unsubstantiate = "unsubstantiate",
        /// Accept the proof that the cause was removed.
        Remediate = "remediate",
    }
}

impl From<ReportRuling> for ReportAction {
    fn from(ruling: ReportRuling) -> Self {
        match ruling {
            ReportRuling::StartTriage => Self::StartTriage,
            ReportRuling::RequestInfo => Self::RequestInfo,
            ReportRuling::ResumeTriage => Self::ResumeTriage,
            ReportRuling::Substantiate => Self::Substantiate,
            ReportRuling::Unsubstantiate => Self::Unsubstantiate,
            ReportRuling::Remediate => Self::Remediate,
        }
    }
}

/// A moderator's decision about a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(
    schema(function = "summary_belongs_to_substantiate"),
    schema(function = "severity_belongs_to_substantiate"),
    schema(function = "proof_belongs_to_remediate")
)]
pub struct ReportDecisionInput {
    /// What is decided.
    pub action: ReportRuling,
    /// Why. The reporter reads it, and of a report with a public summary that is found true the provider too: nothing in
    /// it or in `facts` may lead to the reporter.
    #[schema(min_length = 10, max_length = 2000)]
    pub reason: String,
    /// Severity found; with `substantiate` only. The severity of the report is kept when absent.
    pub severity: Option<Severity>,
    /// Summary without anything that leads to the reporter; needed with `substantiate`, refused
    /// otherwise.
    #[schema(min_length = 20, max_length = 2000)]
    pub public_summary: Option<String>,
    /// What shows that the cause was removed; needed with `remediate`, refused otherwise.
    #[schema(min_length = 10, max_length = 2000)]
    pub proof: Option<String>,
    /// What it rests on; what is usual for the action when absent. See `/v1/moderation/grounds`.
    pub ground: Option<Ground>,
    /// What was found, for whoever is affected; without personal data of others.
    #[schema(min_length = 10, max_length = 2000)]
    pub facts: Option<String>,
}

fn summary_belongs_to_substantiate(decision: &ReportDecisionInput) -> Result<(), ValidationError> {
    match (decision.action, &decision.public_summary) {
        (ReportRuling::Substantiate, None) => {
            Err(fault_at("required", "`substantiate` needs a public summary.", "/public_summary"))
        }
        (ReportRuling::Substantiate, Some(_)) | (_, None) => Ok(()),
        _ => Err(fault_at("not_applicable", "A public summary goes with `substantiate` only.", "/public_summary")),
    }
}

fn severity_belongs_to_substantiate(decision: &ReportDecisionInput) -> Result<(), ValidationError> {
    if decision.severity.is_some() && decision.action != ReportRuling::Substantiate {
        return Err(fault_at("not_applicable", "A severity goes with `substantiate` only.", "/severity"));
    }
    Ok(())
}

fn proof_belongs_to_remediate(decision: &ReportDecisionInput) -> Result<(), ValidationError> {
    match (decision.action, &decision.proof) {
        (ReportRuling::Remediate, None) => Err(fault_at("required", "`remediate` needs proof.", "/proof")),
        (ReportRuling::Remediate, Some(_)) | (_, None) => Ok(()),
        _ => Err(fault_at("not_applicable", "Proof goes with `remediate` only.", "/proof")),
    }
}

/// The reporter's answer to a moderator's question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct InformationInput {
    /// The answer. Read by moderators only.
    #[schema(min_length = 10, max_length = 10_000)]
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn every_pair_of_status_and_action_has_one_answer() {
        use ReportAction as A;
        use ReportStatus as S;
        let allowed = [
            (S::Submitted, A::StartTriage, S::InTriage),
            (S::Submitted, A::Withdraw, S::Withdrawn),
            (S::InTriage, A::RequestInfo, S::NeedsInfo),
            (S::InTriage, A::Substantiate, S::Substantiated),
            (S::InTriage, A::Unsubstantiate, S::Unsubstantiated),
            (S::InTriage, A::Withdraw, S::Withdrawn),
            (S::NeedsInfo, A::GiveInfo, S::InTriage),
            (S::NeedsInfo, A::ResumeTriage, S::InTriage),
            (S::NeedsInfo, A::Withdraw, S::Withdrawn),
            (S::Substantiated, A::Remediate, S::Remediated),
            (S::Substantiated, A::Unsubstantiate, S::Unsubstantiated),
            (S::Substantiated, A::Reopen, S::InTriage),
            (S::Unsubstantiated, A::Reopen, S::InTriage),
            (S::Remediated, A::Reopen, S::InTriage),
        ];
        for status in S::ALL {
            for action in A::ALL {
                let expected = allowed.iter().find(|row| (row.0, row.1) == (*status, *action)).map(|row| row.2);
                assert_eq!(status.after(*action).ok(), expected, "{status} {action}");
            }
        }
    }

    #[test]
    fn two_moderators_are_needed_where_a_critical_finding_would_go() {
        for status in ReportStatus::ALL {
            for action in ReportAction::ALL {
                for severity in Severity::ALL {
                    use {ReportAction as A, ReportStatus as S};
                    let ends = matches!(
                        (status, action),
                        (S::Substantiated | S::InTriage, A::Unsubstantiate) | (S::Substantiated, A::Remediate)
                    );
                    let needed = ends && *severity == Severity::Critical;
                    assert_eq!(status.needs_second(*severity, true, *action), needed, "{status} {severity} {action}");
                    assert!(!status.needs_second(*severity, false, *action));
                }
            }
        }
    }

    #[test]
    fn a_ruling_names_the_action_it_causes() {
        for ruling in ReportRuling::ALL {
            assert_eq!(ReportAction::from(*ruling).as_str(), ruling.as_str());
        }
    }

    fn report(changes: &Value) -> RedFlagReportInput {
        let mut document = json!({
            "kind": "unsupervised_patient_contact", "training_level": "pre_health", "tasks": ["wound_care"],
            "happened": {"start_month": "2025-03", "end_month": "2025-03"}, "confidentiality": "moderators_only",
            "narrative": "We were left alone with the ward for two nights."
        });
        for (member, value) in changes.as_object().unwrap() {
            document[member] = value.clone();
        }
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_report_begins_with_the_severity_of_its_kind() {
        let report = report(&json!({}));
        report.validate().unwrap();
        assert_eq!(report.initial_severity(), Severity::Critical);
        assert!(report.check_period("2025-03-01".parse().unwrap()).is_ok());
        assert!(report.check_period("2025-02-28".parse().unwrap()).unwrap_err().errors().contains_key("happened"));
    }

    #[test]
    fn tasks_are_told_once_and_addresses_are_real() {
        let wrong = report(
            &json!({"tasks": ["wound_care", "wound_care"], "evidence": [{"description": "Page", "url": "https://"}]}),
        );
        let errors = wrong.validate().unwrap_err();
        assert!(errors.errors().contains_key("tasks") && errors.errors().contains_key("evidence"));
    }

    #[test]
    fn a_decision_carries_what_belongs_to_its_action() {
        let faults = |action: &str, extra: &[&str]| {
            let mut document = json!({"action": action, "reason": "Two accounts agree."});
            for member in extra {
                document[*member] = if *member == "severity" {
                    json!("major")
                } else {
                    json!("A text of more than twenty characters.")
                };
            }
            let decision: ReportDecisionInput = serde_json::from_value(document).unwrap();
            decision.validate().err().map_or(0, |errors| errors.field_errors()["__all__"].len())
        };
        assert_eq!(faults("substantiate", &["public_summary"]), 0);
        assert_eq!(faults("substantiate", &["public_summary", "severity"]), 0);
        assert_eq!(faults("substantiate", &[]), 1);
        assert_eq!(faults("remediate", &["proof"]), 0);
        assert_eq!(faults("remediate", &[]), 1);
        assert_eq!(faults("start_triage", &[]), 0);
        assert_eq!(faults("start_triage", &["proof", "severity", "public_summary"]), 3);
    }
}
