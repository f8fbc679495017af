//! Reviews that are valid and that are not, exact means.

use super::*;
use serde_json::{Value, json};

fn review(changes: &Value) -> ReviewInput {
    let mut document = json!({
        "period": {"start_month": "2025-03", "end_month": "2025-05"}, "weeks": 6, "training_level": "clinical",
        "ratings": {"supervision": 5, "learning": 4}, "disclosure": {"incentive": "none", "relationship": "none"}
    });
    for (member, value) in changes.as_object().unwrap() {
        document[member] = value.clone();
    }
    serde_json::from_value(document).unwrap()
}

#[test]
fn the_overall_rating_is_exact() {
    assert_eq!(1 + Dimension::ALL.len(), 12);
    assert!((1..=11).all(|count| OVERALL_UNIT % count == 0));
    let ratings = Ratings { supervision: Some(5), housing: Some(4), value: Some(4), ..Ratings::default() };
    assert_eq!((ratings.sum(), ratings.count(), ratings.overall()), (13, 3, Some(13 * 9240)));
    assert_eq!(ratings.overall_key(), 43_333);
    let two_thirds = Ratings { supervision: Some(5), housing: Some(5), value: Some(4), ..Ratings::default() };
    assert_eq!(two_thirds.overall_key(), 46_667);
    assert_eq!((Ratings::default().overall(), Ratings::default().overall_key()), (None, 0));
}

#[test]
fn every_dimension_is_a_member_of_the_ratings() {
    for dimension in Dimension::ALL {
        let ratings: Ratings = serde_json::from_value(json!({ dimension.as_str(): 3 })).unwrap();
        assert_eq!(ratings.given().collect::<Vec<_>>(), [(*dimension, 3)]);
    }
}

#[test]
fn a_review_without_text_and_ratings_is_refused() {
    review(&json!({})).validate().unwrap();
    review(&json!({"ratings": {}, "text": {"good": "Patient teachers."}})).validate().unwrap();
    let errors = review(&json!({"ratings": {}, "would_recommend": true})).validate().unwrap_err();
    assert_eq!(errors.field_errors()["__all__"][0].code, "empty_review");
}

#[test]
fn each_task_is_told_once() {
    let done = json!({"task": "vital_signs", "supervision": "direct", "consent": "asked"});
    let errors = review(&json!({"tasks_done": [done, done]})).validate().unwrap_err();
    assert_eq!(errors.field_errors()["tasks_done"][0].code, "duplicate_item");
}

#[test]
fn the_period_is_in_order_and_not_in_the_future() {
    let reversed = review(&json!({"period": {"start_month": "2025-05", "end_month": "2025-03"}}));
    assert!(reversed.validate().unwrap_err().errors().contains_key("period"));
    let review = review(&json!({}));
    assert!(review.check_period("2025-05-01".parse().unwrap()).is_ok());
    let errors = review.check_period("2025-04-30".parse().unwrap()).unwrap_err();
    assert_eq!(errors.field_errors()["period"][0].code, "in_the_future");
    assert_eq!(review.period.half_year().to_string(), "2025-H1");
}
