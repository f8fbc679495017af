//! A ruling as an assessor sends it, and the rules that no schema can say.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidateUrl};

use super::model::{Evidence, EvidenceKind, Ruling};
use crate::{
    http::{Fault, FaultCode},
    ids::{EvidenceId, ReviewId},
    reference::CriterionCode,
    time::Day,
    verdict::CriterionStatus,
    vetting::rubric::EvidenceMonths,
};

/// How many different people it takes for `participants_agree`.
pub const AGREEING: usize = 3;

/// One piece of evidence; nothing is uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceInput {
    /// What it is; its level follows from it.
    pub kind: EvidenceKind,
    /// What it shows.
    #[schema(
        min_length = 10,
        max_length = 1000,
        example = "Rosters of three months that name the consultants on duty"
    )]
    pub description: String,
    /// Where it can be read.
    #[schema(
        min_length = 10,
        max_length = 500,
        pattern = "^https?://[A-Za-z0-9.:-]+([/?#][!-~]*)?$",
        format = "uri",
        example = "https://example.org/rosters.pdf"
    )]
    pub url: Option<String>,
    /// SHA-256 of a file that is kept elsewhere. A document on file has this or an address.
    #[schema(
        min_length = 64,
        max_length = 64,
        pattern = "^[0-9a-f]{64}$",
        example = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )]
    pub sha256: Option<String>,
    /// The day on which it was obtained, not in the future.
    pub obtained_on: Day,
    /// The first day on which it counts no longer: after the day it was obtained, and no later than the rubric lets
    /// evidence of its level hold, which is the default.
    pub expires_on: Option<Day>,
    /// The role or body that confirmed it, never a person's name. Needed where an outside party confirms.
    #[schema(min_length = 3, max_length = 200, example = "Registrar of the medical council")]
    pub confirmed_by: Option<String>,
    /// The published, verified reviews of this program that agree, by three people or more; for `participants_agree`
    /// only.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub review_ids: Vec<ReviewId>,
    /// The provider and the public read only its kind, level and dates.
    #[serde(default)]
    pub confidential: bool,
}

/// What was found about one criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RulingInput {
    /// What was found. `met` and `partly_met` count as `unknown` in the verdict as long as no evidence holds.
    pub status: CriterionStatus,
    /// Why. It becomes public, so it repeats nothing from confidential evidence.
    #[schema(min_length = 10, max_length = 2000)]
    pub note: String,
    /// What it rests on.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub evidence: Vec<EvidenceInput>,
}

impl EvidenceInput {
    fn last_day(&self, months: &EvidenceMonths) -> Day {
        self.obtained_on.plus_months(months.of(self.kind.level()))
    }

    fn faults(&self, at: &str, today: Day, months: &EvidenceMonths, faults: &mut Vec<Fault>) {
        let mut add =
            |member: &str, code, detail: &str| faults.push(Fault::at(&format!("{at}/{member}"), code, detail));
        if self.obtained_on > today {
            add("obtained_on", FaultCode::InTheFuture, "Evidence is written down once it has been obtained.");
        }
        match self.expires_on {
            Some(day) if day <= self.obtained_on => {
                add("expires_on", FaultCode::RangeReversed, "It expires after the day on which it was obtained.");
            }
            Some(day) if day > self.last_day(months) => {
                let most = format!("Evidence of this level holds {} months at the most.", months.of(self.kind.level()));
                add("expires_on", FaultCode::Inconsistent, &most);
            }
            _ => {}
        }
        if self.url.as_ref().is_some_and(|url| !url.validate_url()) {
            add("url", FaultCode::InvalidUrl, "Use a complete http or https address.");
        }
        if self.kind == EvidenceKind::DocumentOnFile && self.url.is_none() && self.sha256.is_none() {
            add("sha256", FaultCode::Required, "A document on file has an address or the SHA-256 of the file.");
        }
        let agree = self.kind == EvidenceKind::ParticipantsAgree;
        if self.kind.level() == 3 && !agree && self.confirmed_by.is_none() {
            add("confirmed_by", FaultCode::Required, "Name the role or body that confirmed it.");
        }
        if agree && self.review_ids.len() < AGREEING {
            add("review_ids", FaultCode::TooFew, "At least three reviews, by different people.");
        } else if !agree && !self.review_ids.is_empty() {
            add("review_ids", FaultCode::NotApplicable, "Reviews go with `participants_agree` only.");
        }
        for (index, review) in self.review_ids.iter().enumerate() {
            if self.review_ids[..index].contains(review) {
                add(&format!("review_ids/{index}"), FaultCode::DuplicateItem, "Each entry may occur once.");
            }
        }
    }
}

