//! Which items of which guidelines a program is known to keep: the criteria's standing, read along their `basis`.

use serde::Serialize;
use utoipa::ToSchema;

use super::rubric::Rubric;
use crate::{
    ids::EvidenceId,
    reference::{CriterionCode, Guideline, guidelines::named_by},
    time::Day,
    verdict::{CriterionStatus, Inputs, decide},
};

/// What a `basis` names: a known guideline, or a text that none claims, which then is a guideline of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// A guideline that is known by name.
    Known(&'a Guideline),
    /// A text that no known guideline claims.
    Own(&'a str),
}

/// One `basis` of a rubric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basis<'a> {
    /// The item of the guideline; `None` for the guideline as a whole.
    pub item: Option<&'a str>,
    /// The criterion that rests on it.
    pub criterion: CriterionCode,
}

/// Every guideline that a rubric rests on with what rests on it: known ones in their order, then the others in the order
/// of the rubric.
#[must_use]
pub fn sources(rubric: &Rubric) -> Vec<(Source<'_>, Vec<Basis<'_>>)> {
    let known = crate::reference::guidelines().iter().map(|guideline| (Source::Known(guideline), Vec::new()));
    let mut found: Vec<(Source<'_>, Vec<Basis<'_>>)> = known.collect();
    for criterion in &rubric.criteria {
        for basis in &criterion.basis {
            let (source, item) = match named_by(basis) {
                Some((guideline, item)) => (Source::Known(guideline), item),
                None => (Source::Own(basis), None),
            };
            let entry = Basis { item, criterion: criterion.code };
            match found.iter_mut().find(|(known, _)| *known == source) {
                Some((_, entries)) => entries.push(entry),
                None => found.push((source, vec![entry])),
            }
        }
    }
    found
}

/// How far a program is known to keep one item of a guideline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CoverageItem {
    /// The item; null for the guideline as a whole.
    #[schema(max_length = 200, example = "principle 4")]
    pub item: Option<String>,
    /// The criterion of the rubric that rests on it.
    pub criterion: CriterionCode,
    /// What holds of that criterion on the day.
    pub status: CriterionStatus,
    /// The strongest evidence that holds, 0 to 3.
    #[schema(minimum = 0, maximum = 3)]
    pub evidence_level: u8,
    /// The evidence that holds, in ascending order.
    #[schema(max_items = 20)]
    pub evidence_ids: Vec<EvidenceId>,
    /// The first day on which no evidence holds any more; null without evidence that holds.
    pub expires_on: Option<Day>,
}

/// How many items have evidence that holds, by the level of the strongest: each is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct WithEvidence {
    /// The provider's statement at the most.
    #[schema(minimum = 0, maximum = 280)]
    pub level_1: u32,
    /// A document on file at the most.
    #[schema(minimum = 0, maximum = 280)]
    pub level_2: u32,
    /// Confirmed independently.
    #[schema(minimum = 0, maximum = 280)]
    pub level_3: u32,
}

/// How far a program is known to keep a guideline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct GuidelineCoverage {
    /// Its code; null for one that the rubric alone names.
    #[schema(max_length = 60, pattern = "^[a-z0-9_]+$", example = "brocher")]
    pub code: Option<String>,
    /// Its title.
    #[schema(max_length = 200, example = "Brocher Declaration")]
    pub title: String,
    /// Its items that criteria of the rubric rest on, in the order of the criteria.
    #[schema(max_items = 280)]
    pub items: Vec<CoverageItem>,
    /// How many items there are.
    #[schema(minimum = 0, maximum = 280)]
    pub item_count: u32,
    /// How many of them are met, or do not concern the program.
    #[schema(minimum = 0, maximum = 280)]
    pub met_count: u32,
    /// How many of them have evidence that holds, whatever it shows.
    pub with_evidence: WithEvidence,
}

