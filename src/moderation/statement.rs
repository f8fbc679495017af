//! Statements of reasons (article 17 of the EU's Digital Services Act): what a decision takes from whom it affects, what
//! it rests on, who is affected, and which decisions stand in the public record. Tables, each in one place.

use super::{ActorRole, SubjectKind};
use crate::{reference::Ground, text_enum::text_enum, time::Day};

/// For how many days after a decision an appeal is taken, the day itself not counted.
pub const APPEAL_DAYS: i32 = 180;

/// The last day on which an appeal against a decision of this day is taken.
#[must_use]
pub fn appeal_until(decided: Day) -> Day {
    Day::from_number(decided.number().saturating_add(APPEAL_DAYS)).unwrap_or(Day::NEVER)
}

text_enum! {
    /// What a decision takes from whom it affects.
    pub enum Restriction {
        /// Nothing.
        None = "none",
        /// It is not public, for now or until it is changed.
        Visibility = "visibility",
        /// It is taken away for good, unless it is changed.
        Removal = "removal",
        /// It stays public, marked and out of the lists.
        Suspension = "suspension",
        /// It counts in the verdict.
        Verdict = "verdict",
    }
}

/// What a change of state takes from whom it affects. What people do with what is their own takes nothing from them.
#[must_use]
pub fn restriction(kind: SubjectKind, role: ActorRole, from: &str, to: &str) -> Restriction {
    if !rules(role) {
        return Restriction::None;
    }
    match (kind, from, to) {
        (SubjectKind::Review, _, "rejected")
        | (SubjectKind::Program, _, "archived")
        | (SubjectKind::ReviewReply | SubjectKind::ReviewAnswer, _, "removed") => Restriction::Removal,
        (SubjectKind::Program, _, "suspended") => Restriction::Suspension,
        // What is done about a reporter takes nothing from the report.
        (SubjectKind::RedFlagReport, from, to) if from == to => Restriction::None,
        // A step from one state that is not public to another takes nothing more.
        (SubjectKind::Review, "rejected", "held") => Restriction::None,
        (SubjectKind::Review, _, "held")
        | (SubjectKind::Program, _, "draft")
        | (SubjectKind::RedFlagReport, _, "unsubstantiated") => Restriction::Visibility,
        (SubjectKind::RedFlagReport, _, "substantiated")
        | (SubjectKind::Assessment, _, "published")
        | (SubjectKind::TriageEntry, _, "confirmed") => Restriction::Verdict,
        _ => Restriction::None,
    }
}

/// Whether acts in this role are rulings, and not what people do with what is their own.
#[must_use]
pub const fn rules(role: ActorRole) -> bool {
    match role {
        ActorRole::Admin | ActorRole::Moderator | ActorRole::Assessor | ActorRole::System => true,
        ActorRole::Participant | ActorRole::Provider | ActorRole::University => false,
    }
}

/// What a ruling rests on when nobody says more.
#[must_use]
pub fn default_ground(kind: SubjectKind, role: ActorRole, action: &str) -> Option<Ground> {
    let ground = match (kind, action) {
        (SubjectKind::Review, "hold") if role == ActorRole::System => Ground::AutomaticChecks,
        (SubjectKind::Review, "hold") => Ground::SecondLook,
        (SubjectKind::Review, "reject") => Ground::OffTopic,
        (SubjectKind::ReviewReply | SubjectKind::ReviewAnswer, "remove") => Ground::PersonalData,
        (SubjectKind::Review, "publish" | "keep")
        | (SubjectKind::Program, "list" | "reinstate")
        | (SubjectKind::ReviewReply | SubjectKind::ReviewAnswer, "restore") => Ground::RulesKept,
        (SubjectKind::Program, "reject") => Ground::IncompleteListing,
        (SubjectKind::Program, "suspend") => Ground::PatientSafety,
        (SubjectKind::Program, "archive") => Ground::AtRequest,
        (SubjectKind::RedFlagReport, "substantiate") | (SubjectKind::TriageEntry, "confirm") => Ground::FoundTrue,
        (SubjectKind::RedFlagReport, "unsubstantiate") | (SubjectKind::TriageEntry, "dismiss") => Ground::NotFoundTrue,
        (SubjectKind::RedFlagReport | SubjectKind::TriageEntry, "remediate") => Ground::CauseRemoved,
        (SubjectKind::Assessment, "publish") => Ground::Rubric,
        (SubjectKind::Appeal, "uphold") => Ground::AppealFounded,
        (SubjectKind::Appeal, "deny") => Ground::AppealUnfounded,
        _ => Ground::Procedure,
    };
    rules(role).then_some(ground)
}

/// Whether a decision stands in the public record: rulings do that end a case, and not the steps on the way to them.
/// That verified reviews are released together is no ruling either.
#[must_use]
pub fn is_public(kind: SubjectKind, role: ActorRole, action: &str) -> bool {
    let ends = match kind {
        SubjectKind::Program => matches!(action, "list" | "reject" | "suspend" | "reinstate" | "archive"),
        SubjectKind::Review => {
            matches!(action, "hold" | "reject") || (action == "publish" && role != ActorRole::System)
        }
        SubjectKind::RedFlagReport => {
            matches!(action, "substantiate" | "unsubstantiate" | "remediate" | "reopen" | "suspend_reporter")
        }
        SubjectKind::ReviewReply | SubjectKind::ReviewAnswer => matches!(action, "remove" | "restore"),
        SubjectKind::Assessment => action == "publish",
        SubjectKind::TriageEntry => {
            matches!(action, "confirm" | "dismiss" | "remediate") || (action == "reopen" && role != ActorRole::System)
        }
        SubjectKind::Appeal => matches!(action, "uphold" | "deny"),
    };
    ends && rules(role)
}