impl RulingInput {
    /// Everything that is wrong with it, given the day and how long evidence holds; empty when it can be stored.
    #[must_use]
    pub fn faults(&self, today: Day, months: &EvidenceMonths) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (index, item) in self.evidence.iter().enumerate() {
            item.faults(&format!("/evidence/{index}"), today, months, &mut faults);
        }
        faults
    }

    /// The ruling as it is stored. `ids` are fresh, one for each piece of evidence.
    #[must_use]
    pub fn settled(self, criterion: CriterionCode, months: &EvidenceMonths, ids: Vec<EvidenceId>) -> Ruling {
        let evidence = self.evidence.into_iter().zip(ids).map(|(item, id)| Evidence {
            id,
            expires_on: item.expires_on.unwrap_or_else(|| item.last_day(months)),
            kind: item.kind,
            description: item.description,
            url: item.url,
            sha256: item.sha256,
            obtained_on: item.obtained_on,
            confirmed_by: item.confirmed_by,
            review_ids: item.review_ids,
            confidential: item.confidential,
        });
        Ruling { criterion, status: self.status, note: self.note, evidence: evidence.collect() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const MONTHS: EvidenceMonths = EvidenceMonths { level_1: 12, level_2: 24, level_3: 36 };

    fn input(changes: &[Value]) -> RulingInput {
        let item = |changes: &Value| {
            let mut item = json!({"kind": "document_on_file", "description": "Rosters of three months",
                "sha256": "0".repeat(64), "obtained_on": "2025-03-31"});
            for (member, value) in changes.as_object().unwrap() {
                item[member] = value.clone();
            }
            item
        };
        let evidence: Vec<_> = changes.iter().map(item).collect();
        let body = json!({"status": "met", "note": "As the rosters say.", "evidence": evidence});
        serde_json::from_value(body).unwrap()
    }

    fn faults(changes: &[Value]) -> Vec<(String, &'static str)> {
        let today = "2025-04-01".parse().unwrap();
        let faults = input(changes).faults(today, &MONTHS);
        faults.into_iter().map(|fault| (fault.pointer.unwrap(), fault.code.as_str())).collect()
    }

    fn reviews(count: u8) -> Value {
        (1..=count).map(|n| json!(ReviewId::new_v4([n; 16]))).collect()
    }

    #[test]
    fn each_rule_of_evidence_has_its_fault() {
        for (change, found) in [
            (json!({}), None),
            (json!({"obtained_on": "2025-04-01"}), None),
            (json!({"obtained_on": "2025-04-02"}), Some(("obtained_on", "in_the_future"))),
            (json!({"expires_on": "2025-04-01"}), None),
            (json!({"expires_on": "2025-03-31"}), Some(("expires_on", "range_reversed"))),
            (json!({"expires_on": "2027-03-31"}), None),
            (json!({"expires_on": "2027-04-01"}), Some(("expires_on", "inconsistent"))),
            (json!({"kind": "provider_statement", "expires_on": "2026-03-31"}), None),
            (json!({"kind": "provider_statement", "expires_on": "2026-04-01"}), Some(("expires_on", "inconsistent"))),
            (json!({"sha256": null}), Some(("sha256", "required"))),
            (json!({"sha256": null, "url": "https://example.org/rosters"}), None),
            (json!({"url": "https://"}), Some(("url", "invalid_url"))),
            (json!({"kind": "provider_statement", "sha256": null}), None),
            (json!({"kind": "site_visit"}), Some(("confirmed_by", "required"))),
            (json!({"kind": "licence_registry"}), Some(("confirmed_by", "required"))),
            (json!({"kind": "host_letter_checked"}), Some(("confirmed_by", "required"))),
            (json!({"kind": "site_visit", "confirmed_by": "The medical director"}), None),
            (json!({"kind": "participants_agree", "review_ids": reviews(3)}), None),
            (json!({"kind": "participants_agree", "review_ids": reviews(2)}), Some(("review_ids", "too_few"))),
            (json!({"review_ids": reviews(3)}), Some(("review_ids", "not_applicable"))),
        ] {
            let wanted: Vec<_> = found.iter().map(|(at, code)| (format!("#/evidence/0/{at}"), *code)).collect();
            assert_eq!(faults(std::slice::from_ref(&change)), wanted, "{change}");
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let twice = json!([ReviewId::new_v4([1; 16]), ReviewId::new_v4([2; 16]), ReviewId::new_v4([1; 16])]);
        let found = faults(&[
            json!({"obtained_on": "2025-05-01", "expires_on": "2025-05-01", "sha256": null}),
            json!({"kind": "participants_agree", "review_ids": twice}),
        ]);
        let places: Vec<_> = found.iter().map(|(place, _)| place.as_str()).collect();
        let first = ["#/evidence/0/obtained_on", "#/evidence/0/expires_on", "#/evidence/0/sha256"];
        assert_eq!(places, [&first[..], &["#/evidence/1/review_ids/2"]].concat());
    }

    #[test]
    fn evidence_holds_as_long_as_the_rubric_says_unless_told() {
        let ids = [1, 2, 3].map(|n| EvidenceId::new_v4([n; 16]));
        let given = input(&[json!({}), json!({"kind": "site_visit"}), json!({"expires_on": "2025-06-30"})]);
        let ruling = given.settled(CriterionCode::Safeguarding, &MONTHS, ids.to_vec());
        let days: Vec<_> = ruling.evidence.iter().map(|item| item.expires_on.to_string()).collect();
        assert_eq!(days, ["2027-03-31", "2028-03-31", "2025-06-30"]);
        assert_eq!(ruling.evidence.iter().map(|item| item.id).collect::<Vec<_>>(), ids);
    }
}
