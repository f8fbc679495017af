//! The demo's reviews as a set of texts to try the automatic checks on: what is public in it is clean, whoever wrote first.

use std::collections::BTreeMap;

use super::{DemoProgram, DemoReview, PROGRAMS, REVIEWS, parse};
use crate::reviews::{
    checks::{Candidate, Context, Finding, check, near_copy::sketches},
    model::ReviewStatus,
};

#[test]
fn no_published_review_of_the_demo_is_held_by_the_checks() {
    let programs = parse::<DemoProgram>(PROGRAMS).unwrap();
    let provider: BTreeMap<_, _> = programs.iter().map(|one| (one.listing.slug.as_deref(), &one.provider)).collect();
    let reviews = parse::<DemoReview>(REVIEWS).unwrap();
    let mut held: Vec<(usize, ReviewStatus, Vec<Finding>)> = Vec::new();
    for (number, demo) in reviews.iter().enumerate() {
        let text = Candidate::from(&demo.review.text);
        let earlier = |own: bool| {
            let same = |other: &&DemoReview| {
                (other.participant == demo.participant) == own
                    && (own || provider[&Some(other.program.as_str())] == provider[&Some(demo.program.as_str())])
            };
            let texts = reviews[..number].iter().filter(same);
            texts.flat_map(|other| sketches(&Candidate::from(&other.review.text))).collect()
        };
        let context = Context { own: earlier(true), others: earlier(false), ..Context::default() };
        let findings = check(&text, &context);
        if !findings.is_empty() {
            held.push((number, demo.status, findings));
        }
    }
    let wrong: Vec<_> = held.iter().filter(|(_, status, _)| *status == ReviewStatus::Published).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