text_enum! {
    /// As what somebody is affected by a decision.
    pub enum Party {
        /// The author of the review.
        Author = "author",
        /// The provider of the program.
        Provider = "provider",
        /// Who made the report.
        Reporter = "reporter",
    }
}

/// Whom a ruling goes against: who may appeal. Nobody appeals against the decision on an appeal.
#[must_use]
pub fn affected(kind: SubjectKind, role: ActorRole, action: &str) -> Option<Party> {
    let party = match (kind, action) {
        (SubjectKind::Review, "hold" | "reject") | (SubjectKind::ReviewAnswer, "remove") => Party::Author,
        (SubjectKind::Program, "reject" | "suspend" | "archive")
        | (SubjectKind::RedFlagReport, "substantiate")
        | (SubjectKind::Assessment, "publish")
        | (SubjectKind::ReviewReply, "remove")
        | (SubjectKind::TriageEntry, "confirm") => Party::Provider,
        (SubjectKind::RedFlagReport, "unsubstantiate" | "remediate" | "suspend_reporter") => Party::Reporter,
        _ => return None,
    };
    rules(role).then_some(party)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIONS: [&str; 30] = [
        "keep",
        "remove",
        "restore",
        "warn_reporter",
        "suspend_reporter",
        "restore_reporter",
        "hold",
        "publish",
        "reject",
        "resubmit",
        "withdraw",
        "submit",
        "list",
        "suspend",
        "reinstate",
        "archive",
        "start_triage",
        "request_info",
        "give_info",
        "resume_triage",
        "substantiate",
        "unsubstantiate",
        "remediate",
        "confirm",
        "dismiss",
        "open",
        "reopen",
        "sign_off",
        "uphold",
        "deny",
    ];

    #[test]
    fn whoever_is_affected_reads_of_it_in_the_public_record_too() {
        for kind in SubjectKind::ALL {
            for role in ActorRole::ALL {
                for action in ACTIONS {
                    let public = is_public(*kind, *role, action);
                    assert!(public || affected(*kind, *role, action).is_none(), "{kind} {role} {action}");
                    assert_eq!(default_ground(*kind, *role, action).is_some(), rules(*role), "{kind} {role} {action}");
                    assert!(!public || rules(*role));
                }
            }
        }
    }

    #[test]
    fn what_goes_against_somebody_takes_something_from_them() {
        use SubjectKind as S;
        for (kind, from, action, to, expected) in [
            (S::Review, "published", "hold", "held", Restriction::Visibility),
            (S::Review, "", "hold", "held", Restriction::Visibility),
            (S::Review, "held", "reject", "rejected", Restriction::Removal),
            (S::Review, "held", "publish", "published", Restriction::None),
            (S::Review, "rejected", "resubmit", "held", Restriction::None),
            (S::Program, "submitted", "reject", "draft", Restriction::Visibility),
            (S::Program, "listed", "suspend", "suspended", Restriction::Suspension),
            (S::Program, "listed", "archive", "archived", Restriction::Removal),
            (S::Program, "suspended", "reinstate", "listed", Restriction::None),
            (S::RedFlagReport, "in_triage", "substantiate", "substantiated", Restriction::Verdict),
            (S::RedFlagReport, "in_triage", "unsubstantiate", "unsubstantiated", Restriction::Visibility),
            (S::RedFlagReport, "substantiated", "remediate", "remediated", Restriction::None),
            (S::Assessment, "submitted", "publish", "published", Restriction::Verdict),
            (S::TriageEntry, "open", "confirm", "confirmed", Restriction::Verdict),
            (S::TriageEntry, "open", "dismiss", "dismissed", Restriction::None),
            (S::ReviewReply, "published", "remove", "removed", Restriction::Removal),
            (S::ReviewAnswer, "published", "remove", "removed", Restriction::Removal),
            (S::ReviewReply, "removed", "restore", "published", Restriction::None),
            (S::RedFlagReport, "unsubstantiated", "warn_reporter", "unsubstantiated", Restriction::None),
            (S::Appeal, "pending", "deny", "denied", Restriction::None),
        ] {
            let role = ActorRole::Moderator;
            assert_eq!(restriction(kind, role, from, to), expected, "{kind} {action}");
            // A remediation goes against the reporter, and takes nothing that was public.
            let against = affected(kind, role, action).is_some() && action != "remediate";
            assert_eq!(expected != Restriction::None, against, "{kind} {action}");
            assert_eq!(restriction(kind, ActorRole::Provider, from, to), Restriction::None);
        }
    }

    #[test]
    fn an_appeal_is_taken_on_the_last_day() {
        let day: Day = "2025-01-01".parse().unwrap();
        assert_eq!(appeal_until(day).to_string(), "2025-06-30");
        assert_eq!(appeal_until(Day::NEVER), Day::NEVER);
    }
}