/// Every guideline that the rubric rests on, with what is known of its items on a day. `rubric` is the version that the
/// inputs name.
#[must_use]
pub fn coverage(rubric: &Rubric, inputs: &Inputs, today: Day) -> Vec<GuidelineCoverage> {
    let standings = decide(inputs, today).criteria;
    let rulings = || inputs.assessment.iter().flat_map(|assessment| &assessment.rulings);
    let item = |basis: Basis<'_>| {
        let standing = standings.iter().find(|standing| standing.criterion == basis.criterion);
        let of_criterion = rulings().filter(|ruling| ruling.criterion == basis.criterion);
        let holding = of_criterion.flat_map(|ruling| &ruling.evidence).filter(|evidence| evidence.expires_on > today);
        let mut evidence_ids: Vec<EvidenceId> = holding.map(|evidence| evidence.id).collect();
        evidence_ids.sort_unstable();
        CoverageItem {
            item: basis.item.map(str::to_owned),
            criterion: basis.criterion,
            status: standing.map_or(CriterionStatus::Unknown, |standing| standing.status),
            evidence_level: standing.map_or(0, |standing| standing.evidence_level),
            evidence_ids,
            expires_on: standing.and_then(|standing| standing.expires_on),
        }
    };
    let resting = sources(rubric).into_iter().filter(|(_, bases)| !bases.is_empty());
    resting
        .map(|(source, bases)| {
            let (code, title) = match source {
                Source::Known(guideline) => (Some(guideline.code.clone()), guideline.title.clone()),
                Source::Own(text) => (None, text.to_owned()),
            };
            let items: Vec<CoverageItem> = bases.into_iter().map(item).collect();
            let mut with_evidence = WithEvidence::default();
            for item in &items {
                match item.evidence_level {
                    0 => {}
                    1 => with_evidence.level_1 += 1,
                    2 => with_evidence.level_2 += 1,
                    _ => with_evidence.level_3 += 1,
                }
            }
            let item_count = u32::try_from(items.len()).unwrap_or(u32::MAX);
            let met =
                |item: &&CoverageItem| matches!(item.status, CriterionStatus::Met | CriterionStatus::NotApplicable);
            let met_count = u32::try_from(items.iter().filter(met).count()).unwrap_or(u32::MAX);
            GuidelineCoverage { code, title, items, item_count, met_count, with_evidence }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::AssessmentId,
        verdict::{AssessmentFacts, EvidenceFact, RulingFacts},
    };

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn evidence(number: u8, level: u8, expires_on: &str) -> EvidenceFact {
        EvidenceFact { id: EvidenceId::new_v4([number; 16]), level, expires_on: day(expires_on) }
    }

    /// Host authorisation with evidence of two levels, accountability with a statement.
    fn inputs(rubric: &Rubric) -> Inputs {
        let ruling = |criterion, evidence| RulingFacts { criterion, status: CriterionStatus::Met, evidence };
        let two = vec![evidence(2, 1, "2026-06-01"), evidence(1, 3, "2026-03-01")];
        let rulings = vec![
            ruling(CriterionCode::HostAuthorization, two),
            ruling(CriterionCode::AccountabilityFeedback, vec![evidence(3, 1, "2026-12-01")]),
        ];
        let assessment = AssessmentFacts {
            id: AssessmentId::new_v4([7; 16]),
            listing_changed: false,
            levels_added: Vec::new(),
            rulings,
        };
        Inputs { rubric: rubric.facts(1), assessment: Some(assessment), ..Inputs::default() }
    }

    fn of<'a>(all: &'a [GuidelineCoverage], code: &str) -> &'a GuidelineCoverage {
        all.iter().find(|one| one.code.as_deref() == Some(code)).unwrap()
    }

    #[test]
    fn each_item_stands_as_its_criterion_does() {
        let rubric = Rubric::first();
        let found = coverage(&rubric, &inputs(&rubric), day("2026-01-01"));
        let brocher = of(&found, "brocher");
        let items: Vec<_> = brocher.items.iter().map(|item| (item.item.as_deref().unwrap(), item.status)).collect();
        assert_eq!(
            items,
            [
                ("principle 4", CriterionStatus::Met),
                ("principles 1-3", CriterionStatus::Unknown),
                ("principle 6", CriterionStatus::Met),
            ]
        );
        assert_eq!(
            (brocher.item_count, brocher.with_evidence),
            (3, WithEvidence { level_1: 1, level_2: 0, level_3: 1 })
        );
        let ids: Vec<_> = [1, 2].map(|number| EvidenceId::new_v4([number; 16])).into();
        assert_eq!(brocher.items[0].evidence_ids, ids);
        assert_eq!(brocher.items[0].expires_on, Some(day("2026-06-01")));
        assert_eq!(of(&found, "ftc_16_cfr_465").items[0].item, None);
    }

    #[test]
    fn evidence_is_lost_by_the_clock() {
        let rubric = Rubric::first();
        let item = |on| of(&coverage(&rubric, &inputs(&rubric), day(on)), "brocher").items[0].clone();
        assert_eq!((item("2026-02-28").evidence_level, item("2026-03-01").evidence_level), (3, 1));
        let last = item("2026-06-01");
        assert_eq!((last.status, last.evidence_level, last.expires_on), (CriterionStatus::Unknown, 0, None));
        assert!(last.evidence_ids.is_empty());
    }

    #[test]
    fn every_basis_is_one_item() {
        let rubric = Rubric::first();
        let bases: usize = rubric.criteria.iter().map(|criterion| criterion.basis.len()).sum();
        let found = coverage(&rubric, &Inputs { rubric: rubric.facts(1), ..Inputs::default() }, day("2026-01-01"));
        assert_eq!(found.iter().map(|one| one.items.len()).sum::<usize>(), bases);
        assert!(found.iter().all(|one| one.with_evidence == WithEvidence::default()));
    }

    #[test]
    fn a_basis_that_no_guideline_claims_is_one_by_its_text() {
        let mut rubric = Rubric::first();
        rubric.criteria[0].basis = vec!["Handbook of our own, page 3".to_owned()];
        rubric.criteria[1].basis.push("Handbook of our own, page 3".to_owned());
        let found = coverage(&rubric, &inputs(&rubric), day("2026-01-01"));
        let last = found.last().unwrap();
        assert_eq!(
            (last.code.as_ref(), last.title.as_str(), last.item_count),
            (None, "Handbook of our own, page 3", 2)
        );
        assert!(last.items.iter().all(|item| item.item.is_none()));
    }
}
