use super::*;
use crate::ids::PrincipalId;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn evidence(id: u8, kind: EvidenceKind) -> Evidence {
    Evidence {
        id: EvidenceId::new_v4([id; 16]),
        kind,
        description: "The roster of three months.".to_owned(),
        url: None,
        sha256: Some("0".repeat(64)),
        obtained_on: day("2025-03-01"),
        expires_on: day("2026-03-01"),
        confirmed_by: None,
        review_ids: Vec::new(),
        confidential: false,
    }
}

fn ruling(criterion: CriterionCode, status: CriterionStatus, evidence: Vec<Evidence>) -> Ruling {
    Ruling { criterion, status, note: "As the documents say.".to_owned(), evidence }
}

#[test]
fn every_pair_of_status_and_action_has_one_answer() {
    use AssessmentAction as A;
    use AssessmentStatus as S;
    let allowed = [
        (S::Draft, A::Submit, S::Submitted),
        (S::Draft, A::Withdraw, S::Withdrawn),
        (S::Submitted, A::Return, S::Draft),
        (S::Submitted, A::SignOff, S::SignedOff),
        (S::Submitted, A::Publish, S::Published),
        (S::Submitted, A::Withdraw, S::Withdrawn),
        (S::SignedOff, A::Return, S::Draft),
        (S::SignedOff, A::Publish, S::Published),
        (S::SignedOff, A::Withdraw, S::Withdrawn),
    ];
    for status in S::ALL {
        for action in A::ALL {
            let expected = allowed.iter().find(|row| (row.0, row.1) == (*status, *action)).map(|row| row.2);
            assert_eq!(status.after(*action).ok(), expected, "{status} {action}");
        }
    }
}

#[test]
fn who_reads_an_assessment_depends_on_role_and_state() {
    use AssessmentStatus as S;
    let id = |n: u8| ProviderId::new_v4([n; 16]);
    for role in Role::ALL {
        let caller = |provider| Caller { id: PrincipalId::new_v4([9; 16]), role: *role, provider, university: None };
        let staff = matches!(role, Role::Admin | Role::Moderator | Role::Assessor);
        let other = if staff { Reader::Staff } else { Reader::Public };
        let own = if *role == Role::Provider { Reader::Provider } else { other };
        assert_eq!(Reader::of(Some(&caller(Some(id(1)))), id(1)), own, "{role}");
        assert_eq!(Reader::of(Some(&caller(Some(id(2)))), id(1)), other, "{role}");
        assert_eq!(Reader::of(Some(&caller(None)), id(1)), other, "{role}");
    }
    assert_eq!(Reader::of(None, id(1)), Reader::Public);
    for status in S::ALL {
        let public = [S::Published, S::Superseded].contains(status);
        for submitted in [false, true] {
            assert!(Reader::Staff.reads(*status, submitted, false), "{status}");
            assert_eq!(Reader::Provider.reads(*status, submitted, false), submitted, "{status}");
            assert_eq!(Reader::Public.reads(*status, submitted, true), public, "{status}");
            assert!(!Reader::Public.reads(*status, submitted, false), "{status}");
        }
    }
}

#[test]
fn a_second_assessor_is_needed_where_a_critical_criterion_hangs_on_it() {
    use CriterionStatus as C;
    use EvidenceKind as K;
    let (critical, other) = (CriterionCode::LicensedSupervision, CriterionCode::TruthfulMarketing);
    let rubric = RubricFacts { version: 1, critical: vec![critical] };
    for criterion in [critical, other] {
        for status in C::ALL {
            for kind in K::ALL {
                let content = Content { rulings: vec![ruling(criterion, *status, vec![evidence(1, *kind)])] };
                let strong = *status == C::Met && kind.level() == 3;
                let needs = criterion == critical && (matches!(status, C::NotMet | C::NotApplicable) || strong);
                assert_eq!(content.needs_sign_off(&rubric), needs, "{criterion} {status} {kind}");
                let urgent = criterion == critical && *status == C::NotMet;
                assert_eq!(content.is_urgent(&rubric), urgent, "{criterion} {status} {kind}");
            }
        }
    }
}

#[test]
fn rulings_stand_in_rubric_order_and_replace_each_other() {
    let mut content = Content::default();
    assert_eq!(content.missing(), CriterionCode::ALL);
    for criterion in CriterionCode::ALL.iter().rev() {
        content.rule(ruling(*criterion, CriterionStatus::Unknown, Vec::new()));
    }
    assert_eq!(content.missing(), []);
    let order: Vec<_> = content.rulings.iter().map(|ruling| ruling.criterion).collect();
    assert_eq!(order, CriterionCode::ALL);
    content.rule(ruling(CriterionCode::Safeguarding, CriterionStatus::Met, Vec::new()));
    assert_eq!(content.rulings.len(), CriterionCode::ALL.len());
    assert_eq!(content.ruling(CriterionCode::Safeguarding).unwrap().status, CriterionStatus::Met);
}

#[test]
fn evidence_that_is_as_it_was_keeps_its_id() {
    let rule = |content: &mut Content, evidence| {
        content.rule(ruling(CriterionCode::Safeguarding, CriterionStatus::Met, evidence));
        let ids = &content.ruling(CriterionCode::Safeguarding).unwrap().evidence;
        ids.iter().map(|item| item.id.as_uuid().as_bytes()[0]).collect::<Vec<_>>()
    };
    let mut content = Content::default();
    let document = |id| evidence(id, EvidenceKind::DocumentOnFile);
    assert_eq!(rule(&mut content, vec![document(1), document(2)]), [1, 2]);
    let changed = Evidence { confidential: true, ..document(3) };
    assert_eq!(rule(&mut content, vec![changed, document(4), document(5), document(6)]), [3, 1, 2, 6]);
}

#[test]
fn the_provider_has_fourteen_days() {
    let submitted: Timestamp = "2025-02-20T10:00:00.000000Z".parse().unwrap();
    assert_eq!(answer_until(submitted).to_string(), "2025-03-06T10:00:00.000000Z");
}
