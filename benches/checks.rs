//! What the automatic checks of a review cost: `cargo bench --bench checks`.
//!
//! They run on the thread that answers the request, beside the one that writes. `usual` is what nearly every review costs,
//! `longest` the most that a body may hold, and `kept` what is kept of a usual one.
#![expect(clippy::unwrap_used, reason = "a measurement stops on the spot")]

use preceptor::reviews::{
    checks::{Candidate, Context, ReviewPart, check, near_copy::sketches},
    model::ReviewText,
};

fn main() {
    divan::main();
}

const USUAL: [&str; 5] = [
    "I followed the ward rounds of internal medicine every morning and took histories with an interpreter beside me.",
    "A licensed physician was in the room at all times, and the head of the ward signed what I had written each evening.",
    "The teaching was good. Each case was explained, and the staff took time although there were many patients.",
    "The preparation was short, and the housing was further away than the listing says: about an hour by bus.",
    "Learn some of the language before you go, bring good shoes, and ask what you may do before the first day.",
];

fn text(part: impl Fn(usize) -> String) -> ReviewText {
    let part = |number| Some(part(number));
    ReviewText { what_i_did: part(0), supervision: part(1), good: part(2), problems: part(3), advice: part(4) }
}

/// Reviews of others to compare with: as many as are read at most.
fn context() -> Context {
    let of = |number: usize| {
        let text = text(|part| USUAL[part].replace("the", &format!("the{number}")).replace('a', &format!("{number} ")));
        sketches(&Candidate::from(&text))
    };
    Context { others: (0..60).flat_map(of).collect(), ..Context::default() }
}

#[divan::bench]
fn usual(bencher: divan::Bencher) {
    let (text, context) = (text(|part| USUAL[part].to_owned()), context());
    assert!(check(&Candidate::from(&text), &context).is_empty());
    bencher.bench(|| check(&Candidate::from(divan::black_box(&text)), &context).len());
}

#[divan::bench]
fn longest(bencher: divan::Bencher) {
    let long = |part: usize| USUAL[part].chars().chain([' ']).cycle().take(5000).collect();
    let (text, context) = (text(long), context());
    bencher.bench(|| check(&Candidate::from(divan::black_box(&text)), &context).len());
}

#[divan::bench]
fn kept(bencher: divan::Bencher) {
    let text = text(|part| USUAL[part].to_owned());
    let first = Candidate { parts: vec![(ReviewPart::Good, text.good.as_deref().unwrap())] };
    assert!(sketches(&first).len() <= 1);
    bencher.bench(|| sketches(&Candidate::from(divan::black_box(&text))).len());
}
