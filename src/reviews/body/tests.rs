use super::*;
use crate::{auth::Role, ids::PrincipalId, participation::model::Vouched, reviews::store::NewReview};

fn input() -> ReviewInput {
    serde_json::from_value(serde_json::json!({
        "period": {"start_month": "2025-05", "end_month": "2025-07"},
        "weeks": 8,
        "training_level": "clinical",
        "ratings": {"supervision": 4, "value": 5, "housing": 4},
        "would_recommend": true,
        "disclosure": {"incentive": "none", "relationship": "none"}
    }))
    .unwrap()
}

fn row() -> ReviewRow {
    let content = input();
    let new = NewReview {
        id: ReviewId::new_v4([1; 16]),
        program: ProgramId::new_v4([2; 16]),
        participant: PrincipalId::new_v4([3; 16]),
        pseudonym: "participant-00000001".to_owned(),
        verification: Verification::None,
        content: &content,
    };
    ReviewRow::published(&new, "2025-08-17T12:30:00.000000Z".parse().unwrap()).unwrap()
}

fn told(row: &ReviewRow) -> Told {
    Told { row: row.clone(), responses: Responses::default() }
}

fn caller(id: [u8; 16], role: Role) -> Caller {
    Caller { id: PrincipalId::new_v4(id), role, provider: None, university: None }
}

#[test]
fn only_published_reviews_exist_for_others() {
    let author = caller([3; 16], Role::Participant);
    let moderator = caller([4; 16], Role::Moderator);
    let other = caller([5; 16], Role::Participant);
    for status in ReviewStatus::ALL {
        let row = ReviewRow { status: *status, ..row() };
        let public = (*status == ReviewStatus::Published).then_some(View::Public);
        assert_eq!(View::of(&row, None), public);
        assert_eq!(View::of(&row, Some(&other)), public);
        assert_eq!(View::of(&row, Some(&author)), Some(View::Author));
        assert_eq!(View::of(&row, Some(&moderator)), Some(View::Moderator));
    }
}

#[test]
fn others_learn_neither_months_nor_moments_nor_ids_of_people() {
    let row = ReviewRow { status_reason: Some("A reason.".to_owned()), ..row() };
    let json = serde_json::to_value(ReviewBody::read(&told(&row), View::Public).unwrap()).unwrap();
    assert_eq!(json["period"], "2025-H2");
    assert_eq!(json["published_on"], "2025-08-01");
    assert_eq!(json["overall"], 4.33);
    assert!(json.get("own").is_none() && json.get("status_reason").is_none());
    let text = json.to_string();
    for hidden in ["2025-05", "2025-07", "2025-08-17", &row.participant_id.to_string()] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    let json = serde_json::to_value(ReviewBody::read(&told(&row), View::Author).unwrap()).unwrap();
    assert_eq!(json["own"]["period"]["start_month"], "2025-05");
    assert_eq!(json["status_reason"], "A reason.");
    let nobody = Responses::default();
    assert_ne!(View::Author.etag(&row, &nobody), View::Public.etag(&row, &nobody));
    let replied = Responses { version: 1, ..nobody.clone() };
    assert_ne!(View::Public.etag(&row, &replied), View::Public.etag(&row, &nobody));
}

#[test]
fn a_review_that_was_never_published_has_no_date() {
    let row = ReviewRow { published_at: Timestamp::EPOCH, status: ReviewStatus::Pending, ..row() };
    assert_eq!(ReviewBody::read(&told(&row), View::Author).unwrap().published_on, None);
}

#[test]
fn the_mean_is_rounded_half_up() {
    assert_eq!(mean(0, 0), None);
    assert_eq!(mean(13, 3), Some(4.33));
    assert_eq!(mean(33, 8), Some(4.13));
    assert_eq!(mean(55, 11), Some(5.0));
}

#[test]
fn without_verification_nothing_was_checked() {
    for method in Verification::ALL {
        let shown = ReviewVerification::of(&ReviewRow { verification: *method, ..row() });
        assert_eq!(shown.verified, *method != Verification::None);
        assert_eq!(shown.not_checked.len() == Unchecked::ALL.len() - 1, !shown.verified);
        assert!(shown.not_checked.contains(&Unchecked::Account));
    }
}

#[test]
fn a_provider_alone_is_no_independent_voucher() {
    let month: Month = "2025-08".parse().unwrap();
    for by in Voucher::ALL {
        let row = ReviewRow { verification: Verification::ParticipationCode, ..row() };
        let shown = ReviewVerification::of(&row.vouched(Some(Vouched { by: *by, month })));
        assert_eq!((shown.vouched_by, shown.vouched_month), (Some(*by), Some(month)));
        assert_eq!(shown.not_checked.contains(&Unchecked::Independence), *by == Voucher::Provider, "{by}");
    }
}
