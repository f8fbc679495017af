use proptest::prelude::*;

use super::*;
use crate::reviews::checks::{Context, check};

const PIECES: &[&str] = &[
    "The consultant explained every case on the ward round.",
    "We were six students and shared a house near the hospital.",
    "Call me on +44 20 7946 0958 for more.",
    "Write to somebody@example.org about the fees.",
    "See https://example.org/offer for a discount.",
    "The patient Mary Smith in bed 12 was admitted on 3 March 2025.",
    "El personal fue muy amable y aprendimos mucho durante las semanas en la clinica.",
    "Nobody was there at night, and I was asked to take blood alone.",
    "This is a fucking scam by fucking idiots.",
    "I would go again, best weeks of my life, and the food was great.",
];

fn review(stars: u8, parts: &[Option<String>]) -> ReviewInput {
    let part = |n: usize| parts.get(n).cloned().flatten();
    serde_json::from_value(serde_json::json!({
        "period": {"start_month": "2025-05", "end_month": "2025-07"}, "weeks": 8, "training_level": "clinical",
        "ratings": {
            "supervision": stars, "scope_clarity": stars, "preparation": stars, "patient_respect": stars, "value": stars
        },
        "would_recommend": stars > 3,
        "text": {
            "what_i_did": part(0), "supervision": part(1), "good": part(2), "problems": part(3), "advice": part(4)
        },
        "disclosure": {"incentive": "none", "relationship": "none"}
    }))
    .unwrap()
}

/// What becomes of a review: its state, its reason, and what is found.
fn path(written: &ReviewInput, context: &Context) -> (ReviewStatus, Option<String>, String, Timestamp) {
    let now = "2025-08-17T12:30:00.000000Z".parse().unwrap();
    let new = NewReview {
        id: ReviewId::new_v4([1; 16]),
        program: ProgramId::new_v4([2; 16]),
        participant: PrincipalId::new_v4([3; 16]),
        pseudonym: "participant-00000001".to_owned(),
        verification: Verification::None,
        content: written,
    };
    let row = ReviewRow::checked(&new, &check(&Candidate::from(&written.text), context), now).unwrap();
    (row.status, row.status_reason, row.findings, row.published_at)
}

fn text() -> impl Strategy<Value = Option<String>> {
    let piece = prop_oneof![
        4 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => "\\PC{10,60}",
    ];
    prop::option::of(prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.join(" ")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_same_text_takes_the_same_path_at_one_and_at_five_stars(
        parts in prop::collection::vec(text(), 5), known in prop::collection::vec(text(), 0..3), last_day in 0_u32..12
    ) {
        let known: Vec<_> = known.into_iter().flatten().collect();
        let others = known.iter().flat_map(|text| {
            sketches(&Candidate { parts: vec![(crate::reviews::checks::ReviewPart::Good, text)] })
        });
        let context = Context {
            others: others.collect(),
            program: crate::reviews::checks::Arrivals { last_day, usual: 1.0 },
            ..Context::default()
        };
        prop_assert_eq!(path(&review(1, &parts), &context), path(&review(5, &parts), &context));
    }
}

#[test]
fn the_texts_of_the_comparison_take_both_paths() {
    let status = |piece: &str| path(&review(3, &[Some(piece.to_owned())]), &Context::default()).0;
    let held: Vec<_> = PIECES.iter().filter(|piece| status(piece) == ReviewStatus::Held).collect();
    assert!((4..=7).contains(&held.len()), "{held:?}");
}
